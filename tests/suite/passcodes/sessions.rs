//! A session that a passcode opened: its level, its methods, and what it sees of others.

use super::{EMAIL, House, MINUTE_MS, PHONE, enrol, redeem, request, said};
use fourauth_protocol::{
    code::Code,
    command::{Authorise, Command, EndSession, ListDevices, ListSessions, ProveSignIn},
    level::Level,
    mac_address::MacAddress,
    passcode::Passcode,
    receipt::Method,
    secret::Secret,
};
use fourauth_tests::server::TestServer;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, SqliteConnection};
use std::fs;

const HOUR_MS: i64 = 60 * MINUTE_MS;

#[tokio::test(flavor = "multi_thread")]
async fn a_passcode_by_mail_opens_a_session_of_level_1() {
    let mut house = House::open().await;
    let passcode = house.passcode().await;
    let mail = house.mailbox.mails().pop().unwrap();
    assert_eq!(
        (mail.about["to"][0].as_str(), mail.about["tls"].as_bool()),
        (Some(EMAIL), Some(true))
    );

    let opened = house.redeem(passcode).await;
    assert_eq!(
        (said(&opened), opened.body.level),
        (("Login successful.", Code::Ok), Some(Level::One))
    );
    let token = opened.body.token.unwrap();
    let check = |token: &Secret<String>| Authorise::new(token.clone()).device(house.alice.mac);

    let valid = house.send(Command::Authorise(check(&token))).await;
    assert_eq!(said(&valid), ("authorized", Code::Ok));
    assert_eq!(valid.body.amr.as_deref(), Some(&[Method::Password, Method::Email][..]));
    let higher = house.send(Command::Authorise(check(&token).level(Level::Two))).await;
    assert_eq!(higher.code, Code::MoreNeeded);
    let mac = MacAddress::parse("00:1b:44:11:3a:ff").unwrap();
    let elsewhere = house.send(Command::Authorise(check(&token).device(mac))).await;
    assert_eq!(said(&elsewhere), ("unauthorized", Code::SignedOut));

    house.server.clock().advance_ms(HOUR_MS);
    let renewed = house.send(Command::Authorise(check(&token))).await;
    assert_eq!(said(&renewed), ("renew", Code::Ok));
    let new = renewed.body.token.unwrap();
    assert_eq!(said(&house.send(Command::Authorise(check(&new))).await), ("authorized", Code::Ok));
    house.server.clock().advance_ms(MINUTE_MS);
    for spent in [&token, &new] {
        let ended = house.send(Command::Authorise(check(spent))).await;
        assert_eq!(said(&ended), ("unauthorized", Code::SignedOut));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passcode_by_text_message_is_named_so_in_its_session() {
    let texts = tempfile::tempdir().unwrap();
    let server = TestServer::configured(|config| {
        config.courier.sms = Some(format!("file:{}", texts.path().display()).parse().unwrap());
        config.auth.passcodes = true;
    })
    .await;
    let alice = enrol(&server, Some(EMAIL), Some(PHONE)).await;
    let sent = server.client().send_once(Command::RequestPasscode(request(&alice))).await.unwrap();
    assert!(sent.is_ok(), "{sent:?}");
    let passcode = text_message(texts.path()).await;
    let redeem = Command::RedeemPasscode(redeem(&alice, passcode));
    let token = server.client().send_once(redeem).await.unwrap().body.token.unwrap();
    let check = Command::Authorise(Authorise::new(token).device(alice.mac));
    let valid = server.client().send_once(check).await.unwrap();
    assert_eq!(valid.body.amr.as_deref(), Some(&[Method::Password, Method::Sms][..]));
}

/// The passcode of the first text message.
async fn text_message(folder: &std::path::Path) -> Passcode {
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(50));
    loop {
        looks.tick().await;
        let mut files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let Some(file) = files.find(|path| path.extension().is_some_and(|end| end == "txt")) else {
            continue;
        };
        let text = fs::read_to_string(file).unwrap();
        assert!(text.starts_with(&format!("To: {PHONE}\n")), "{text}");
        let (_, rest) = text.split_once("account alice is ").unwrap();
        return Passcode::parse(&rest[..6]).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_asked_only_for_factors_that_its_account_has() {
    let mut house = House::open().await;
    let passcode = house.passcode().await;
    let token = house.redeem(passcode).await.body.token.unwrap();
    let path = house.server.folder().join("data/fourauth.db");
    let mut plain = SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.unwrap();
    let check = Authorise::new(token).device(house.alice.mac).level(Level::Two);
    for (has_face, expected) in [
        (1, &[Method::OneTimeCode, Method::Face, Method::DeviceKey][..]),
        (0, &[Method::OneTimeCode, Method::DeviceKey]),
    ] {
        let update = format!("UPDATE users SET has_face = {has_face}");
        plain.execute(AssertSqlSafe(update)).await.unwrap();
        let refused = house.send(Command::Authorise(check.clone())).await;
        assert_eq!(refused.body.missing.as_deref(), Some(expected));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passcode_session_sees_and_ends_none_of_a_higher_level() {
    let mut house = House::open().await;
    let login = Command::Login(house.alice.login(house.server.now()));
    let high = house.send(login).await.body.token.unwrap();
    let passcode = house.passcode().await;
    let low = house.redeem(passcode).await.body.token.unwrap();
    let mac = house.alice.mac;

    let seen = async |token: &Secret<String>| {
        let list = ListSessions::new(token.clone()).device(mac);
        house.send(Command::ListSessions(list)).await.body.sessions.unwrap()
    };
    assert_eq!(seen(&high).await.len(), 2);
    let rows = seen(&low).await;
    assert!(rows.len() == 1 && rows[0].current, "{rows:?}");
    let devices = Command::ListDevices(ListDevices::new(low.clone()).device(mac));
    assert_eq!(house.send(devices).await.code, Code::MoreNeeded);

    let other = seen(&high).await.into_iter().find(|row| row.current).unwrap().id;
    let prove = ProveSignIn::new(low.clone()).device(mac).session(other.clone());
    assert_eq!(house.send(Command::ProveSignIn(prove)).await.code, Code::NoSuchSession);
    let end = EndSession::new(low.clone()).device(mac);
    let named = house.send(Command::EndSession(end.clone().session(other))).await;
    assert_eq!(named.code, Code::NoSuchSession);
    assert!(house.send(Command::EndSession(end.all())).await.is_ok());
    let check =
        |token: &Secret<String>| Command::Authorise(Authorise::new(token.clone()).device(mac));
    assert_eq!(house.send(check(&low)).await.code, Code::SignedOut);
    assert!(house.send(check(&high)).await.is_ok());
    // The control: a session of the higher level ends all.
    let all = Command::EndSession(EndSession::new(high.clone()).device(mac).all());
    assert!(house.send(all).await.is_ok());
    assert_eq!(house.send(check(&high)).await.code, Code::SignedOut);
}
