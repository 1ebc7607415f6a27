//! `fourauthd`: the server and its local administration.

use anyhow::{Context as _, anyhow, bail};
use clap::{Parser, Subcommand};
use fourauth_config::{Config, layers::Layered};
use fourauth_face::install::ClientEnvironment;
use fourauth_protocol::{printable::printable_lines, time::UnixMillis};
use fourauth_server::{
    data_folder, first_run, hygiene,
    local::{
        LocalStore, admin::AdminCommand, audit::AuditCommand, backup::BackupCommand,
        config::ConfigCommand, device::DeviceCommand, healthcheck, import::ImportCommand,
        key::KeyCommand, models::ModelsCommand, time::TimeCommand, user::UserCommand,
    },
    logging, models, open_files,
    server::{Server, TimeSource},
};
use std::{
    alloc::System,
    io,
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::signal::unix::{Signal, SignalKind, signal};
use zeroizing_alloc::ZeroAlloc;

/// Wipes all that is freed: the copies that TLS, JSON and buffers which grew have left of passwords
/// and pictures. It does not reach what is still in use, the stack, nor what C libraries allocate for
/// themselves, SQLite above all, which is given sealed and hashed values only.
#[global_allocator]
static MEMORY: ZeroAlloc<System> = ZeroAlloc(System);

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
    /// List, show, disable, enable, unlock and erase accounts
    #[command(subcommand)]
    User(UserCommand),
    /// List and revoke the devices of an account
    #[command(subcommand)]
    Device(DeviceCommand),
    /// List, name and remove administrators, and replace their secrets
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Show, export and verify the audit log
    Audit(AuditCommand),
    /// Make, check and restore backups
    #[command(subcommand)]
    Backup(BackupCommand),
    /// List, replace and retire the keys that seal secrets
    #[command(subcommand)]
    Key(KeyCommand),
    /// Show the time of the servers, and accept one that they refuse
    #[command(subcommand)]
    Time(TimeCommand),
    /// Install, list and check model packs
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Check or show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Import the accounts and the log of another system
    #[command(subcommand)]
    Import(ImportCommand),
    /// Succeed if the server on this machine answers
    Healthcheck,
}

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // It may quote a file or a peer.
            eprintln!("fourauthd: {}", printable_lines(&format!("{error:#}")));
            ExitCode::FAILURE
        }
    }
}

fn start() -> anyhow::Result<()> {
    // Before there is anything to keep.
    hygiene::keep_memory_private().context("cannot keep core dumps from being made")?;
    let runtime = tokio::runtime::Runtime::new().context("no runtime")?;
    let done = runtime.block_on(run(Arguments::parse()));
    runtime.shutdown_timeout(LAST_WAIT);
    done
}

#[expect(clippy::disallowed_methods, reason = "the environment enters here and goes on as a value")]
async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let layered = Layered::load(arguments.config.as_deref(), std::env::vars_os())?;
    let environment = std::env::vars_os().collect();
    let config = &layered.config;
    config.check()?;
    let now = system_clock()?;
    let command = arguments.command.unwrap_or(Command::Serve);
    if !matches!(command, Command::Config(_)) {
        data_folder::check(config)?;
    }
    match command {
        Command::Serve => serve(config, environment, now).await,
        Command::Config(command) => command.run(&layered),
        Command::Models(command) => command.run(config, environment),
        Command::Healthcheck => healthcheck::run(config).await,
        Command::User(command) => command.run(&LocalStore::open(config, now).await?).await,
        Command::Import(command) => {
            command.run(config, &LocalStore::open(config, now).await?).await
        }
        Command::Device(command) => command.run(&LocalStore::open(config, now).await?).await,
        Command::Audit(command) => command.run(config, now).await,
        Command::Time(command) => command.run(&LocalStore::open(config, now).await?).await,
        Command::Backup(command) => {
            let mut signals = Signals::install()?;
            tokio::select! {
                done = command.run(config, now) => done,
                // What was unpacked is removed as the work is dropped.
                () = signals.stop() => bail!("interrupted"),
            }
        }
        Command::Key(command) => command.run(config, &LocalStore::open(config, now).await?).await,
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

async fn serve(
    config: &Config,
    environment: ClientEnvironment,
    now: UnixMillis,
) -> anyhow::Result<()> {
    logging::start(&config.log)?;
    let config = &within_open_files(config)?;
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    first_run::data_dir(config)?;
    models::install_if_missing(config, environment)?;
    let engine = models::load(config)?;
    // Before anybody can be told that it serves: a signal that comes then must not just end it.
    let mut signals = Signals::install()?;
    let server = Server::start(config, Arc::new(engine), TimeSource::Network, now).await?;
    tracing::info!(address = %server.address(), fingerprint = server.fingerprint(), "serving");
    let end = tokio::select! {
        () = signals.wait_for_the_end(&server) => Ok(()),
        // A process that lived on deaf would be restarted by nobody.
        () = server.deafened() => Err(anyhow!("it accepted no connections any more")),
    };
    tracing::info!("stopping");
    tokio::select! {
        () = server.stop() => end,
        () = signals.stop() => bail!("told to stop twice, so what had begun was not finished"),
    }
}

/// The configuration with no more connections than the limit of open files allows.
fn within_open_files(config: &Config) -> anyhow::Result<Config> {
    let files = open_files::raise_limit();
    let limits = open_files::fit(&config.limits, files)?;
    let (wanted, connections) = (config.limits.connections, limits.connections);
    if connections < wanted {
        tracing::warn!(
            wanted,
            connections,
            open_files = files,
            "fewer connections than limits.connections: the limit of open files is too low"
        );
    }
    Ok(Config { limits, ..config.clone() })
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
    async fn wait_for_the_end(&mut self, server: &Server) {
        loop {
            tokio::select! {
                _ = self.hangup.recv() => server.reload_certificate().await,
                () = stop(&mut self.interrupt, &mut self.terminate) => return,
            }
        }
    }

    /// Returns on SIGINT or SIGTERM.
    async fn stop(&mut self) {
        stop(&mut self.interrupt, &mut self.terminate).await;
    }
}

/// Returns on either of two signals. Neither is lost if it is cancelled.
async fn stop(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}
