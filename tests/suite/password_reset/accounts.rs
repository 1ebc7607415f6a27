//! Which accounts are reset, and what else a reset changes.

use super::{FACELESS, House, NEW_PASSWORD, SENT, WRONG, said};
use fourauth_protocol::{
    code::Code,
    command::{Authorise, Command, RedeemPasscode, RequestPasscode, RequestReset},
    secret::Secret,
};
use fourauth_store::Enrolled;
use fourauth_tests::{models, with::With as _};

fn new_password() -> Secret<String> {
    Secret::new(NEW_PASSWORD.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_a_face_gets_no_code() {
    let mut house = House::open().await;
    house.keep_only("alice", Enrolled::ALL).await;
    assert_eq!(said(&house.request().await), SENT);
    assert_eq!(house.details("request_reset").await, ["OTP sent successfully code=none(face)"]);
    // An earlier code is not enough either.
    house.keep_only("alice", FACELESS).await;
    let (code, later) = (house.code().await, house.code().await);
    house.keep_only("alice", Enrolled::ALL).await;
    assert_eq!(said(&house.validate(later).await), WRONG);
    house.keep_only("alice", FACELESS).await;
    assert_eq!(said(&house.validate(code).await), WRONG, "it was replaced");
    let grant = house.validate(later).await.body.grant.unwrap();
    house.keep_only("alice", Enrolled::ALL).await;
    assert_eq!(said(&house.reset(&grant).await), WRONG);
    assert_eq!(house.mailbox.mails().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_address_in_upper_case_is_reset() {
    let mut house = House::open().await;
    let request = r#"{"cmd":"340","email":"ALICE@Example.Org"}"#;
    assert_eq!(said(&house.server.raw().await.ask(request).await), SENT);
    let code = house.mailbox.reset_code().await;
    assert!(house.validate(code).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_ends_the_sessions_of_the_account() {
    let mut house = House::open().await;
    house.keep_only("alice", Enrolled::ALL).await;
    let login = Command::Login(house.alice.login(house.server.now()));
    let token = house.send(login).await.body.token.unwrap();
    house.keep_only("alice", FACELESS).await;
    let check = || Command::Authorise(Authorise::new(token.clone()).device(house.alice.mac));
    assert_eq!(house.send(check()).await.code, Code::Ok, "the control");
    let check = check();
    let grant = house.grant().await;
    assert!(house.reset(&grant).await.is_ok());
    assert_eq!(house.send(check).await.code, Code::SignedOut);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passcode_from_before_a_reset_opens_nothing() {
    let mut house = House::open().await;
    let request = |password| RequestPasscode::new(house.alice.username.clone(), password);
    let before = Command::RequestPasscode(request(house.alice.password.clone()));
    let after = Command::RequestPasscode(request(new_password()));
    let name = house.alice.username.clone();
    let redeem =
        |code| Command::RedeemPasscode(RedeemPasscode::new(name.clone(), new_password(), code));
    assert!(house.send(before).await.is_ok());
    let passcode = house.mailbox.passcode().await;
    let grant = house.grant().await;
    assert!(house.reset(&grant).await.is_ok());
    assert_eq!(house.send(redeem(passcode)).await.code, Code::PasscodeMismatch);
    // The control: a new passcode.
    assert!(house.send(after).await.is_ok());
    let passcode = house.mailbox.passcode().await;
    assert!(house.send(redeem(passcode)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_settles_beside_another_factor() {
    for (account, expected) in [(FACELESS, Code::CoolingDown), (Enrolled::PASSWORD, Code::Ok)] {
        let mut house = House::open().await;
        house.keep_only("alice", account).await;
        let grant = house.grant().await;
        assert!(house.reset(&grant).await.is_ok());
        // It may not replace the face, which the account has again.
        house.keep_only("alice", Enrolled::ALL).await;
        house.alice.password = new_password();
        let login = house.alice.login(house.server.now());
        assert!(house.send(Command::Login(login)).await.is_ok());
        house.server.clock().advance_ms(super::MINUTE_MS);
        let recover = house.alice.recover_face(models::picture("obama3.jpg"), house.server.now());
        let recovered = house.send(Command::RecoverFace(recover)).await;
        assert_eq!(recovered.code, expected, "{account:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_goes_to_the_telephone_of_an_account_without_mail() {
    let texts = tempfile::tempdir().unwrap();
    let route = format!("file:{}", texts.path().display());
    let house = House::with(|config| config.courier.sms = route.parse().ok()).await;
    house.change("UPDATE users SET email = NULL").await;
    assert_eq!(said(&house.request().await), SENT);
    house.change("UPDATE users SET phone = '+4930123456'").await;
    assert_eq!(said(&house.request().await), SENT);
    let rows = house.details("request_reset").await;
    assert_eq!(
        rows,
        ["OTP sent successfully code=sent(sms)", "OTP sent successfully code=none(no_address)"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_belong_to_two_accounts_are_unknown() {
    let house = House::open().await;
    let two = RequestReset::new(house.alice.username.clone()).with(|request| {
        let (bob, email) = (super::name("bob"), super::EMAIL);
        let email = fourauth_protocol::contact::Email::parse(email).ok();
        request.account =
            fourauth_protocol::command::Identifier::of(Some(bob), email, None).unwrap();
    });
    assert_eq!(said(&house.send(Command::RequestReset(two)).await), SENT);
    assert_eq!(house.details("request_reset").await, ["OTP sent successfully code=none(unknown)"]);
}
