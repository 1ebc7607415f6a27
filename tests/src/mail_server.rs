//! A real SMTP server in a process of its own, which a test can stop, start again and make
//! misbehave.

use crate::python;
use fourauth_config::Config;
use fourauth_courier::{Account, MailRoute, MailSettings, Security};
use fourauth_protocol::{contact::Email, host_port::HostPort, secret::Secret};
use fourauth_server::certificate;
use serde_json::Value;
use std::{fs, path::PathBuf, process::Stdio, time::Duration};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// The name of the account that mail is sent with, and its password.
const ACCOUNT: [&str; 2] = ["fourauth", "Tr0ub4dor&relay"];

/// Longest wait for the server.
const PATIENCE: Duration = Duration::from_mins(1);

/// 2026-11-01, in seconds: the certificate is valid from then on.
const ISSUED: i64 = 1_793_491_200;

/// A running server. Dropping it kills it.
#[derive(Debug)]
pub struct MailServer {
    folder: TempDir,
    security: Security,
    port: u16,
    process: Option<Process>,
}

#[derive(Debug)]
struct Process {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

/// A mail that the server accepted.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The envelope: `from`, `to`, `tls` and `authenticated`.
    pub about: Value,
    /// Headers and body.
    pub text: String,
}

impl MailServer {
    /// Starts a server that wants STARTTLS and a login.
    pub async fn start() -> Self {
        Self::with(Security::StartTls).await
    }

    /// Starts a server.
    ///
    /// # Panics
    ///
    /// If Python or its packages are missing.
    pub async fn with(security: Security) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let issued = time::OffsetDateTime::from_unix_timestamp(ISSUED).expect("a time");
        for name in ["relay", "other"] {
            let made = certificate::development(&[], issued).expect("a certificate");
            let write = |ending: &str, text: String| {
                fs::write(folder.path().join(format!("{name}.{ending}")), text).expect("a file");
            };
            write("pem", made.certificate);
            write("key", made.private_key);
        }
        fs::create_dir(folder.path().join("mail")).expect("a folder");
        let mut server = Self { folder, security, port: 0, process: None };
        server.launch().await;
        server
    }

    /// Kills the process.
    ///
    /// # Panics
    ///
    /// If it cannot be killed.
    pub async fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.child.kill().await.expect("the server can be killed");
        }
    }

    /// Starts the process again, at the same address.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn launch(&mut self) {
        let path = |name: &str| self.folder.path().join(name);
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("python/mail_server.py");
        let security = match self.security {
            Security::StartTls => "starttls",
            Security::Tls | Security::Plain => "tls",
        };
        let mut child = Command::from(python::command())
            .arg(script)
            .args([path("mail"), path("relay.pem"), path("relay.key")])
            .args(ACCOUNT)
            .args([security, &self.port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // It warns about the weak settings that a test wants.
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("python3 runs");
        let input = child.stdin.take().expect("a pipe");
        let output = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        self.process = Some(Process { child, input, output });
        self.port = self.line().await.parse().expect("a port");
    }

    /// Changes the behaviour; the words are in the program.
    ///
    /// # Panics
    ///
    /// If the server has ended.
    pub async fn behave(&mut self, word: &str) {
        let process = self.process.as_mut().expect("a running server");
        process.input.write_all(format!("{word}\n").as_bytes()).await.expect("it listens");
        while self.line().await != word {}
    }

    /// Waits until a mail arrives that this function has not waited for yet.
    pub async fn arrival(&mut self) {
        while self.line().await != "mail" {}
    }

    async fn line(&mut self) -> String {
        let process = self.process.as_mut().expect("a running server");
        let line = timeout(PATIENCE, process.output.next_line()).await.expect("an answer in time");
        line.expect("a line").expect("the server runs")
    }

    /// The mails that were accepted, in their order.
    ///
    /// # Panics
    ///
    /// If a file cannot be read.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        let entries = fs::read_dir(self.folder.path().join("mail")).expect("a folder");
        let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
        files.retain(|path| path.extension().is_some_and(|ending| ending == "eml"));
        files.sort();
        files.into_iter().map(|path| Mail::read(&fs::read_to_string(path).expect("text"))).collect()
    }

    /// The settings that reach this server.
    ///
    /// # Panics
    ///
    /// Never: the values are valid.
    #[must_use]
    pub fn settings(&self) -> MailSettings {
        let place = HostPort { host: "localhost".to_owned(), port: self.port };
        let route = MailRoute::Relay(self.security, place);
        Self::settings_of(route, self.folder.path().join("relay.pem"))
    }

    /// Lets a server send its mail here.
    ///
    /// # Panics
    ///
    /// Never: the settings have an account.
    pub fn receive(&self, config: &mut Config) {
        let MailSettings { route, from, account, authorities } = self.settings();
        let account = account.expect("an account");
        let courier = &mut config.courier;
        courier.mail = Some(route);
        courier.mail_from = Some(from);
        courier.mail_user = Some(account.name.expose().clone().into());
        courier.mail_password = Some(account.password.expose().clone().into());
        courier.mail_ca = authorities;
    }

    /// The settings that reach a server in another process.
    ///
    /// # Panics
    ///
    /// Never: the values are valid.
    #[must_use]
    pub fn settings_of(route: MailRoute, authorities: PathBuf) -> MailSettings {
        let [name, password] = ACCOUNT.map(|text| Secret::new(text.to_owned()));
        MailSettings {
            route,
            from: Email::parse("auth@example.org").expect("an address"),
            account: Some(Account { name, password }),
            authorities: Some(authorities),
        }
    }

    /// The settings with another authority, which has not signed this server's certificate.
    #[must_use]
    pub fn distrusting(&self) -> MailSettings {
        MailSettings { authorities: Some(self.folder.path().join("other.pem")), ..self.settings() }
    }
}

impl Mail {
    fn read(text: &str) -> Self {
        let (about, text) = text.split_once('\n').expect("a line about the envelope");
        let about = serde_json::from_str(about).expect("JSON");
        Self { about, text: text.to_owned() }
    }

    /// The value of a header, as it was sent.
    ///
    /// # Panics
    ///
    /// If there is not exactly one.
    #[must_use]
    pub fn header(&self, name: &str) -> String {
        let (headers, _) = self.text.split_once("\r\n\r\n").expect("a body");
        let unfolded = headers.replace("\r\n ", " ");
        let mut values = unfolded.lines().filter_map(|line| line.split_once(": "));
        let mut found = values.by_ref().filter(|(found, _)| *found == name);
        let value = found.next().expect("the header").1.to_owned();
        assert!(found.next().is_none(), "{name} is there twice");
        value
    }
}
