//! Commands 340, 350 and 360.

use super::transcript::Transcript;
use fourauth_protocol::{
    command::{Command, RequestReset, ResetPassword, ValidateReset},
    contact::Email,
    grant::GrantToken,
    reset_code::ResetCode,
};
use fourauth_tests::{mailbox::Mailbox, server::TestServer};
use sqlx::{Connection as _, Executor as _, SqliteConnection};

const EMAIL: &str = "alice@example.org";

/// A server that mails codes to Alice. Her account has no face.
async fn with_a_mailbox() -> (Transcript, Mailbox) {
    let mailbox = Mailbox::open().await;
    let server = TestServer::configured(|config| mailbox.receive(config)).await;
    let mut register = server.registration("alice", "obama.jpg");
    register.email = Email::parse(EMAIL).ok();
    server.enrol_as(register).await;
    let path = server.folder().join("data/fourauth.db");
    let mut database = SqliteConnection::connect(&path.to_string_lossy()).await.unwrap();
    database.execute("UPDATE users SET has_face = 0").await.unwrap();
    server.own_rows().await;
    (Transcript::with(server).await, mailbox)
}

fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

fn request(address: &str) -> Command {
    Command::RequestReset(RequestReset::new(email(address)))
}

fn validate(code: ResetCode) -> Command {
    Command::ValidateReset(ValidateReset::new(email(EMAIL), code))
}

fn reset(password: &str) -> ResetPassword {
    ResetPassword::new(email(EMAIL), password.to_owned())
}

/// The code that the server mails to Alice.
async fn code(talk: &mut Transcript, mailbox: &mut Mailbox) -> ResetCode {
    assert!(talk.server.client().send_once(request(EMAIL)).await.unwrap().is_ok());
    let code = mailbox.reset_code().await;
    let number: u128 = code.as_str().parse().unwrap();
    talk.name(&format!("\"{}\"", code.as_str()), "\"<code>\"");
    let wrong = ResetCode::from_number(number + 1);
    talk.name(&format!("\"{}\"", wrong.as_str()), "\"<wrong code>\"");
    code
}

#[tokio::test(flavor = "multi_thread")]
async fn request_reset() {
    let (mut talk, _mailbox) = with_a_mailbox().await;
    talk.ask("A code goes to the mail address of the account.", request(EMAIL)).await;
    let unknown = "ghost@example.org";
    talk.ask("An address that no account has gets the same answer.", request(unknown)).await;
    assert!(talk.server.client().send_once(request(EMAIL)).await.unwrap().is_ok());
    talk.ask("Three requests a minute are taken from one source.", request(EMAIL)).await;
    talk.settle("340-request-reset");
}

#[tokio::test(flavor = "multi_thread")]
async fn validate_reset() {
    let (mut talk, mut mailbox) = with_a_mailbox().await;
    let right = code(&mut talk, &mut mailbox).await;
    let wrong = ResetCode::from_number(right.as_str().parse::<u128>().unwrap() + 1);
    talk.ask("The code is wrong.", validate(wrong)).await;
    talk.ask("The code is right.", validate(right)).await;
    talk.ask("It works once.", validate(right)).await;
    talk.settle("350-validate-reset");
}

#[tokio::test(flavor = "multi_thread")]
async fn reset_password() {
    let (mut talk, mut mailbox) = with_a_mailbox().await;
    let code = code(&mut talk, &mut mailbox).await;
    talk.ask("No code was right before.", Command::ResetPassword(reset("amber-Fox-17"))).await;
    let granted = talk.server.client().send_once(validate(code)).await.unwrap();
    let grant: GrantToken = granted.body.grant.unwrap();
    talk.name(grant.text().expose(), "<grant>");
    let with = |password| Command::ResetPassword(reset(password).grant(grant.clone()));
    talk.ask("The new password is too weak. The grant is not spent.", with("password")).await;
    talk.ask("The grant is right, and so is the password.", with("amber-Fox-17")).await;
    talk.ask("A grant works once.", with("amber-Fox-17")).await;
    talk.settle("360-reset-password");
}
