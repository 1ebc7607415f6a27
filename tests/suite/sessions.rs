//! Sessions: tokens are used, renewed, listed and ended, and are of no use elsewhere.

use fourauth_auth::tokens::AddressBinding;
use fourauth_client::{Client, Identity};
use fourauth_config::Config;
use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{Authorise, Command, EndSession, ListSessions},
    level::Level,
    mac_address::MacAddress,
    receipt::Method,
    secret::Secret,
    token::PREFIX,
};
use fourauth_tests::{persona::Persona, raw::RawConnection, server::TestServer, with::With as _};
use std::{net::Ipv4Addr, sync::Arc};
use tokio::task::JoinSet;

const HOUR_MS: i64 = 3_600_000;

/// A server, a user, and the token of the user's session.
async fn signed_in() -> (TestServer, Persona, Secret<String>) {
    signed_in_with(|_| {}).await
}

async fn signed_in_with(change: impl FnOnce(&mut Config)) -> (TestServer, Persona, Secret<String>) {
    let server = TestServer::configured(change).await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let token = log_in(&server, &alice).await;
    (server, alice, token)
}

async fn log_in(server: &TestServer, alice: &Persona) -> Secret<String> {
    let login = Command::Login(alice.login(server.now()));
    server.client().send_once(login).await.unwrap().body.token.unwrap()
}

fn authorise(alice: &Persona, token: &Secret<String>) -> Authorise {
    Authorise::new(token.clone()).device(alice.mac)
}

async fn check(server: &TestServer, authorise: Authorise) -> Answer {
    server.client().send_once(Command::Authorise(authorise)).await.unwrap()
}

fn said(answer: &Answer) -> (&str, Code) {
    (&answer.message, answer.code)
}

const UNAUTHORISED: (&str, Code) = ("unauthorized", Code::SignedOut);

#[tokio::test]
async fn a_valid_token_names_its_account() {
    let (server, alice, token) = signed_in().await;
    assert!(token.expose().starts_with(PREFIX));
    let answer = check(&server, authorise(&alice, &token)).await;
    assert_eq!(said(&answer), ("authorized", Code::Ok));
    assert_eq!(answer.body.username, Some(alice.username.clone()));
    assert_eq!(answer.body.level, Some(Level::Two));
    let amr = [Method::Password, Method::OneTimeCode, Method::Face, Method::Several];
    assert_eq!(answer.body.amr.as_deref(), Some(&amr[..]));
    assert!(answer.body.token.is_none());

    // The prefix may be another one, or none.
    let bare = token.expose().strip_prefix(PREFIX).unwrap().to_owned();
    for text in [bare.clone(), format!("pythonizer_{bare}")] {
        let answer = check(&server, authorise(&alice, &Secret::new(text))).await;
        assert_eq!(said(&answer), ("authorized", Code::Ok));
    }
}

#[tokio::test]
async fn a_token_is_refused_with_another_mac_or_a_mistake() {
    let (server, alice, token) = signed_in().await;
    let other = MacAddress::parse("00:1b:44:11:3a:ff").unwrap();
    let cut = Secret::new(token.expose()[..token.expose().len() - 1].to_owned());
    for wrong in [
        authorise(&alice, &token).device(other),
        Authorise::new(token.clone()),
        authorise(&alice, &cut),
        authorise(&alice, &Secret::new(String::new())),
        authorise(&alice, &Secret::new("x".repeat(60_000))),
    ] {
        assert_eq!(said(&check(&server, wrong).await), UNAUTHORISED);
    }
    assert_eq!(said(&check(&server, authorise(&alice, &token)).await), ("authorized", Code::Ok));
}

#[tokio::test]
async fn a_session_moved_to_another_account_is_refused() {
    let (server, alice, token) = signed_in().await;
    let bob = server.enrol("bob", "biden.jpg").await;
    let database = server.folder().join("data/fourauth.db");
    let database = rusqlite::Connection::open(database).unwrap();
    let id = |name: &str| -> i64 {
        let sql = "SELECT id FROM users WHERE username = ?1";
        database.query_row(sql, [name], |row| row.get(0)).unwrap()
    };
    let (from, to) = (id(alice.username.as_str()), id(bob.username.as_str()));
    let move_to = |account: i64| {
        let sql = "UPDATE sessions SET account = ?1, \
                   version = (SELECT version FROM users WHERE id = ?1)";
        assert_eq!(database.execute(sql, [account]).unwrap(), 1);
    };
    move_to(to);
    let answer = check(&server, authorise(&alice, &token)).await;
    assert_ne!(answer.code, Code::Ok);
    assert_eq!(answer.body.username, None);
    // The control: the row as the server wrote it.
    move_to(from);
    let answer = check(&server, authorise(&alice, &token)).await;
    assert_eq!(answer.body.username, Some(alice.username.clone()));
}

