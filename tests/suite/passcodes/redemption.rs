//! A passcode is redeemed once, in time, with the password, by the account that it was sent to.

use super::{EMAIL, House, MINUTE_MS, PHONE, WRONG, enrol, redeem, request, said};
use fourauth_protocol::{
    code::Code,
    command::{Command, Identifier, RedeemPasscode, RequestPasscode},
    contact::{Email, Phone},
    passcode::Passcode,
    secret::Secret,
    username::Username,
};
use fourauth_tests::{mailbox::Mailbox, server::TestServer};
use std::fs;

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_found_by_its_mail_address_or_telephone() {
    let mut house = House::open().await;
    let (email, phone) = (Email::parse(EMAIL).unwrap(), Phone::parse(PHONE).unwrap());
    let other = Phone::parse("+4930999999").unwrap();
    let name = house.alice.username.clone();
    let of = |name: Option<&Username>, email: Option<&Email>, phone: Option<&Phone>| {
        Identifier::of(name.cloned(), email.cloned(), phone.cloned()).unwrap()
    };
    for wrong in [
        of(None, None, Some(&other)),
        of(None, Some(&email), Some(&other)),
        of(Username::parse("bob").ok().as_ref(), Some(&email), None),
        of(Username::parse(EMAIL).ok().as_ref(), None, None),
    ] {
        let request = RequestPasscode::new(wrong, house.alice.password.clone());
        let refused = house.send(Command::RequestPasscode(request)).await;
        assert_eq!(said(&refused), ("Invalid credentials.", Code::Denied));
    }
    for right in [of(None, Some(&email), None), of(None, None, Some(&phone))] {
        let request = RequestPasscode::new(right.clone(), house.alice.password.clone());
        assert!(house.send(Command::RequestPasscode(request)).await.is_ok());
        let passcode = house.mailbox.passcode().await;
        let redeem = RedeemPasscode::new(right, house.alice.password.clone(), passcode);
        assert!(house.send(Command::RedeemPasscode(redeem)).await.is_ok());
        assert_eq!(house.server.last_row().await.username.as_deref(), Some("alice"));
    }
    let all = RequestPasscode::new(
        of(Some(&name), Some(&email), Some(&phone)),
        house.alice.password.clone(),
    );
    assert!(house.send(Command::RequestPasscode(all)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passcode_works_once() {
    let mut house = House::open().await;
    let passcode = house.passcode().await;
    assert!(house.redeem(passcode).await.is_ok());
    assert_eq!(said(&house.redeem(passcode).await), WRONG);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passcode_expires_after_three_minutes() {
    let mut house = House::open().await;
    for (wait, expected) in [(3 * MINUTE_MS - 1, Code::Ok), (3 * MINUTE_MS, Code::PasscodeMismatch)]
    {
        let passcode = house.passcode().await;
        house.server.clock().advance_ms(wait);
        assert_eq!(house.redeem(passcode).await.code, expected, "{wait}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passcode_needs_the_password_again() {
    let mut house = House::open().await;
    let passcode = house.passcode().await;
    let mut guess = redeem(&house.alice, passcode);
    guess.password = Secret::new("wrong-Ox-42".to_owned());
    // More than five: a guess without the password uses up none of the owner's tries.
    for _ in 0..6 {
        let refused = house.send(Command::RedeemPasscode(guess.clone())).await;
        assert_eq!(said(&refused), ("Invalid credentials.", Code::Denied));
    }
    assert!(house.redeem(passcode).await.is_ok());
}

#[tokio::test]
async fn passcodes_are_off_unless_they_are_switched_on() {
    let server = TestServer::start().await;
    let alice = enrol(&server, Some(EMAIL), None).await;
    for command in [
        Command::RequestPasscode(request(&alice)),
        Command::RedeemPasscode(redeem(&alice, Passcode::from_number(0))),
    ] {
        let refused = server.client().send_once(command).await.unwrap();
        assert_eq!(said(&refused), ("This command is not offered here.", Code::NotOffered));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_an_address_gets_no_passcode() {
    let mailbox = Mailbox::open().await;
    let server = TestServer::configured(|config| mailbox.receive(config)).await;
    // A telephone is no address where no text messages are sent.
    let alice = enrol(&server, None, Some(PHONE)).await;
    let refused =
        server.client().send_once(Command::RequestPasscode(request(&alice))).await.unwrap();
    assert_eq!(refused.code, Code::NoAddress);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passcode_is_in_no_file_of_the_server() {
    let mut house = House::open().await;
    let passcode = house.passcode().await;
    let House { server, .. } = house;
    let folder = server.stop().await;
    let data = folder.path().join("data");
    let files = fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path());
    let (mut read, mut found) = (0, 0);
    for file in files.filter(|path| path.is_file()) {
        let bytes = fs::read(&file).unwrap();
        let has = |text: &[u8]| bytes.windows(text.len()).any(|part| part == text);
        read += usize::from(has(b"request_passcode"));
        found += usize::from(has(passcode.as_str().as_bytes()));
    }
    // The control: the audit row is there.
    assert!(read >= 1 && found == 0, "{read} {found}");
}
