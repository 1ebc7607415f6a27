//! The text protocol of the passcode systems: the documented dialogue, bad input and limits.

mod dialogue;
mod input;
mod limits;
mod pickles;
mod plain;

use fourauth_config::Config;
use fourauth_protocol::contact::Email;
use fourauth_tests::{mailbox, server::TestServer, text_client::TextClient, with::With as _};
use std::{fs, net::SocketAddr, path::Path};
use tempfile::TempDir;

const MAC: &str = "00:1b:44:11:3a:b7";
const EMAIL: &str = "alice@example.org";
const PASSWORD: &str = "violet-Ox-42";

/// A server with both listeners, and the folder that its mail goes to.
struct House {
    server: TestServer,
    mail: TempDir,
}

/// Both listeners on ports that the system chooses.
fn listening(config: &mut Config) {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    config.text.listen_passcodes = Some(any);
    config.text.listen_identity = Some(any);
}

impl House {
    /// A server without accounts.
    async fn empty(change: impl FnOnce(&mut Config)) -> Self {
        let mail = tempfile::tempdir().unwrap();
        let route = format!("file:{}", mail.path().join("mail").display());
        let server = TestServer::configured(|config| {
            listening(config);
            config.auth.passcodes = true;
            config.courier.mail = route.parse().ok();
            config.courier.mail_from = Email::parse("auth@example.org").ok();
            change(config);
        })
        .await;
        Self { server, mail }
    }

    /// A server with Alice, and her password.
    async fn with_alice(change: impl FnOnce(&mut Config), password: &str) -> Self {
        let house = Self::empty(change).await;
        let register = house.server.registration("alice", "obama.jpg").with(|register| {
            register.email = Email::parse(EMAIL).ok();
            register.password = password.to_owned().into();
        });
        house.server.enrol_as(register).await;
        house
    }

    fn passcodes(&self) -> SocketAddr {
        self.server.server().text_addresses().listen_passcodes.unwrap()
    }

    fn identity(&self) -> SocketAddr {
        self.server.server().text_addresses().listen_identity.unwrap()
    }

    /// The answer to a message with a line feed.
    async fn line(&self, message: &str) -> String {
        ask(self.passcodes(), format!("{message}\n").as_bytes()).await
    }

    /// Requests a passcode and waits for its mail.
    async fn passcode(&self, password: &str) -> String {
        let said = self.line(&request(password)).await;
        assert_eq!(said, "Passcode is sent");
        self.mailed().await
    }

    /// The passcode in the only mail that has one, as soon as it is there.
    async fn mailed(&self) -> String {
        let folder = self.mail.path().join("mail");
        loop {
            if let Some(passcode) = passcode_in(&folder) {
                return passcode;
            }
            tokio::task::yield_now().await;
        }
    }

    /// A token of a new session.
    async fn token(&self) -> String {
        let passcode = self.passcode(PASSWORD).await;
        let token = self.line(&redeem(PASSWORD, &passcode)).await;
        assert_ne!(token, "False");
        token
    }
}

/// The passcode in the first mail of a folder that has one.
fn passcode_in(folder: &Path) -> Option<String> {
    let mails = fs::read_dir(folder).ok()?.map(|entry| entry.unwrap().path());
    let mut texts = mails.filter_map(|path| fs::read_to_string(path).ok());
    texts
        .find_map(|mail| mailbox::passcode_in(&mail, "alice"))
        .map(|passcode| passcode.as_str().to_owned())
}

fn request(password: &str) -> String {
    format!("require_passcode|{MAC}|{password}||{EMAIL}")
}

fn redeem(password: &str, passcode: &str) -> String {
    format!("{MAC}|{EMAIL}||{password}|{passcode}")
}

/// Sends bytes as one piece and returns the answer.
async fn ask(address: SocketAddr, bytes: &[u8]) -> String {
    let mut client = TextClient::open(address).await;
    client.send(bytes).await.unwrap();
    String::from_utf8(client.rest().await.unwrap()).unwrap()
}
