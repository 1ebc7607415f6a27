//! Steps of the demo. Each step is one command of `fourauth`.

use super::server::DemoServer;
use crate::authenticator::Authenticator;
use anyhow::{Context as _, bail};
use serde_json::Value;
use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

/// A person with an account.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) password: String,
    pub(crate) mac: String,
    /// The file with the key of the person's device.
    pub(crate) key: PathBuf,
    pub(crate) face: String,
    pub(crate) phone: Authenticator,
}

/// The environment of the commands, and every secret that they received.
pub(crate) struct Steps<'a> {
    server: &'a DemoServer,
    fourauth: &'a Path,
    faces: PathBuf,
    admin: String,
    secrets: Vec<(&'static str, String)>,
}

/// Options for secrets that are read from standard input, one line each. The client reads them in
/// this order.
const ADMIN: &str = "--admin-secret-file";
const PASSWORD: &str = "--password-file";
const NEW_PASSWORD: &str = "--new-password-file";
const TOTP: &str = "--totp-file";

impl<'a> Steps<'a> {
    pub(crate) fn new(
        server: &'a DemoServer,
        fourauth: &'a Path,
        faces: PathBuf,
    ) -> anyhow::Result<Self> {
        let admin = server.admin_secret()?;
        Ok(Self { server, fourauth, faces, admin, secrets: Vec::new() })
    }

    pub(crate) fn register(&mut self, name: &str, face: &str) -> anyhow::Result<Person> {
        let (password, mac) = ("violet-Ox-42", "00:1b:44:11:3a:b7");
        let secrets = [(ADMIN, self.admin.clone()), (PASSWORD, password.to_owned())];
        let email = format!("{name}@example.org");
        let identity = ["--username", name, "--mac", mac];
        let answer =
            self.granted(&["register", "--email", &email], &identity, Some(face), &secrets)?;
        let codes = answer["recovery_codes"].as_array().into_iter().flatten();
        let codes = codes.filter_map(Value::as_str).map(|code| ("recovery code", code.to_owned()));
        self.secrets.extend(codes);
        Ok(Person {
            name: name.to_owned(),
            password: password.to_owned(),
            mac: mac.to_owned(),
            key: self.server.data().join("laptop.key"),
            face: "obama2.jpg".to_owned(),
            phone: scan(&answer)?,
        })
    }

    pub(crate) fn confirm(&mut self, person: &Person) -> anyhow::Result<()> {
        let secrets = [(PASSWORD, person.password.clone()), (TOTP, person.phone.peek())];
        self.granted(&["confirm"], &["--username", &person.name], None, &secrets).map(drop)
    }

    pub(crate) fn login(&mut self, person: &Person, code: &str) -> anyhow::Result<()> {
        let secrets = [(PASSWORD, person.password.clone()), (TOTP, code.to_owned())];
        let answer =
            self.granted(&["login"], &person.identity(), Some(person.face.as_str()), &secrets)?;
        let token = answer["token"].as_str().context("the answer to a login has no token")?;
        self.secrets.push(("session token", token.to_owned()));
        Ok(())
    }

    #[expect(clippy::disallowed_methods, reason = "only time has to pass")]
    pub(crate) fn refused(
        &mut self,
        what: &str,
        person: &Person,
        code: &str,
        options: &[&str],
        text: &str,
    ) -> anyhow::Result<()> {
        let secrets = [(PASSWORD, person.password.clone()), (TOTP, code.to_owned())];
        let options = [person.identity().as_slice(), options].concat();
        let mut ran = self.fourauth(&["login"], &options, Some(&person.face), &secrets)?;
        let mut answer = answer_of(&ran)?;
        // After earlier failures an unknown client has to wait for the time that the answer names.
        if let Some(wait) = answer["retry_after_ms"].as_u64() {
            std::thread::sleep(Duration::from_millis(wait));
            ran = self.fourauth(&["login"], &options, Some(&person.face), &secrets)?;
            answer = answer_of(&ran)?;
        }
        let message = answer["message"].as_str().unwrap_or_default();
        println!("  {what:26}  {message}");
        if ran.status.success() || message != text {
            bail!("{what}: expected {text:?}, got {answer}");
        }
        Ok(())
    }

    pub(crate) fn recover_password(
        &mut self,
        person: &mut Person,
        new: &str,
    ) -> anyhow::Result<()> {
        let secrets = [(NEW_PASSWORD, new.to_owned()), (TOTP, person.phone.next())];
        self.granted(&["recover", "password"], &person.identity(), Some(&person.face), &secrets)?;
        new.clone_into(&mut person.password);
        Ok(())
    }

    pub(crate) fn recover_totp(&mut self, person: &mut Person) -> anyhow::Result<()> {
        let secrets = [(PASSWORD, person.password.clone())];
        let answer =
            self.granted(&["recover", "totp"], &person.identity(), Some(&person.face), &secrets)?;
        self.secrets.push(("old TOTP secret", person.phone.secret().to_owned()));
        person.phone = scan(&answer)?;
        Ok(())
    }

    pub(crate) fn recover_face(&mut self, person: &mut Person, new: &str) -> anyhow::Result<()> {
        let secrets = [(PASSWORD, person.password.clone()), (TOTP, person.phone.next())];
        self.granted(&["recover", "face"], &person.identity(), Some(new), &secrets)?;
        Ok(())
    }