async fn check_from(server: &TestServer, from: Ipv4Addr, authorise: Authorise) -> Answer {
    let mut connection = RawConnection::open_from(from, server.server().address()).await;
    connection.send_payload(Command::Authorise(authorise).to_json().expose()).await;
    connection.answer().await.unwrap()
}

#[tokio::test]
async fn a_token_from_another_address_is_refused() {
    let elsewhere = Ipv4Addr::new(127, 0, 0, 9);
    for (binding, expected) in [
        (AddressBinding::Exact, Code::SignedOut),
        (AddressBinding::Prefix, Code::Ok),
        (AddressBinding::Off, Code::Ok),
    ] {
        let (server, alice, token) =
            signed_in_with(move |config| config.auth.session_address = binding).await;
        let answer = check_from(&server, elsewhere, authorise(&alice, &token)).await;
        assert_eq!(answer.code, expected, "{binding:?}");
    }
}

#[tokio::test]
async fn a_token_of_another_server_is_refused() {
    let (server, alice, _) = signed_in().await;
    let (_other, _, foreign) = signed_in().await;
    assert_eq!(said(&check(&server, authorise(&alice, &foreign)).await), UNAUTHORISED);
}

#[tokio::test]
async fn an_expired_token_is_renewed_and_the_new_one_works() {
    let (server, alice, token) = signed_in().await;
    server.clock().advance_ms(HOUR_MS);
    let renewed = check(&server, authorise(&alice, &token)).await;
    assert_eq!(said(&renewed), ("renew", Code::Ok));
    let new = renewed.body.token.unwrap();
    assert_ne!(new.expose(), token.expose());
    assert_eq!(said(&check(&server, authorise(&alice, &new)).await), ("authorized", Code::Ok));
    let row = server.last_row().await;
    assert_eq!((row.action.as_str(), row.success), ("renew_token", true));
    assert!(!row.detail.contains(token.expose()) && !row.detail.contains(new.expose()));
}

#[tokio::test]
async fn a_lost_renewal_is_sent_again_for_thirty_seconds() {
    let (server, alice, token) = signed_in().await;
    server.clock().advance_ms(HOUR_MS);
    let first = check(&server, authorise(&alice, &token)).await.body.token.unwrap();
    server.clock().advance_ms(30_000);
    let again = check(&server, authorise(&alice, &token)).await;
    assert_eq!(said(&again), ("renew", Code::Ok));
    assert_eq!(again.body.token.unwrap().expose(), first.expose());
}

#[tokio::test]
async fn a_renewed_token_that_comes_back_ends_its_family() {
    let (server, alice, token) = signed_in().await;
    let other = {
        server.clock().advance_ms(60_000);
        log_in(&server, &alice).await
    };
    server.clock().advance_ms(HOUR_MS);
    let new = check(&server, authorise(&alice, &token)).await.body.token.unwrap();
    server.clock().advance_ms(30_001);
    assert_eq!(said(&check(&server, authorise(&alice, &token)).await), UNAUTHORISED);
    let row = server.last_row().await;
    assert_eq!((row.action.as_str(), row.success), ("renew_token", false));
    assert!(row.detail.contains(" reused "), "{}", row.detail);
    assert_eq!(said(&check(&server, authorise(&alice, &new)).await), UNAUTHORISED);
    // Another login of the same account is another family.
    assert_eq!(check(&server, authorise(&alice, &other)).await.code, Code::Ok);
}

#[tokio::test]
async fn a_session_ends_after_a_day_however_often_it_is_renewed() {
    let (server, alice, mut token) = signed_in().await;
    for _ in 0..23 {
        server.clock().advance_ms(HOUR_MS);
        let renewed = check(&server, authorise(&alice, &token)).await;
        assert_eq!(said(&renewed), ("renew", Code::Ok));
        token = renewed.body.token.unwrap();
    }
    server.clock().advance_ms(HOUR_MS - 1);
    assert_eq!(check(&server, authorise(&alice, &token)).await.code, Code::Ok);
    server.clock().advance_ms(1);
    assert_eq!(said(&check(&server, authorise(&alice, &token)).await), UNAUTHORISED);
}

