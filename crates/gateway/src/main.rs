//! `fourauth-gateway`: HTTP in front of a fourauth server on another machine. It connects the library
//! to arguments, signals and the system clock.

use anyhow::{Context as _, bail};
use clap::Parser;
use fourauth_daemon::{logging, open_files::raise_limit, process_memory, signals::Signals};
use fourauth_gateway::program::{self, Configuration, Program};
use fourauth_protocol::{printable::printable_lines, time::UnixMillis};
use std::{
    alloc::System,
    io::{Write as _, stderr, stdout},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use zeroizing_alloc::ZeroAlloc;

/// Wipes memory when it is freed: TLS, JSON and growing buffers leave copies of passwords and
/// pictures there.
#[global_allocator]
static MEMORY: ZeroAlloc<System> = ZeroAlloc(System);

/// Longest wait at exit for threads that cannot be stopped, such as a name lookup.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// HTTP in front of a fourauth server on another machine: it translates requests into commands and
/// decides nothing.
#[derive(Debug, Parser)]
#[command(name = "fourauth-gateway", version)]
struct Arguments {
    /// Configuration file
    #[arg(long, short)]
    config: PathBuf,
    /// Check the configuration and the files that it names, show the gateway's public key, and end
    #[arg(long)]
    check: bool,
}

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            note(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn start() -> anyhow::Result<()> {
    // Before any secret is in memory.
    process_memory::protect().context("cannot disable core dumps")?;
    let Arguments { config, check } = Arguments::parse();
    let configuration = Configuration::load(&config, !check);
    let configuration = configuration.with_context(|| config.display().to_string())?;
    if check {
        return tell(&configuration);
    }
    let runtime = tokio::runtime::Runtime::new().context("cannot start the async runtime")?;
    let done = runtime.block_on(serve(configuration));
    runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
    done
}

/// Writes to standard error. If it cannot be written, only the exit code is left.
fn note(text: &str) {
    let _unread = writeln!(stderr(), "fourauth-gateway: {}", printable_lines(text));
}

/// What an operator registers at the server.
fn tell(configuration: &Configuration) -> anyhow::Result<()> {
    if let Some(certificate) = program::certificate(configuration)? {
        for words in certificate.warnings(now()) {
            note(&format!("warning: {words}"));
        }
    }
    let (name, key) = (&configuration.name, configuration.identity.key());
    writeln!(stdout(), "The configuration can be used. Gateway {name} has the key {key}.")?;
    Ok(())
}

async fn serve(configuration: Configuration) -> anyhow::Result<()> {
    let logging = logging::start(&configuration.log, "fourauth-gateway")?;
    let served = serve_until_stopped(configuration).await;
    logging.finish().await;
    served
}

async fn serve_until_stopped(mut configuration: Configuration) -> anyhow::Result<()> {
    if let Some(warning) = configuration.web.warning() {
        tracing::warn!("{warning}");
    }
    configuration.fit(raise_limit());
    // Before the start is logged: a signal that arrives after it must not kill the process.
    let mut signals = Signals::install()?;
    let (name, key) = (configuration.name.clone(), configuration.identity.key());
    let server = configuration.server.to_string();
    let program = Program::start(configuration, Arc::new(now)).await?;
    for address in program.gateway().addresses() {
        tracing::info!(%address, %name, %key, server, "serving HTTP");
    }
    tokio::select! {
        () = signals.wait_for_stop(async || program.reload()) => {}
        () = program.remind() => {}
    }
    tracing::info!("stopping");
    tokio::select! {
        () = program.stop() => Ok(()),
        () = signals.stop() => bail!("a second signal stopped the gateway before it was done"),
    }
}

#[expect(clippy::disallowed_methods, reason = "the only place where this program reads the clock")]
fn now() -> UnixMillis {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
