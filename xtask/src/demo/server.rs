//! The server of the demo: the real program, in a temporary folder.

use crate::binaries::Binaries;
use anyhow::{Context as _, bail};
use std::{
    fs::{self, File},
    io,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};
use tempfile::TempDir;

/// Maximum number of looks at the log until the server is ready, a tenth of a second apart.
const LOOKS: usize = 600;

/// A running server.
pub(crate) struct DemoServer {
    child: Child,
    folder: TempDir,
    /// The origin of its portal.
    pub(crate) portal: String,
    /// The address that it listens on.
    pub(crate) address: String,
    /// The fingerprint of its certificate, which clients pin.
    pub(crate) fingerprint: String,
}

impl DemoServer {
    /// Starts a server with a trace log, and waits until it is ready.
    pub(crate) fn start(binaries: &Binaries, packs: &Path) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        println!("Starting a server in {}.", folder.path().display());
        let port = free_port()?;
        let portal = format!("https://localhost:{port}");
        let config = folder.path().join("fourauth.toml");
        fs::write(&config, configuration(port, &portal))?;
        let child = Command::new(&binaries.fourauthd)
            .arg("--config")
            .arg(&config)
            .current_dir(folder.path())
            .env("FOURAUTH__LISTEN", "127.0.0.1:0")
            .env("FOURAUTH__DATA_DIR", folder.path().join("data"))
            .env("FOURAUTH__FACE__PACKS_DIR", packs)
            .env(
                "FOURAUTH__COURIER__MAIL",
                format!("file:{}", folder.path().join("mail").display()),
            )
            .env("FOURAUTH__COURIER__MAIL_FROM", "auth@example.org")
            // The persons of the demonstration are still pictures.
            .env("FOURAUTH__FACE__CHALLENGE", "off")
            .env("FOURAUTH__LOG__FILTER", "trace")
            .env("FOURAUTH__LOG__FORMAT", "json")
            .stdin(Stdio::null())
            .stderr(File::create(folder.path().join("log"))?)
            .spawn()
            .context("cannot run fourauthd")?;
        let (address, fingerprint) = (String::new(), String::new());
        let mut server = Self { child, folder, portal, address, fingerprint };
        server.wait_until_serving()?;
        println!("The server listens on {}; clients pin {}.", server.address, server.fingerprint);
        Ok(server)
    }

    /// Its data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The secret of the first administrator.
    pub(crate) fn admin_secret(&self) -> anyhow::Result<String> {
        Ok(fs::read_to_string(self.data().join("setup-secret"))?.trim().to_owned())
    }

    fn wait_until_serving(&mut self) -> anyhow::Result<()> {
        for _ in 0..LOOKS {
            let log = fs::read_to_string(self.folder.path().join("log"))?;
            if let Some(line) = log.lines().find(|line| line.contains("\"serving\"")) {
                let line: serde_json::Value = serde_json::from_str(line)?;
                let field =
                    |name: &str| line["fields"][name].as_str().unwrap_or_default().to_owned();
                (self.address, self.fingerprint) = (field("address"), field("fingerprint"));
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("fourauthd ended with {status}:\n{log}");
            }
            pause();
        }
        bail!("fourauthd is not ready after a minute")
    }

    /// The subjects of the mail that it has sent, the oldest first, once there are `count`.
    pub(crate) fn subjects(&self, count: usize) -> anyhow::Result<Vec<String>> {
        let folder = self.folder.path().join("mail");
        for _ in 0..LOOKS {
            let entries = fs::read_dir(&folder).into_iter().flatten();
            let mut files: Vec<_> =
                entries.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
            files.retain(|path| path.extension().is_some_and(|ending| ending == "eml"));
            if files.len() >= count {
                files.sort();
                return files.iter().map(|path| subject(path)).collect();
            }
            pause();
        }
        bail!("there are not {count} mails in {} after a minute", folder.display())
    }

    /// Stops the server with SIGTERM and waits until it exits. Its files stay until the returned
    /// folder is dropped.
    pub(crate) fn stop(mut self) -> anyhow::Result<TempDir> {
        let id = self.child.id().to_string();
        crate::process::succeed(Command::new("kill").args(["-TERM", &id]))?;
        let status = self.child.wait()?;
        if !status.success() {
            bail!("fourauthd ended with {status}");
        }
        let empty = tempfile::tempdir()?;
        Ok(std::mem::replace(&mut self.folder, empty))
    }
}

/// The settings of the portal.
fn configuration(port: u16, origin: &str) -> String {
    format!(
        "[sign_in]\ntwo_steps = true\nself_registration = true\n\n[web]\norigin = \"{origin}\"\n\n\
         [[web.listener]]\nbind = \"127.0.0.1:{port}\"\nresources = [\"portal\"]\n"
    )
}

/// A free port of this machine. The origin names it before the server starts.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn subject(mail: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(mail)?;
    let subject = text.lines().find_map(|line| line.strip_prefix("Subject: "));
    Ok(subject.context("a mail has no subject")?.to_owned())
}

/// Kills the server, so that a demo that fails leaves no process behind.
impl Drop for DemoServer {
    fn drop(&mut self) {
        // The results do not matter: the server may have been stopped already.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "the log is polled")]
fn pause() {
    thread::sleep(Duration::from_millis(100));
}
