//! `fourauthd`: the server and its local administration.

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use fourauth_face::Engine;
use fourauth_protocol::time::UnixMillis;
use fourauth_server::{
    config::{Config, layers::Layered},
    first_run,
    local::{
        LocalStore, admin::AdminCommand, audit::AuditCommand, config::ConfigCommand, healthcheck,
        models::ModelsCommand, user::UserCommand,
    },
    logging, models,
    server::{Server, TimeSource},
};
use std::{
    io,
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Longest wait for threads that cannot be stopped, such as a name lookup.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// A self-hosted authentication server: password, one-time code, face, device and an honest clock
/// in one TLS round trip.
#[derive(Debug, Parser)]
#[command(name = "fourauthd", version)]
struct Arguments {
    /// The configuration file; without one, everything has its default
    #[arg(long, short, global = true)]
    config: Option<PathBuf>,
    /// What to do; without one, serve
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until told to stop
    Serve,
    /// List, show, disable, unlock and erase accounts
    #[command(subcommand)]
    User(UserCommand),
    /// List, name and remove administrators
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Show the audit log
    Audit(AuditCommand),
    /// Install, list and check model packs
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Check or show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Succeed if the server on this machine answers
    Healthcheck,
}

fn main() -> ExitCode {
    let done = tokio::runtime::Runtime::new().context("no runtime").and_then(|runtime| {
        let done = runtime.block_on(run(Arguments::parse()));
        runtime.shutdown_timeout(LAST_WAIT);
        done
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fourauthd: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the environment enters here and goes on as a value")]
async fn run(arguments: Arguments) -> anyhow::Result<()> {
    // A variable of somebody else's may be no text at all; ours are.
    let texts = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let layered = Layered::load(arguments.config.as_deref(), texts)?;
    let config = &layered.config;
    config.check()?;
    let now = system_clock()?;
    match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => serve(config, now).await,
        Command::Config(command) => command.run(&layered),
        Command::Models(command) => command.run(config),
        Command::Healthcheck => healthcheck::run(config).await,
        Command::User(command) => command.run(&LocalStore::open(config, now).await?).await,
        Command::Audit(command) => command.run(&LocalStore::open(config, now).await?).await,
        Command::Admin(command) => command.run(config, &LocalStore::open(config, now).await?).await,
    }
}

/// What dates the things made on a first run. Decisions rest on the timekeeper.
#[expect(
    clippy::disallowed_methods,
    reason = "the system clock enters here and goes on as a value"
)]
fn system_clock() -> anyhow::Result<UnixMillis> {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .context("the system clock is before 1970")?;
    Ok(UnixMillis(i64::try_from(since.as_millis())?))
}

async fn serve(config: &Config, now: UnixMillis) -> anyhow::Result<()> {
    logging::start(&config.log)?;
    first_run::data_dir(config)?;
    models::install_if_missing(config)?;
    let pack = config.pack_dir();
    let engine = Engine::load(&pack)
        .with_context(|| format!("cannot use the model pack in {}", pack.display()))?;
    // Before anybody can be told that it serves: a signal that comes then must not just end it.
    let signals = Signals::install()?;
    let server = Server::start(config, Arc::new(engine), TimeSource::Network, now).await?;
    tracing::info!(address = %server.address(), fingerprint = server.fingerprint(), "serving");
    signals.wait_for_the_end(&server).await;
    tracing::info!("stopping");
    server.stop().await;
    Ok(())
}

/// What an operator says while the server runs.
struct Signals {
    hangup: Signal,
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn install() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Reloads the certificate on SIGHUP; returns on SIGINT or SIGTERM.
    async fn wait_for_the_end(mut self, server: &Server) {
        loop {
            tokio::select! {
                _ = self.hangup.recv() => server.reload_certificate(),
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
            }
        }
    }
}
