//! Tokens that other software verifies with the server's published keys.

use super::{Authorise, Code, Command, EMAIL, House, said};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use data_encoding::BASE64URL_NOPAD;
use fourauth_client::Outcome;
use fourauth_protocol::{
    audience::Audience,
    command::{EndSession, ListSessions, PasswordStep},
    jwt::{Claims, Unverified},
    secret::Secret,
};

const HOUR_MS: i64 = 3_600_000;

/// The signed token of a login with the password only.
async fn signed(house: &House) -> Secret<String> {
    house.password_step().await.body.jwt.unwrap()
}

/// Verifies a token as a service does that has only the published keys.
async fn verified(house: &House, token: &Secret<String>) -> Claims {
    let Outcome::Granted(keys) = house.server.connect().await.keys().await.unwrap() else {
        panic!("the keys are public")
    };
    let token = Unverified::parse(token.expose()).unwrap();
    let key = keys.iter().find(|key| key.kid == token.kid()).unwrap();
    let coordinates = [&key.x, &key.y].map(|text| BASE64URL_NOPAD.decode(text.as_bytes()).unwrap());
    let point = [&[4][..], &coordinates.concat()].concat();
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
    key.verify(token.signed(), token.signature()).unwrap();
    token.claims().unwrap()
}

async fn check(house: &House, token: &Secret<String>) -> (String, Code) {
    let answer = house.send(Command::Authorise(Authorise::new(token.clone()))).await;
    (answer.message, answer.code)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_verifies_a_token_with_the_published_keys() {
    let house = House::open().await;
    house.newcomer().await;
    let step = PasswordStep::new(super::email(), super::password())
        .audience(Audience::parse("door").unwrap());
    let token = house.send(Command::PasswordStep(step)).await.body.jwt.unwrap();
    let claims = verified(&house, &token).await;
    let now = house.server.now().0 / 1000;
    assert_eq!((claims.iat, claims.exp), (now, now + HOUR_MS / 1000));
    assert_eq!((&*claims.preferred_username, claims.email.as_deref()), (EMAIL, Some(EMAIL)));
    assert!(!claims.email_verified && claims.sub.parse::<i64>().is_ok(), "{claims:?}");
    assert_eq!((claims.iss.as_str(), claims.aud.as_str()), ("4Auth-Authentication", "door"));
    assert_eq!(verified(&house, &signed(&house).await).await.aud, "4Auth-Authentication");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_cannot_use_a_token_of_another_one() {
    let house = House::open().await;
    house.newcomer().await;
    let audience = |name| Audience::parse(name).unwrap();
    let step = PasswordStep::new(super::email(), super::password()).audience(audience("door"));
    let token = house.send(Command::PasswordStep(step)).await.body.jwt.unwrap();
    let check = Authorise::new(token);
    for (check, expected) in [
        (check.clone().audience(audience("door")), Code::Ok),
        (check.clone().audience(audience("wiki")), Code::SignedOut),
        (check, Code::SignedOut),
    ] {
        assert_eq!(house.send(Command::Authorise(check)).await.code, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_token_ends_with_its_session() {
    let house = House::open().await;
    house.newcomer().await;
    let token = signed(&house).await;
    assert_eq!(check(&house, &token).await, ("authorized".to_owned(), Code::Ok));
    let end = house.send(Command::EndSession(EndSession::new(token.clone()))).await;
    assert!(end.is_ok(), "{end:?}");
    assert_eq!(check(&house, &token).await, ("unauthorized".to_owned(), Code::SignedOut));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_token_expires_and_is_not_renewed() {
    let house = House::open().await;
    house.newcomer().await;
    let token = signed(&house).await;
    house.server.clock().advance_ms(HOUR_MS - 1000);
    assert_eq!(check(&house, &token).await.1, Code::Ok);
    house.server.clock().advance_ms(1000);
    let expired = house.send(Command::Authorise(Authorise::new(token))).await;
    assert_eq!(said(&expired), ("unauthorized", Code::SignedOut));
    assert!(expired.body.token.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_token_does_no_more_than_be_checked_and_end() {
    let house = House::open().await;
    house.newcomer().await;
    let token = signed(&house).await;
    let list = house.send(Command::ListSessions(ListSessions::new(token))).await;
    assert_eq!(list.code, Code::SignedOut);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_another_server_is_refused() {
    let (house, other) = (House::open().await, House::open().await);
    house.newcomer().await;
    other.newcomer().await;
    let token = signed(&other).await;
    assert_eq!(check(&house, &token).await.1, Code::SignedOut);
    assert_eq!(check(&other, &token).await.1, Code::Ok);
}
