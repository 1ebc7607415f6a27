//! The mailbox of one person: a real SMTP server that a test server sends to.

use crate::mail_server::{Mail, MailServer};
use fourauth_config::Config;
use fourauth_protocol::passcode::Passcode;

/// The account whose passcodes arrive.
const NAME: &str = "alice";

/// A mailbox.
#[derive(Debug)]
pub struct Mailbox {
    relay: MailServer,
    read: usize,
}

impl Mailbox {
    /// Starts the server, with STARTTLS and a login.
    pub async fn open() -> Self {
        Self { relay: MailServer::start().await, read: 0 }
    }

    /// Lets a server send passcodes here.
    pub fn receive(&self, config: &mut Config) {
        self.relay.receive(config);
        config.auth.passcodes = true;
    }

    /// Waits for the next mail with a passcode. Other mails are skipped.
    ///
    /// # Panics
    ///
    /// If none arrives.
    pub async fn passcode(&mut self) -> Passcode {
        loop {
            let mails = self.relay.mails();
            for mail in &mails[self.read..] {
                self.read += 1;
                if let Some(passcode) = passcode_in(&mail.text, NAME) {
                    return passcode;
                }
            }
            self.relay.arrival().await;
        }
    }

    /// The mails, in their order.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        self.relay.mails()
    }
}

/// The passcode in an English mail to the account `name`, if it has one.
#[must_use]
pub fn passcode_in(mail: &str, name: &str) -> Option<Passcode> {
    // Quoted-printable (RFC 2045 §6.7); the marks isolate words of another direction.
    let text = mail.replace("=\r\n", "").replace("=E2=81=A8", "").replace("=E2=81=A9", "");
    let (_, rest) = text.split_once(&format!("account {name} is "))?;
    Passcode::parse(rest.get(..6)?).ok()
}
