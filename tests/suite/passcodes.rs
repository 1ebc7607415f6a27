//! Passcodes: a password and a passcode from a mail open a session of level 1, and nothing more.

mod limits;
mod redemption;
mod sessions;

use fourauth_config::Config;
use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{Command, RedeemPasscode, RequestPasscode},
    contact::{Email, Phone},
    passcode::Passcode,
};
use fourauth_tests::{mailbox::Mailbox, persona::Persona, server::TestServer};

const MINUTE_MS: i64 = 60_000;
const EMAIL: &str = "alice@example.org";
const PHONE: &str = "+4930123456";

/// A server that mails passcodes, and Alice with an account.
struct House {
    server: TestServer,
    mailbox: Mailbox,
    alice: Persona,
}

impl House {
    async fn open() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mailbox = Mailbox::open().await;
        let server = TestServer::configured(|config| {
            mailbox.receive(config);
            change(config);
        })
        .await;
        let alice = enrol(&server, Some(EMAIL), Some(PHONE)).await;
        Self { server, mailbox, alice }
    }

    async fn send(&self, command: Command) -> Answer {
        self.server.client().send_once(command).await.unwrap()
    }

    async fn request(&self) -> Answer {
        self.send(Command::RequestPasscode(request(&self.alice))).await
    }

    async fn passcode(&mut self) -> Passcode {
        let sent = self.request().await;
        assert_eq!(said(&sent), ("Passcode is sent", Code::Ok));
        self.mailbox.passcode().await
    }

    async fn redeem(&self, passcode: Passcode) -> Answer {
        self.send(Command::RedeemPasscode(redeem(&self.alice, passcode))).await
    }
}

async fn enrol(server: &TestServer, email: Option<&str>, phone: Option<&str>) -> Persona {
    let mut register = server.registration("alice", "obama.jpg");
    register.email = email.map(|email| Email::parse(email).unwrap());
    register.phone = phone.map(|phone| Phone::parse(phone).unwrap());
    server.enrol_as(register).await.0
}

fn request(alice: &Persona) -> RequestPasscode {
    RequestPasscode::new(alice.username.clone(), alice.password.clone())
}

fn redeem(alice: &Persona, passcode: Passcode) -> RedeemPasscode {
    RedeemPasscode::new(alice.username.clone(), alice.password.clone(), passcode).device(alice.mac)
}

fn said(answer: &Answer) -> (&str, Code) {
    (&answer.message, answer.code)
}

/// Another passcode.
fn other(passcode: Passcode) -> Passcode {
    let number = u128::from_str_radix(passcode.as_str(), 36).unwrap();
    Passcode::from_number(number + 1)
}

const WRONG: (&str, Code) = ("Passcode verification failed.", Code::PasscodeMismatch);
