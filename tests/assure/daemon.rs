//! A real `fourauthd`: its own process, folder, certificate and database, on loopback.
//!
//! Its settings are the defaults except for what a run changes, so that the figures describe a
//! server as shipped.

use crate::{peer::Caller, process::Process, setup::Setup};
use anyhow::{Context as _, bail, ensure};
use fourauth_client::{Client, Fingerprint, ServerAddress, Trust};
use fourauth_config::{ChallengeConfig, Config, LogFormat};
use fourauth_protocol::secret::Secret;
use fourauth_tests::models;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::sleep,
};

/// How often the log is read before the start counts as failed, and the pause between two reads.
const LOOKS: u32 = 1200;
const PAUSE: Duration = Duration::from_millis(50);

/// A running server. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Child,
    folder: TempDir,
    program: PathBuf,
    /// Its configuration.
    pub(crate) config: Config,
    /// The address that it listens on.
    pub(crate) address: SocketAddr,
    /// The certificate fingerprint that clients pin.
    pub(crate) fingerprint: Fingerprint,
}

/// The defaults, on loopback, with the system's clock and a JSON log.
fn config(folder: &Path) -> anyhow::Result<Config> {
    let mut config = Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        data_dir: folder.join("data"),
        ..Config::default()
    };
    config.face.packs_dir =
        Some(models::packs().canonicalize().context("no model packs are installed")?);
    config.face.install = false;
    // The peers send still pictures.
    config.face.challenge = Some(ChallengeConfig::Off);
    config.time.servers = Vec::new();
    config.log.format = LogFormat::Json;
    Ok(config)
}

impl Daemon {
    /// Starts a server after `change` to its settings, and waits until it serves.
    pub(crate) async fn start(
        setup: &Setup,
        change: impl FnOnce(&mut Config),
    ) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut config = config(folder.path())?;
        change(&mut config);
        fs::write(folder.path().join("fourauthd.toml"), toml::to_string(&config)?)?;
        let program = setup.fourauthd.clone();
        let mut child = launch(&program, folder.path())?;
        let (address, fingerprint) = serving(&mut child, folder.path()).await?;
        Ok(Self { child, folder, program, config, address, fingerprint })
    }

    /// Its process.
    pub(crate) fn process(&self) -> anyhow::Result<Process> {
        let id = self.child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
        id.map(Process).context("fourauthd has ended")
    }

    /// Everything that it has logged since its last start.
    pub(crate) fn log(&self) -> anyhow::Result<String> {
        log(self.folder.path())
    }

    /// The addresses of its listeners for HTTP, in the order of the settings.
    pub(crate) fn web(&self) -> anyhow::Result<Vec<SocketAddr>> {
        let log = self.log()?;
        let lines = log.lines().filter(|line| line.contains("\"serving HTTP\""));
        lines
            .map(|line| {
                let line: Value = serde_json::from_str(line)?;
                Ok(line["fields"]["address"].as_str().unwrap_or_default().parse()?)
            })
            .collect()
    }

    /// The secret of the first administrator.
    pub(crate) fn admin(&self) -> anyhow::Result<Secret<String>> {
        let secret = fs::read_to_string(self.config.setup_secret_file())?;
        Ok(Secret::new(secret.trim().to_owned()))
    }

    /// A client with the default settings.
    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        let address = ServerAddress::parse(&self.address.to_string())?;
        Ok(Client::new(address, Trust::Pin(self.fingerprint)))
    }

    /// A caller for any source address and any bytes.
    pub(crate) fn caller(&self) -> Caller {
        Caller::new(self.address)
    }

    /// Runs `fourauthd` with these arguments on the same data, while the server runs.
    pub(crate) async fn administer(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let ran = self.command().args(arguments).output().await?;
        ensure!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
        Ok(())
    }

    /// Kills it with `SIGKILL`, without a shutdown.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Starts it again on the same data, and does not wait.
    pub(crate) fn launch(&mut self) -> anyhow::Result<()> {
        self.child = launch(&self.program, self.folder.path())?;
        Ok(())
    }

    /// Waits until it serves.
    pub(crate) async fn wait(&mut self) -> anyhow::Result<()> {
        (self.address, self.fingerprint) = serving(&mut self.child, self.folder.path()).await?;
        Ok(())
    }

    /// Its database.
    pub(crate) fn database(&self) -> PathBuf {
        self.config.data_dir.join("fourauth.db")
    }

    /// The server's program, to be run on the same data while the server runs.
    pub(crate) fn command(&self) -> Command {
        command(&self.program, self.folder.path())
    }

    /// Stops it with `SIGTERM`, and waits. Its folder lives as long as the returned handle.
    pub(crate) async fn stop(mut self) -> anyhow::Result<TempDir> {
        kill_process(self.process()?.0, Signal::TERM)?;
        let status = self.child.wait().await?;
        ensure!(status.success(), "fourauthd ended with {status}:\n{}", self.log()?);
        Ok(self.folder)
    }
}

/// Starts the server with a new log.
fn launch(program: &Path, folder: &Path) -> anyhow::Result<Child> {
    command(program, folder)
        .stderr(File::create(folder.join("log"))?)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot run {}", program.display()))
}

/// Waits until the server logs its address and fingerprint.
async fn serving(child: &mut Child, folder: &Path) -> anyhow::Result<(SocketAddr, Fingerprint)> {
    for _ in 0..LOOKS {
        let log = log(folder)?;
        if let Some(line) = log.lines().find(|line| line.contains("\"serving\"")) {
            let line: Value = serde_json::from_str(line)?;
            let field = |name: &str| line["fields"][name].as_str().unwrap_or_default();
            return Ok((field("address").parse()?, Fingerprint::parse(field("fingerprint"))?));
        }
        if let Some(status) = child.try_wait()? {
            bail!("fourauthd ended with {status}:\n{log}");
        }
        sleep(PAUSE).await;
    }
    bail!("fourauthd did not log `serving` within a minute")
}

fn log(folder: &Path) -> anyhow::Result<String> {
    Ok(String::from_utf8_lossy(&fs::read(folder.join("log"))?).into_owned())
}

/// The server's program in `folder`, with an empty environment.
fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .current_dir(folder)
        .args(["--config", "fourauthd.toml"])
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}
