//! Commands 110 and 120.

use super::transcript::Transcript;
use fourauth_protocol::{
    command::{Command, RedeemPasscode, RequestPasscode},
    contact::Email,
    passcode::Passcode,
    secret::Secret,
};
use fourauth_tests::{mailbox::Mailbox, server::TestServer};

const EMAIL: &str = "alice@example.org";
const PASSWORD: &str = "violet-Ox-42";

/// A server that mails passcodes to Alice.
async fn with_a_mailbox() -> (Transcript, Mailbox) {
    let mailbox = Mailbox::open().await;
    let server = TestServer::configured(|config| mailbox.receive(config)).await;
    let mut register = server.registration("alice", "obama.jpg");
    register.email = Email::parse(EMAIL).ok();
    server.enrol_as(register).await;
    (Transcript::with(server).await, mailbox)
}

fn request(password: &str) -> Command {
    let password = Secret::new(password.to_owned());
    Command::RequestPasscode(RequestPasscode::new(Email::parse(EMAIL).unwrap(), password))
}

fn redeem(passcode: Passcode) -> Command {
    let password = Secret::new(PASSWORD.to_owned());
    Command::RedeemPasscode(RedeemPasscode::new(Email::parse(EMAIL).unwrap(), password, passcode))
}

#[tokio::test(flavor = "multi_thread")]
async fn request_passcode() {
    let (mut talk, _mailbox) = with_a_mailbox().await;
    talk.ask("The password is wrong.", request("wrong-Ox-42")).await;
    talk.ask("The passcode goes to the mail address of the account.", request(PASSWORD)).await;
    for _ in 0..2 {
        assert!(talk.server.client().send_once(request(PASSWORD)).await.unwrap().is_ok());
    }
    talk.ask("An account gets three passcodes in 15 minutes.", request(PASSWORD)).await;
    talk.settle("110-request-passcode");
}

#[tokio::test(flavor = "multi_thread")]
async fn redeem_passcode() {
    let (mut talk, mut mailbox) = with_a_mailbox().await;
    assert!(talk.server.client().send_once(request(PASSWORD)).await.unwrap().is_ok());
    let passcode = mailbox.passcode().await;
    let number = u128::from_str_radix(passcode.as_str(), 36).unwrap();
    let wrong = Passcode::from_number(number + 1);
    talk.name(passcode.as_str(), "<passcode>");
    talk.name(wrong.as_str(), "<wrong passcode>");
    talk.ask("The passcode is wrong.", redeem(wrong)).await;
    talk.ask("The passcode is right.", redeem(passcode)).await;
    talk.ask("It works once.", redeem(passcode)).await;
    talk.settle("120-redeem-passcode");
}