#[tokio::test]
async fn parallel_renewals_make_one_successor() {
    let (server, alice, token) = signed_in().await;
    server.clock().advance_ms(HOUR_MS);
    let mut racers = JoinSet::new();
    for _ in 0..20 {
        let (client, renew) = (server.client(), Command::Authorise(authorise(&alice, &token)));
        racers.spawn(async move { client.send_once(renew).await.unwrap().body.token.unwrap() });
    }
    let tokens = racers.join_all().await;
    assert!(tokens.iter().all(|new| new.expose() == tokens[0].expose()));
    let store = server.server().store();
    let account = store.user(&alice.username).await.unwrap().unwrap().id;
    assert_eq!(store.sessions_of(account, server.now()).await, Ok(1));
}

#[tokio::test]
async fn a_user_ends_a_session() {
    let (server, alice, token) = signed_in().await;
    let end = async |end: EndSession| {
        server.client().send_once(Command::EndSession(end.device(alice.mac))).await
    };
    let answer = end(EndSession::new(token.clone())).await.unwrap();
    assert_eq!(said(&answer), ("Session ended.", Code::Ok));
    assert_eq!(said(&check(&server, authorise(&alice, &token)).await), UNAUTHORISED);
    assert_eq!(end(EndSession::new(token)).await.unwrap().code, Code::SignedOut);
}

#[tokio::test]
async fn a_user_lists_sessions_and_ends_another_one_or_all() {
    let (server, alice, first) = signed_in().await;
    server.clock().advance_ms(60_000);
    let second = log_in(&server, &alice).await;
    let list = Command::ListSessions(ListSessions::new(second.clone()).device(alice.mac));
    let rows = server.client().send_once(list.clone()).await.unwrap().body.sessions.unwrap();
    assert_eq!(rows.iter().map(|row| row.current).collect::<Vec<_>>(), [false, true]);
    assert_eq!(rows[0].peer, "127.0.0.1");
    assert_eq!(rows[0].mac.as_deref(), Some(alice.mac.to_string().as_str()));

    let end = async |end: EndSession| {
        server.client().send_once(Command::EndSession(end.device(alice.mac))).await
    };
    let unknown = EndSession::new(second.clone()).session("0".repeat(32));
    assert_eq!(end(unknown).await.unwrap().code, Code::NoSuchSession);
    let other = EndSession::new(second.clone()).session(rows[0].id.clone());
    assert_eq!(end(other).await.unwrap().code, Code::Ok);
    assert_eq!(said(&check(&server, authorise(&alice, &first)).await), UNAUTHORISED);
    assert_eq!(check(&server, authorise(&alice, &second)).await.code, Code::Ok);

    assert_eq!(end(EndSession::new(second.clone()).all()).await.unwrap().code, Code::Ok);
    assert_eq!(said(&check(&server, authorise(&alice, &second)).await), UNAUTHORISED);
}

#[tokio::test]
async fn a_session_of_another_account_is_not_ended() {
    let (server, alice, token) = signed_in().await;
    let bob = server.enrol("bob", "obama.jpg").await;
    let of_bob = log_in(&server, &bob).await;
    let list = Command::ListSessions(ListSessions::new(token.clone()).device(alice.mac));
    let rows = server.client().send_once(list).await.unwrap().body.sessions.unwrap();
    let end = EndSession::new(of_bob).session(rows[0].id.clone()).device(bob.mac);
    let answer = server.client().send_once(Command::EndSession(end)).await.unwrap();
    assert_eq!(answer.code, Code::NoSuchSession);
    assert_eq!(check(&server, authorise(&alice, &token)).await.code, Code::Ok);
}

#[tokio::test]
async fn a_token_bound_to_a_key_is_of_no_use_without_it() {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let laptop = Arc::new(Identity::from_seed(Secret::new([7; 32])));
    let login = alice.login(server.now()).with(|login| login.device_pubkey = Some(laptop.key()));
    let device: Client = server.client().with_identity(Arc::clone(&laptop));
    let token = device.send_once(Command::Login(login)).await.unwrap().body.token.unwrap();

    let stolen = check(&server, authorise(&alice, &token)).await;
    assert_eq!(said(&stolen), UNAUTHORISED);
    let mut connection = device.connect().await.unwrap();
    let _noted = connection.prove_device(&laptop, &alice.username, alice.mac).await.unwrap();
    let answer = connection.send(Command::Authorise(authorise(&alice, &token))).await.unwrap();
    assert_eq!((said(&answer), answer.body.level), (("authorized", Code::Ok), Some(Level::Four)));

    // The key of another device proves nothing here.
    let thief = Identity::from_seed(Secret::new([8; 32]));
    let mut connection = server.client().connect().await.unwrap();
    let _noted = connection.prove_device(&thief, &alice.username, alice.mac).await.unwrap();
    let answer = connection.send(Command::Authorise(authorise(&alice, &token))).await.unwrap();
    assert_eq!(said(&answer), UNAUTHORISED);
}

