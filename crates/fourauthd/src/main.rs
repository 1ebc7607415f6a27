//! `fourauthd`: the server and its local administration.

use anyhow::{Context as _, anyhow, bail};
use clap::{Parser, Subcommand};
use fourauth_config::{Config, layers::Layered};
use fourauth_daemon::{logging, open_files::raise_limit, process_memory, signals::Signals};
use fourauth_face_pack::ClientEnvironment;
use fourauth_private_file::Unread;
use fourauth_protocol::{printable::printable_lines, time::UnixMillis};
use fourauth_server::{
    data_folder, first_run,
    limits::open_files,
    models,
    server::{Server, TimeSource},
    shared_disk,
};
use fourauthd::{
    backup::BackupCommand,
    command::{
        admin::AdminCommand,
        audit::AuditCommand,
        config::ConfigCommand,
        device::DeviceCommand,
        gateway::GatewayCommand,
        healthcheck,
        import::ImportCommand,
        key::KeyCommand,
        models::{ModelsCommand, outdated},
        outbox::OutboxCommand,
        session::SessionCommand,
        time::TimeCommand,
        user::UserCommand,
    },
    invocation::{Caller, Invocation},
    local_store::LocalStore,
    output::{OutputError, write_note},
    owner::{Owner, become_owner},
    web,
};
use std::{
    alloc::System,
    ffi::OsString,
    io::{self, ErrorKind},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::{Duration, SystemTime},
};
use zeroizing_alloc::ZeroAlloc;

/// Wipes memory when it is freed: TLS, JSON and growing buffers leave copies of passwords and
/// pictures there. It does not reach memory that is still in use, the stack, or allocations by C
/// libraries. SQLite is the largest of those, and receives only sealed and hashed values.
#[global_allocator]
static MEMORY: ZeroAlloc<System> = ZeroAlloc(System);

/// Longest wait at exit for threads that cannot be stopped, such as a name lookup.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// The variable that names the configuration file if no option does.
const CONFIG: &str = "FOURAUTH_CONFIG";

/// A self-hosted authentication server: password, one-time code, face, device and an honest clock
/// in one TLS round trip.
#[derive(Debug, Parser)]
#[command(name = "fourauthd", version)]
struct Arguments {
    /// Configuration file [default: `FOURAUTH_CONFIG`]; without one, every setting has its default
    #[arg(long, short, global = true)]
    config: Option<PathBuf>,
    /// Command to run; without one, `serve`
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server until SIGINT or SIGTERM
    Serve,
    /// List, show, disable, enable, unlock and erase accounts
    #[command(subcommand)]
    User(UserCommand),
    /// List and revoke the devices of an account
    #[command(subcommand)]
    Device(DeviceCommand),
    /// List and end the sessions of an account
    #[command(subcommand)]
    Session(SessionCommand),
    /// List, show, send again and delete the notices to owners
    #[command(subcommand)]
    Outbox(OutboxCommand),
    /// List, add and remove administrators, and replace their secrets
    #[command(subcommand)]
    Admin(AdminCommand),
    /// List, add and remove gateways, which state the peers of their commands
    #[command(subcommand)]
    Gateway(GatewayCommand),
    /// Show, export and verify the audit log
    Audit(AuditCommand),
    /// Create, verify and restore backups
    #[command(subcommand)]
    Backup(BackupCommand),
    /// List, replace and retire the keys that seal secrets
    #[command(subcommand)]
    Key(KeyCommand),
    /// Show the time of the servers, or accept a time that they refuse
    #[command(subcommand)]
    Time(TimeCommand),
    /// Install, list, check and measure model packs
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Check or show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Import the accounts of another system
    #[command(subcommand)]
    Import(ImportCommand),
    /// Succeed if the server on this machine answers and what it depends on works
    Healthcheck,
}

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => OutputError::silent_end(&error).unwrap_or_else(|| {
            // The text may quote a file or a peer.
            write_note(&format!("fourauthd: {}", printable_lines(&format!("{error:#}"))));
            ExitCode::FAILURE
        }),
    }
}

