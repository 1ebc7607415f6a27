//! Grants that stand for a password: bound to account, version and peer, spent once, and open to their
//! peer only where no other client shares its address.

use super::{
    Code, CodeStep, Command, House, MINUTE_MS, PASSWORD, PasswordStep, SelfRegister, WRONG, email,
    said,
};
use fourauth_auth::profile::Profile;
use fourauth_protocol::{answer::Answer, contact::Email, grant::GrantToken, secret::Secret};
use fourauth_tests::persona::Persona;
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_keeps_nothing_uses_its_open_grant_once() {
    let house = House::open().await;
    let (carol, _) = house.newcomer().await;
    assert_eq!(said(&house.confirm(&carol, None).await), ("TOTP confirmed.", Code::Ok));
    assert_eq!(said(&house.confirm(&carol, None).await), WRONG);
    house.server.clock().advance_ms(MINUTE_MS);
    house.grant().await;
    assert!(house.code_step(&carol, None).await.is_ok());
    house.server.clock().advance_ms(MINUTE_MS);
    assert_eq!(said(&house.code_step(&carol, None).await), WRONG);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_is_open_only_for_a_client_that_asks_for_it() {
    let house = House::open().await;
    let carol = house.member().await;
    let step = PasswordStep::new(email(), PASSWORD.to_owned());
    let grant = house.send(Command::PasswordStep(step)).await.body.grant;
    assert_eq!(said(&house.code_step(&carol, None).await), WRONG);
    assert!(house.code_step(&carol, grant).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_that_come_into_use_end_what_was_before() {
    let house = House::open().await;
    let (carol, grant) = house.newcomer().await;
    let before = house.password_step().await.body.token.unwrap();
    assert!(house.confirm(&carol, Some(grant)).await.is_ok());
    let check = Command::Authorise(super::Authorise::new(before));
    assert_eq!(house.send(check).await.code, Code::SignedOut);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_without_a_password_step_opens_nothing() {
    let house = House::open().await;
    let carol = house.member().await;
    assert_eq!(said(&house.code_step(&carol, None).await), WRONG);
    let made_up = GrantToken::from_bytes([7; 32]);
    assert_eq!(said(&house.code_step(&carol, Some(made_up)).await), WRONG);
    // The control: after the password, the same code is right.
    house.grant().await;
    assert!(house.code_step(&carol, None).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_ends_after_five_minutes() {
    let house = House::open().await;
    let carol = house.member().await;
    for (waited_ms, expected) in [(5 * MINUTE_MS - 1, true), (5 * MINUTE_MS, false)] {
        let grant = house.grant().await;
        house.server.clock().advance_ms(waited_ms);
        assert_eq!(house.code_step(&carol, Some(grant)).await.is_ok(), expected, "{waited_ms}");
    }
    house.grant().await;
    house.server.clock().advance_ms(5 * MINUTE_MS);
    assert_eq!(said(&house.code_step(&carol, None).await), WRONG);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authenticator_can_be_confirmed_for_fifteen_minutes() {
    let house = House::open().await;
    let (carol, grant) = house.newcomer().await;
    house.server.clock().advance_ms(15 * MINUTE_MS);
    assert_eq!(said(&house.confirm(&carol, Some(grant)).await), WRONG);
    // A right password gives another fifteen.
    let grant = house.password_step().await.body.grant;
    assert!(house.confirm(&carol, grant).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_is_of_no_use_for_another_account_or_step() {
    let house = House::open().await;
    let carol = house.member().await;
    let dave = Email::parse("dave@example.org").unwrap();
    let register = SelfRegister::new(dave.clone(), PASSWORD.to_owned()).with_totp();
    let registered = house.send(Command::SelfRegister(register)).await;
    let enrolment = registered.body.grant.unwrap();
    let of_carol = house.grant().await;
    let code = carol.code(house.server.now());
    for (account, grant) in [(email(), enrolment), (dave, of_carol)] {
        let step = CodeStep::new(account, code, Some(grant));
        assert_eq!(said(&house.send(Command::CodeStep(step)).await), WRONG);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strict_takes_only_a_grant_that_is_shown() {
    let house = House::with(|config| config.auth.profile = Profile::Strict).await;
    let (carol, grant) = house.newcomer().await;
    assert_eq!(said(&house.confirm(&carol, None).await), WRONG);
    assert!(house.confirm(&carol, Some(grant)).await.is_ok());
    let grant = house.grant().await;
    assert_eq!(said(&house.code_step(&carol, None).await), WRONG);
    assert!(house.code_step(&carol, Some(grant)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_a_shared_address_must_show_their_grant() {
    let house = House::with(|config| {
        config.limits.shared_addresses = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let (carol, grant) = house.newcomer().await;
    assert_eq!(said(&house.confirm(&carol, None).await), WRONG);
    assert!(house.confirm(&carol, Some(grant)).await.is_ok());
}

/// Sends the same grant many times at once, each time with the same unspent code.
async fn race(house: &House, carol: &Persona, grants: Vec<Option<GrantToken>>) -> Vec<Answer> {
    let code = carol.code(house.server.now());
    let mut racing = JoinSet::new();
    for grant in grants {
        let client = house.server.client();
        let step = Command::CodeStep(CodeStep::new(email(), code, grant));
        racing.spawn(async move { client.send_once(step).await.unwrap() });
    }
    racing.join_all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_second_steps_at_once_one_wins() {
    let house = House::with(|config| config.attempts = fourauth_tests::server::unlimited()).await;
    let carol = house.member().await;
    for _ in 0..4 {
        house.server.clock().advance_ms(MINUTE_MS);
        let grant = house.password_step().await.body.grant;
        let won = race(&house, &carol, vec![grant; 8]).await;
        assert_eq!(won.iter().filter(|answer| answer.is_ok()).count(), 1, "{won:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_the_grants_of_the_old_one() {
    let house = House::open().await;
    let carol = house.member().await;
    let grant = house.grant().await;
    let store = house.server.server().store();
    let name = fourauth_protocol::username::Username::parse(super::EMAIL).unwrap();
    let account = store.user(&name).await.unwrap().unwrap();
    // Disabling and enabling raises the version, as every change of a factor does.
    for disabled in [true, false] {
        store.write(move |tx| Box::pin(tx.set_disabled(account.id, disabled))).await.unwrap();
    }
    for grant in [Some(grant), None] {
        assert_eq!(said(&house.code_step(&carol, grant).await), WRONG);
    }
    let step = PasswordStep::new(email(), Secret::new(PASSWORD.to_owned()));
    assert!(house.send(Command::PasswordStep(step)).await.body.grant.is_some());
}