#[tokio::test]
async fn a_service_asks_for_a_level() {
    let (server, alice, token) = signed_in().await;
    let answer = check(&server, authorise(&alice, &token).level(Level::Three)).await;
    assert_eq!(answer.code, Code::MoreNeeded);
    assert_eq!(answer.body.missing, Some(vec![Method::DeviceKey]));
    assert_eq!(check(&server, authorise(&alice, &token).level(Level::Two)).await.code, Code::Ok);
}

#[tokio::test]
async fn a_restart_ends_no_session_and_a_new_password_does() {
    let (server, mut alice, token) = signed_in().await;
    let folder = server.stop().await;
    let server = TestServer::start_in(folder, |_| {}).await;
    assert_eq!(check(&server, authorise(&alice, &token)).await.code, Code::Ok);

    server.clock().advance_ms(60_000);
    let recover = alice.recover_password("amber-Fox-17", server.now());
    let answer = server.client().send_once(Command::RecoverPassword(recover)).await.unwrap();
    assert_eq!(answer.code, Code::Ok);
    alice.password = Secret::new("amber-Fox-17".into());
    assert_eq!(said(&check(&server, authorise(&alice, &token)).await), UNAUTHORISED);
}

#[tokio::test]
async fn the_last_use_of_a_session_is_written_behind() {
    let (server, alice, token) = signed_in().await;
    let store = server.server().store();
    let account = store.user(&alice.username).await.unwrap().unwrap().id;
    let opened = server.now();
    server.clock().advance_ms(120_000);
    assert_eq!(check(&server, authorise(&alice, &token)).await.code, Code::Ok);
    assert_eq!(store.sessions(account, server.now()).await.unwrap()[0].last_seen, opened);
    store.write_last_uses().await.unwrap();
    let seen = store.sessions(account, server.now()).await.unwrap()[0].last_seen;
    assert_eq!(seen, opened.saturating_add_ms(120_000));
}

#[tokio::test]
async fn an_expired_token_still_ends_its_session() {
    let (server, alice, token) = signed_in().await;
    server.clock().advance_ms(HOUR_MS);
    let end = Command::EndSession(EndSession::new(token.clone()).device(alice.mac));
    assert_eq!(server.client().send_once(end).await.unwrap().code, Code::Ok);
    assert_eq!(said(&check(&server, authorise(&alice, &token)).await), UNAUTHORISED);
}

#[tokio::test]
async fn a_high_level_does_not_hide_the_return_of_a_token() {
    let (server, alice, token) = signed_in().await;
    server.clock().advance_ms(HOUR_MS);
    let new = check(&server, authorise(&alice, &token)).await.body.token.unwrap();
    server.clock().advance_ms(30_001);
    let probe = authorise(&alice, &token).level(Level::Four);
    assert_eq!(said(&check(&server, probe).await), UNAUTHORISED);
    assert_eq!(said(&check(&server, authorise(&alice, &new)).await), UNAUTHORISED);
}

#[tokio::test]
async fn unknown_sessions_are_counted_and_leave_no_rows() {
    let (server, alice, token) = signed_in().await;
    let rows = server.audit().await.len();
    for _ in 0..3 {
        let end = EndSession::new(token.clone()).device(alice.mac).session("0".repeat(32));
        let answer = server.client().send_once(Command::EndSession(end)).await.unwrap();
        assert_eq!(answer.code, Code::NoSuchSession);
    }
    assert_eq!(server.audit().await.len(), rows);
    let later = server.now().saturating_add_ms(60_000);
    assert_eq!(server.server().store().conclude_refusals(later).await, Ok(1));
    assert!(server.last_row().await.detail.contains("command=end_session count=3"));
}

#[tokio::test]
async fn the_row_of_an_end_names_the_session_that_ended() {
    let (server, alice, _) = signed_in().await;
    server.clock().advance_ms(60_000);
    let second = log_in(&server, &alice).await;
    let list = Command::ListSessions(ListSessions::new(second.clone()).device(alice.mac));
    let rows = server.client().send_once(list).await.unwrap().body.sessions.unwrap();
    let end = EndSession::new(second).device(alice.mac).session(rows[0].id.clone());
    assert_eq!(server.client().send_once(Command::EndSession(end)).await.unwrap().code, Code::Ok);
    let expected = format!("session={} by_session={}", rows[0].id, rows[1].id);
    let detail = server.last_row().await.detail;
    assert!(detail.contains(&expected), "{detail}");
}
