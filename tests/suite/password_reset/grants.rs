//! A grant resets the password of one account once, in time, and only if nothing changed before.

use super::{FACELESS, House, MINUTE_MS, NEW_PASSWORD, WRONG, name, reset, said};
use fourauth_protocol::{
    code::Code,
    command::{Command, ResetPassword},
    device::DeviceNonce,
    grant::GrantToken,
};
use fourauth_tests::with::With as _;

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_needs_a_grant() {
    let mut house = House::open().await;
    house.code().await;
    let without = ResetPassword::new(house.alice.username.clone(), NEW_PASSWORD.to_owned());
    assert_eq!(said(&house.send(Command::ResetPassword(without)).await), WRONG);
    assert_eq!(said(&house.reset(&GrantToken::from_bytes([7; 32])).await), WRONG);
    let nonce = house.server.connect().await.hello().await.unwrap().granted().unwrap();
    let nonce = DeviceNonce::parse(&nonce.device_nonce.unwrap()).unwrap();
    let nonce = GrantToken::from_bytes(*nonce.as_bytes());
    assert_eq!(said(&house.reset(&nonce).await), WRONG, "a grant for another purpose");
    assert!(house.has_password("violet-Ox-42").await);
    let rows = house.details("reset_password").await;
    assert_eq!(rows, ["Invalid or expired OTP grant=mismatch"; 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_of_another_account_resets_nothing() {
    let mut house = House::open().await;
    let bob = house.server.enrol("bob", "biden.jpg").await;
    house.keep_only("bob", FACELESS).await;
    let grant = house.grant().await;
    let foreign = reset(&house.alice, &grant).with(|reset| reset.account = bob.username.into());
    assert_eq!(said(&house.send(Command::ResetPassword(foreign)).await), WRONG);
    let unknown = reset(&house.alice, &grant).with(|reset| reset.account = name("ghost").into());
    assert_eq!(said(&house.send(Command::ResetPassword(unknown)).await), WRONG);
    // The control: the same grant for its own account.
    assert!(house.reset(&grant).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_works_once() {
    let mut house = House::open().await;
    let grant = house.grant().await;
    assert!(house.reset(&grant).await.is_ok());
    let again =
        reset(&house.alice, &grant).with(|it| it.new_password = "slate-Elk-93".to_owned().into());
    assert_eq!(said(&house.send(Command::ResetPassword(again)).await), WRONG);
    assert!(house.has_password(NEW_PASSWORD).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_expires_after_ten_minutes() {
    let mut house = House::open().await;
    let grant = house.grant().await;
    house.server.clock().advance_ms(10 * MINUTE_MS);
    assert_eq!(said(&house.reset(&grant).await), WRONG);
    let grant = house.grant().await;
    house.server.clock().advance_ms(10 * MINUTE_MS - 1);
    assert!(house.reset(&grant).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_makes_other_grants_and_codes_useless() {
    let mut house = House::open().await;
    let earlier = house.grant().await;
    let grant = house.grant().await;
    let code = house.code().await;
    assert!(house.reset(&grant).await.is_ok());
    assert_eq!(said(&house.reset(&earlier).await), WRONG);
    assert_eq!(said(&house.validate(code).await), WRONG);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_account_is_not_reset_by_an_earlier_grant() {
    let mut house = House::open().await;
    let grant = house.grant().await;
    house.change("UPDATE users SET disabled = 1").await;
    assert_eq!(said(&house.reset(&grant).await), WRONG);
    house.change("UPDATE users SET disabled = 0").await;
    assert_eq!(house.reset(&grant).await.code, Code::Ok, "the control");
}
