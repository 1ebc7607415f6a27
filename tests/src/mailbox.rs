//! The mailbox of one person: a real SMTP server that a test server sends to.

use crate::mail_server::{Mail, MailServer};
use fourauth_config::Config;
use fourauth_courier::MailSettings;
use fourauth_protocol::passcode::Passcode;

/// The text before the passcode in an English mail to `alice`, without marks of direction.
const BEFORE: &str = "account alice is ";

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
    ///
    /// # Panics
    ///
    /// Never: the settings have an account.
    pub fn receive(&self, config: &mut Config) {
        let MailSettings { route, from, account, authorities } = self.relay.settings();
        let account = account.expect("an account");
        let courier = &mut config.courier;
        courier.mail = Some(route);
        courier.mail_from = Some(from);
        courier.mail_user = Some(account.name.expose().clone().into());
        courier.mail_password = Some(account.password.expose().clone().into());
        courier.mail_ca = authorities;
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
                if let Some(passcode) = passcode(mail) {
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

/// The passcode in a mail, if it has one.
fn passcode(mail: &Mail) -> Option<Passcode> {
    // Quoted-printable (RFC 2045 §6.7); the marks isolate words of another direction.
    let text = mail.text.replace("=\r\n", "").replace("=E2=81=A8", "").replace("=E2=81=A9", "");
    let (_, rest) = text.split_once(BEFORE)?;
    Passcode::parse(rest.get(..6)?).ok()
}
