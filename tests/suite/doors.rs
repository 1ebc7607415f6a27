//! Accounts that lack a factor, the doors that commands come through, and levels.

use fourauth_auth::{
    attempt::Audited,
    authenticator::Work,
    command::LoggedIn,
    decision::Denial,
    origin::Origin,
    policy::{Door, Factor},
    received::Received,
};
use fourauth_protocol::{
    code::Code, command::Login, level::Level, receipt::Method, request_id::RequestId,
    secret::Secret, username::Username,
};
use fourauth_store::Enrolled;
use fourauth_tests::{persona::Persona, server::TestServer, with::With as _};
use sqlx::{Connection as _, Executor as _, SqliteConnection};

const DOORS: [Door; 4] = [Door::Native, Door::Web, Door::Http, Door::Text];

/// Takes factors from an account in the database of a server.
async fn keep_only(server: &TestServer, account: Enrolled) {
    let path = server.folder().join("data/fourauth.db");
    let mut database = SqliteConnection::connect(&path.to_string_lossy()).await.unwrap();
    let flags = sqlx::query("UPDATE users SET has_totp = $1, has_face = $2, has_device = $3")
        .bind(account.totp)
        .bind(account.face)
        .bind(account.device);
    database.execute(flags).await.unwrap();
    server.own_rows().await;
}

/// A login through a door, and the work that it caused.
async fn through(door: Door, server: &TestServer, login: Login) -> (Audited<LoggedIn>, Work) {
    let context = server.server().context();
    let at = context.clock.read();
    let received = Received {
        id: RequestId::new(at.now, [7; 10]),
        at,
        door,
        origin: Origin::connected("192.0.2.7".parse().unwrap()),
        is_shared_address: false,
        connection: None,
        exporter: None,
        device: None,
        penalty_ms: None,
    };
    let before = context.authenticator.work();
    let audited = context.authenticator.login(received, login).await.unwrap();
    let after = context.authenticator.work();
    let work = Work {
        hashes: after.hashes - before.hashes,
        pictures: after.pictures - before.pictures,
        statements: after.statements - before.statements,
    };
    (audited, work)
}

fn only_a_password(alice: &Persona, server: &TestServer) -> Login {
    let login = alice.login(server.now());
    Login::new(login.username, login.password)
}

#[tokio::test]
async fn a_password_alone_opens_only_an_account_without_codes() {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    for (account, door, granted) in [
        (Enrolled::ALL, Door::Http, false),
        (Enrolled::PASSWORD, Door::Http, true),
        (Enrolled::PASSWORD, Door::Native, false),
        (Enrolled::PASSWORD, Door::Web, false),
        (Enrolled::PASSWORD, Door::Text, false),
    ] {
        keep_only(&server, account).await;
        let (audited, _) = through(door, &server, only_a_password(&alice, &server)).await;
        assert_eq!(audited.outcome().is_ok(), granted, "{account:?} {door:?}");
    }
}

#[tokio::test]
async fn a_factor_that_an_account_lacks_matches_nothing() {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    for (account, denial) in [
        (Enrolled { totp: false, ..Enrolled::ALL }, Denial::Totp),
        (Enrolled { face: false, ..Enrolled::ALL }, Denial::Face(None)),
        (Enrolled { device: false, ..Enrolled::ALL }, Denial::Device),
    ] {
        keep_only(&server, account).await;
        let (audited, _) = through(Door::Native, &server, alice.login(server.now())).await;
        assert_eq!(audited.outcome().unwrap_err(), denial, "{account:?}");
    }
    // Control: with every factor the same login is granted.
    keep_only(&server, Enrolled::ALL).await;
    let (audited, _) = through(Door::Native, &server, alice.login(server.now())).await;
    assert!(audited.outcome().is_ok());
}

#[tokio::test]
async fn every_door_does_the_same_work_for_an_unknown_name() {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let nobody = Username::parse("nobody").unwrap();
    for account in [Enrolled::ALL, Enrolled::PASSWORD] {
        keep_only(&server, account).await;
        for door in DOORS {
            for whole in [alice.login(server.now()), only_a_password(&alice, &server)] {
                let wrong = whole.with(|login| login.password = Secret::new("no".into()));
                let unknown = wrong.clone().with(|login| login.username = nobody.clone());
                let (known, work) = through(door, &server, wrong).await;
                let (unknown, same) = through(door, &server, unknown).await;
                assert_eq!(work, same, "{door:?} {account:?}");
                assert_eq!(known.outcome().unwrap_err(), unknown.outcome().unwrap_err());
            }
        }
    }
}

#[tokio::test]
async fn a_login_below_the_level_asked_for_spends_nothing() {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let mut connection = server.connect().await;
    let login = alice.login(server.now());
    let refused = connection.login(login.clone().level(Level::Three)).await.unwrap();
    let refusal = refused.refused().unwrap();
    assert_eq!(refusal.code, Code::MoreNeeded);
    assert_eq!(refusal.missing, [Method::DeviceKey]);

    let granted = connection.login(login.level(Level::Two)).await.unwrap().granted().unwrap();
    assert_eq!(granted.level, Some(Level::Two));
    let rows = server.audit().await;
    assert!(rows.iter().any(|row| row.detail.starts_with("More factors needed.")));
}

#[tokio::test]
async fn what_is_missing_is_not_told_to_a_wrong_password() {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let wrong = alice.login(server.now()).level(Level::Four);
    let wrong = wrong.with(|login| login.password = Secret::new("no".into()));
    let (audited, _) = through(Door::Native, &server, wrong).await;
    assert_eq!(audited.outcome().unwrap_err(), Denial::Credentials);
    let right = alice.login(server.now()).level(Level::Four);
    let (audited, _) = through(Door::Native, &server, right).await;
    let key = [Factor::DeviceKey].into_iter().collect();
    assert_eq!(audited.outcome().unwrap_err(), Denial::MoreNeeded(key));
}
