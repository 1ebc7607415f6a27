//! From the request to the new password, and what the code is good for on the way.

use super::{EMAIL, House, MINUTE_MS, NEW_PASSWORD, SENT, WRONG, other, reset, said};
use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{Command, Identifier, RequestReset, ResetPassword, ValidateReset},
    contact::Email,
    grant::GrantToken,
    reset_code::ResetCode,
};
use fourauth_store::Listed;
use fourauth_tests::{server::TestServer, with::With as _};
use std::fs;

#[tokio::test(flavor = "multi_thread")]
async fn a_code_from_a_mail_replaces_a_forgotten_password() {
    let mut house = House::open().await;
    let by_mail = || Identifier::from(Email::parse(EMAIL).unwrap());
    let sent = house.send(Command::RequestReset(RequestReset::new(by_mail()))).await;
    assert_eq!(said(&sent), SENT);
    let code = house.mailbox.reset_code().await;
    let mail = house.mailbox.mails().pop().unwrap();
    assert_eq!(mail.about["to"][0].as_str(), Some(EMAIL));
    assert!(mail.text.contains("127.0.0.1"), "the source: {}", mail.text);
    assert_eq!(house.details("request_reset").await, ["OTP sent successfully code=sent(mail)"]);

    let validate = Command::ValidateReset(ValidateReset::new(by_mail(), code));
    let granted = house.send(validate).await;
    assert_eq!(said(&granted), ("OTP verified. Proceed to reset password.", Code::Ok));
    let in_ten_minutes = house.server.now().saturating_add_ms(10 * MINUTE_MS);
    assert_eq!(granted.body.expires_at, Some(in_ten_minutes));
    assert!(house.has_password("violet-Ox-42").await, "nothing has changed yet");

    let reset = ResetPassword::new(by_mail(), NEW_PASSWORD.to_owned());
    let reset = reset.grant(granted.body.grant.unwrap());
    let done = house.send(Command::ResetPassword(reset)).await;
    assert_eq!(said(&done), ("Password reset successful", Code::Ok));
    assert!(house.has_password(NEW_PASSWORD).await);
    assert!(!house.has_password("violet-Ox-42").await);
    let row = house.details("reset_password").await;
    assert_eq!(row, ["Password reset successful grant=match"]);

    let outbox = house.server.server().store().outbox(Listed::All, 10).await.unwrap();
    let words: Vec<_> = outbox.iter().map(|entry| entry.event.word()).collect();
    assert!(words.contains(&"password_replaced"), "the owner is told: {words:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_works_once() {
    let mut house = House::open().await;
    let code = house.code().await;
    assert!(house.validate(code).await.is_ok());
    assert_eq!(said(&house.validate(code).await), WRONG);
    assert!(house.details("validate_reset").await[0].contains("reset_code=mismatch"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_expires_after_ten_minutes() {
    let mut house = House::open().await;
    for (wait, expected) in [(10 * MINUTE_MS - 1, Code::Ok), (10 * MINUTE_MS, Code::Denied)] {
        let code = house.code().await;
        house.server.clock().advance_ms(wait);
        assert_eq!(house.validate(code).await.code, expected, "{wait}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_code_replaces_the_old() {
    let mut house = House::open().await;
    let first = house.code().await;
    let second = house.code().await;
    assert_eq!(said(&house.validate(first).await), WRONG);
    assert!(house.validate(second).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_account_makes_a_code_useless() {
    let mut house = House::open().await;
    let code = house.code().await;
    house.change("UPDATE users SET version = version + 1").await;
    assert_eq!(said(&house.validate(code).await), WRONG);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_weak_password_spends_no_grant() {
    let mut house = House::open().await;
    let grant = house.grant().await;
    for weak in ["password", "alice", "12345678"] {
        let weak = reset(&house.alice, &grant).with(|it| it.new_password = weak.to_owned().into());
        assert_eq!(house.send(Command::ResetPassword(weak)).await.code, Code::WeakPassword);
    }
    assert!(house.reset(&grant).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn resets_are_off_unless_they_are_switched_on() {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let grant = GrantToken::from_bytes([7; 32]);
    let (named, code) = (alice.username.clone(), ResetCode::from_number(0));
    let rows = server.audit().await.len();
    for command in [
        Command::RequestReset(RequestReset::new(named.clone())),
        Command::ValidateReset(ValidateReset::new(named, code)),
        Command::ResetPassword(reset(&alice, &grant)),
    ] {
        let refused: Answer = server.client().send_once(command).await.unwrap();
        assert_eq!(said(&refused), ("This command is not offered here.", Code::NotOffered));
    }
    assert_eq!(server.audit().await.len(), rows, "no row each");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_and_a_grant_are_in_no_file_of_the_server() {
    let mut house = House::open().await;
    let code = house.code().await;
    let grant = house.validate(code).await.body.grant.unwrap();
    assert!(house.validate(other(code)).await.body.grant.is_none());
    let House { server, .. } = house;
    let folder = server.stop().await;
    let files = fs::read_dir(folder.path().join("data")).unwrap().map(|entry| entry.unwrap());
    let (mut read, mut found) = (0, 0);
    for file in files.map(|entry| entry.path()).filter(|path| path.is_file()) {
        let bytes = fs::read(&file).unwrap();
        let has = |text: &[u8]| bytes.windows(text.len()).any(|part| part == text);
        read += usize::from(has(b"request_reset"));
        found += usize::from(has(format!(" {} ", code.as_str()).as_bytes()));
        found += usize::from(has(format!("\"{}\"", code.as_str()).as_bytes()));
        found +=
            usize::from(has(grant.text().expose().as_bytes()) || has(grant.as_bytes().expose()));
    }
    // The control: the audit row is there.
    assert!(read >= 1 && found == 0, "{read} {found}");
}
