//! The mailbox of one person: a real SMTP server that a test server sends to.

use crate::mail_server::{Mail, MailServer};
use fourauth_config::Config;
use fourauth_protocol::{passcode::Passcode, reset_code::ResetCode};

/// The account that the codes are for.
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

    /// Lets a server send passcodes, and codes that reset passwords, here.
    pub fn receive(&self, config: &mut Config) {
        self.relay.receive(config);
        config.auth.passcodes = true;
        config.sign_in.password_reset = true;
    }

    /// Waits for the next mail with a passcode. Other mails are skipped.
    ///
    /// # Panics
    ///
    /// If none arrives.
    pub async fn passcode(&mut self) -> Passcode {
        self.next(|mail| passcode_in(mail, NAME)).await
    }

    /// As [`passcode`](Self::passcode), with a code that resets the password.
    ///
    /// # Panics
    ///
    /// If none arrives.
    pub async fn reset_code(&mut self) -> ResetCode {
        self.next(|mail| reset_code_in(mail, NAME)).await
    }

    async fn next<T>(&mut self, read: impl Fn(&str) -> Option<T>) -> T {
        loop {
            let mails = self.relay.mails();
            for mail in &mails[self.read..] {
                self.read += 1;
                if let Some(code) = read(&mail.text) {
                    return code;
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
    Passcode::parse(&six_after(mail, &format!("passcode for your account {name} is "))?).ok()
}

/// The code that resets the password, in an English message to the account `name`, if it has one.
#[must_use]
pub fn reset_code_in(mail: &str, name: &str) -> Option<ResetCode> {
    let before = format!("code for a new password of your account {name} is ");
    ResetCode::parse(&six_after(mail, &before)?).ok()
}

/// The six characters after a text.
fn six_after(mail: &str, before: &str) -> Option<String> {
    // Quoted-printable (RFC 2045 §6.7); the marks isolate words of another direction.
    let text = mail.replace("=\r\n", "").replace("=E2=81=A8", "").replace("=E2=81=A9", "");
    // The same marks in a text message.
    let text = text.replace(['\u{2068}', '\u{2069}'], "");
    let (_, rest) = text.split_once(before)?;
    rest.get(..6).map(str::to_owned)
}