    pub(crate) fn recover_device(&mut self, person: &mut Person, new: &str) -> anyhow::Result<()> {
        new.clone_into(&mut person.mac);
        person.key = self.server.data().join("phone.key");
        let public = self.public_key(person)?;
        let secrets = [(PASSWORD, person.password.clone()), (TOTP, person.phone.next())];
        let command = ["recover", "device", "--device-pubkey", &public];
        self.granted(&command, &person.identity(), Some(&person.face), &secrets)?;
        Ok(())
    }

    /// The link with which a person opens an account.
    pub(crate) fn invite(&mut self, name: &str) -> anyhow::Result<String> {
        let secrets = [(ADMIN, self.admin.clone())];
        let answer = self.granted(&["invite"], &["--username", name], None, &secrets)?;
        let field = |field: &str| {
            let text = answer[field].as_str().map(str::to_owned);
            text.with_context(|| format!("the answer to `invite` has no {field}"))
        };
        self.secrets.push(("invitation", field("grant")?));
        field("invitation_url")
    }

    fn public_key(&self, person: &Person) -> anyhow::Result<String> {
        let options = [&person.identity()[2..], &["--output", "json"]].concat();
        let answer = answer_of(&self.run(&["device", "key"], &options, None, &[])?)?;
        let key =
            answer["device_pubkey"].as_str().context("the answer to `device key` has no key")?;
        Ok(key.to_owned())
    }

    pub(crate) fn audit(&mut self) -> anyhow::Result<()> {
        let ran =
            self.run(&["audit"], &["--output", "text"], None, &[(ADMIN, self.admin.clone())])?;
        print!("{}", String::from_utf8_lossy(&ran.stdout));
        if !ran.status.success() {
            bail!("cannot read the audit log: {}", String::from_utf8_lossy(&ran.stderr));
        }
        Ok(())
    }

    /// The time of a clock that is five minutes slow.
    pub(crate) fn five_minutes_ago(&self) -> anyhow::Result<String> {
        let ran = self.run(&["hello"], &["--output", "json"], None, &[])?;
        let answer = answer_of(&ran)?;
        let now = answer["server"]["server_ts_utc"]
            .as_str()
            .context("the answer to `hello` has no time")?;
        // The same local time in a zone five minutes further east is five minutes earlier.
        Ok(now.replace('Z', "+00:05"))
    }

    /// Every secret that must not be in the database or the log.
    pub(crate) fn secrets(mut self, person: &Person) -> Vec<(&'static str, String)> {
        self.secrets.push(("administrator's secret", self.admin));
        self.secrets.push(("TOTP secret", person.phone.secret().to_owned()));
        self.secrets
    }

    fn granted(
        &mut self,
        command: &[&str],
        options: &[&str],
        face: Option<&str>,
        secrets: &[(&'static str, String)],
    ) -> anyhow::Result<Value> {
        let ran = self.fourauth(command, options, face, secrets)?;
        let answer = answer_of(&ran)?;
        let message = answer["message"].as_str().unwrap_or_default();
        let words: Vec<_> =
            command.iter().copied().take_while(|word| !word.starts_with('-')).collect();
        println!("  {:26}  {message}", words.join(" "));
        if !ran.status.success() {
            bail!("{command:?} was refused: {answer}");
        }
        Ok(answer)
    }

    fn fourauth(
        &mut self,
        command: &[&str],
        options: &[&str],
        face: Option<&str>,
        secrets: &[(&'static str, String)],
    ) -> anyhow::Result<Output> {
        // Six digits occur by chance, and one-time codes have expired when the search runs.
        let lasting = secrets.iter().filter(|(option, _)| *option != TOTP);
        self.secrets.extend(lasting.cloned());
        self.run(command, &[options, &["--output", "json"]].concat(), face, secrets)
    }

    fn run(
        &self,
        command: &[&str],
        options: &[&str],
        face: Option<&str>,
        secrets: &[(&'static str, String)],
    ) -> anyhow::Result<Output> {
        let mut fourauth = Command::new(self.fourauth);
        fourauth.args(["--server", &self.server.address, "--pin", &self.server.fingerprint]);
        fourauth.args(options).args(secrets.iter().flat_map(|(option, _)| [option, "-"]));
        if let Some(face) = face {
            fourauth.arg("--face").arg(self.faces.join(face));
        }
        let mut child = fourauth
            .args(command)
            .env("HOME", self.server.data())
            .env_remove("XDG_CONFIG_HOME")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot run fourauth")?;
        let mut input = child.stdin.take().context("fourauth has no standard input")?;
        for (_, secret) in secrets {
            writeln!(input, "{secret}")?;
        }
        drop(input);
        Ok(child.wait_with_output()?)
    }
}

impl Person {
    fn identity(&self) -> [&str; 6] {
        let key = self.key.to_str().unwrap_or_default();
        ["--username", &self.name, "--mac", &self.mac, "--device-key", key]
    }
}

fn answer_of(ran: &Output) -> anyhow::Result<Value> {
    serde_json::from_slice(&ran.stdout).with_context(|| {
        format!("fourauth printed no JSON: {}", String::from_utf8_lossy(&ran.stderr))
    })
}

fn scan(answer: &Value) -> anyhow::Result<Authenticator> {
    Authenticator::scan(
        answer["provisioning_uri"].as_str().context("the answer has no provisioning URI")?,
    )
}