fn start() -> anyhow::Result<()> {
    // Before any secret is in memory.
    process_memory::protect().context("cannot disable core dumps")?;
    let Arguments { config, command } = Arguments::parse();
    let (layered, environment, caller) = surroundings(config)?;
    layered.config.check()?;
    let command = command.unwrap_or(Command::Serve);
    // Before there is a second thread, and before anything in the data folder is opened.
    let owner = become_owner(&command.works_in(&layered.config))?;
    let environment = if owner.is_some() { environment.of_another_user() } else { environment };
    // A change of the user takes the protection back.
    process_memory::protect().context("cannot disable core dumps")?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the async runtime")?;
    // A measurement that a signal has stopped must not print its report.
    let is_of_models = matches!(command, Command::Models(_));
    let wait = if is_of_models { Duration::ZERO } else { SHUTDOWN_TIMEOUT };
    let by = Invocation { now: system_clock()?, caller };
    let done = runtime.block_on(run(command, &layered, environment, by));
    runtime.shutdown_timeout(wait);
    done.map_err(|error| explained(error, owner))
}

/// The configuration, the variables for other programs, and the user that started this one.
#[expect(clippy::disallowed_methods, reason = "the environment enters here and goes on as a value")]
fn surroundings(option: Option<PathBuf>) -> anyhow::Result<(Layered, ClientEnvironment, Caller)> {
    let layered = match (option, named_configuration(std::env::var_os(CONFIG))) {
        (None, Some(named)) => Layered::load(Some(&named), std::env::vars_os()).context(CONFIG)?,
        (option, _) => Layered::load(option.as_deref(), std::env::vars_os())?,
    };
    let caller = Caller::of_process(std::env::var_os("SUDO_USER"));
    Ok((layered, std::env::vars_os().collect(), caller))
}

/// Adds the reason if a user that is not root's was refused a file.
fn explained(error: anyhow::Error, owner: Option<Owner>) -> anyhow::Error {
    let is_refusal = |cause: &(dyn std::error::Error + 'static)| {
        let of_private_file = cause.downcast_ref().and_then(|unread| match unread {
            Unread::Io(error) => Some(error),
            Unread::Exposed { .. } => None,
        });
        let error: Option<&io::Error> = cause.downcast_ref().or(of_private_file);
        error.is_some_and(|error| error.kind() == ErrorKind::PermissionDenied)
    };
    match owner {
        Some(Owner { user, .. }) if error.chain().any(is_refusal) => anyhow!(
            "{error:#}; this command became user {user}, to which the data folder belongs, so that \
             user must be able to read and write the files that it names"
        ),
        _ => error,
    }
}

impl Command {
    /// The folders that the command works in, and that decide which user it runs as.
    fn works_in(&self, config: &Config) -> Vec<PathBuf> {
        match self {
            Self::Models(command) if command.writes_packs() => vec![config.packs_dir()],
            // Packs are public, and the pictures of a measurement may be root's.
            Self::Config(_) | Self::Models(_) => Vec::new(),
            _ => data_folder::folders(config),
        }
    }
}

async fn run(
    command: Command,
    layered: &Layered,
    environment: ClientEnvironment,
    by: Invocation,
) -> anyhow::Result<()> {
    let config = &layered.config;
    let now = by.now;
    if !matches!(command, Command::Config(_) | Command::Models(_)) {
        data_folder::check(config)?;
    }
    match command {
        Command::Serve => serve(config, &layered.warnings(), environment, now).await,
        Command::Config(command) => command.run(layered),
        Command::Models(command) => {
            let installed = command.installs(config);
            run_models(command, config.clone(), environment).await?;
            outdated::report(config, installed, by).await
        }
        Command::Healthcheck => healthcheck::run(config, now).await,
        Command::User(command) => command.run(&LocalStore::open(config, by).await?).await,
        Command::Import(command) => command.run(config, &LocalStore::open(config, by).await?).await,
        Command::Device(command) => command.run(&LocalStore::open(config, by).await?).await,
        Command::Session(command) => command.run(&LocalStore::open(config, by).await?).await,
        Command::Gateway(command) => command.run(&LocalStore::open(config, by).await?).await,
        Command::Outbox(command) => command.run(&LocalStore::open(config, by).await?).await,
        Command::Audit(command) => command.run(config, by).await,
        Command::Time(command) => command.run(&LocalStore::open(config, by).await?).await,
        Command::Backup(command) => {
            let mut signals = Signals::install()?;
            tokio::select! {
                done = command.run(config, by) => done,
                // Dropping the work removes the files that it unpacked.
                () = signals.stop() => bail!("interrupted"),
            }
        }
        Command::Key(command) => command.run(config, &LocalStore::open(config, by).await?).await,
        Command::Admin(command) => command.run(config, &LocalStore::open(config, by).await?).await,
    }
}

/// Runs a command on model packs until it is done or a signal stops it.
async fn run_models(
    command: ModelsCommand,
    config: Config,
    environment: ClientEnvironment,
) -> anyhow::Result<()> {
    let mut signals = Signals::install()?;
    let stopped = command.when_stopped();
    let work = tokio::task::spawn_blocking(move || command.run(&config, environment));
    tokio::select! {
        done = work => done?,
        () = signals.stop() => bail!("{stopped}"),
    }
}

/// The file that the variable names. An empty variable is an absent one.
fn named_configuration(variable: Option<OsString>) -> Option<PathBuf> {
    variable.filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// System time, for files made on a first run and for rows of local commands. Login decisions use
/// the timekeeper.
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
    warnings: &[String],
    environment: ClientEnvironment,
    now: UnixMillis,
) -> anyhow::Result<()> {
    let logging = logging::start(&config.log, "fourauthd")?;
    let served = serve_until_stopped(config, warnings, environment, now).await;
    logging.finish().await;
    served
}

async fn serve_until_stopped(
    config: &Config,
    warnings: &[String],
    environment: ClientEnvironment,
    now: UnixMillis,
) -> anyhow::Result<()> {
    let config = &within_open_files(config)?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    // A new keyring is what makes a new installation: with a relative data_dir, another working folder
    // would be a second one.
    let is_new = !config.keyring_file().exists();
    first_run::data_dir(&config.data_dir)?;
    data_folder::report(config, is_new);
    if let Some(warning) = shared_disk::warning(config) {
        tracing::warn!("{warning}");
    }
    models::install_if_missing(config, environment)?;
    let engine = models::load(config)?;
    // Before "serving" is logged: a signal that arrives after it must not kill the process.
    let mut signals = Signals::install()?;
    let server = Server::start(config, Arc::new(engine), TimeSource::Network, now).await?;
    let web = match web::start(config, &server).await {
        Ok(web) => web,
        Err(error) => {
            server.stop().await;
            return Err(error);
        }
    };
    tracing::info!(address = %server.address(), fingerprint = server.fingerprint(), "serving");
    let end = tokio::select! {
        () = signals.wait_for_stop(async || server.reload_certificate().await) => Ok(()),
        // A process that ran on without a listener would not be restarted by its supervisor.
        () = server.certificate().remind(|| server.context().clock.read().now) => Ok(()),
        () = server.listener_stopped() => Err(anyhow!("the listener failed and accepts no connections")),
    };
    tracing::info!("stopping");
    let stop = async {
        // Its requests need the server.
        web.stop().await;
        server.stop().await;
    };
    tokio::select! {
        () = stop => end,
        () = signals.stop() => bail!("a second signal stopped the server before it was done"),
    }
}

/// Returns the configuration with `limits.connections` reduced to what the limit of open files
/// allows.
fn within_open_files(config: &Config) -> anyhow::Result<Config> {
    // Each listener and each of its connections is a file as well.
    let of_web = match config.web.listener.len() {
        0 => 0,
        listeners => config.web.connections + listeners,
    };
    let files = raise_limit();
    let files = files.map(|files| files.saturating_sub(of_web as u64));
    let limits = open_files::fit(&config.limits, files)?;
    let (wanted, connections) = (config.limits.connections, limits.connections);
    if connections < wanted {
        tracing::warn!(
            wanted,
            connections,
            open_files = files,
            "the limit of open files is too low for limits.connections; using fewer connections"
        );
    }
    Ok(Config { limits, ..config.clone() })
}
