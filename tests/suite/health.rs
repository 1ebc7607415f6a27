//! The health of a running server, and what `fourauthd healthcheck` says about it.

use fourauth_config::Config;
use fourauth_protocol::{code::Code, command::Command, device::DeviceName, request_id::RequestId};
use fourauth_server::{
    certificate::development,
    health::{Condition, Health, Subject},
};
use fourauth_store::{ClockReport, Error, Event, EventContext, EventDevice, Notice, Recipient};
use fourauth_tests::{
    postgres,
    server::{NOON, TestServer, quick},
    with::With as _,
};
use fourauth_timekeeper::State;
use fourauthd::command::healthcheck;
use futures_util::future::join_all;
use sqlx::{Connection as _, Executor as _, PgConnection};
use std::{fs, sync::Arc, time::Duration};
use tokio::time::Instant;

const DAY_MS: i64 = 86_400_000;

/// The validity of the certificate that a first run makes.
const VALID_DAYS: i64 = 825;

/// The health after the last shared result is out of date.
async fn health(server: &TestServer) -> Arc<Health> {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(2)).await;
    tokio::time::resume();
    server.server().health().await
}

/// The word of a condition, and its words.
fn told(health: &Health, subject: Subject) -> (&'static str, String) {
    let condition = health.condition(subject).unwrap();
    (condition.word(), condition.words().unwrap_or_default().to_owned())
}

/// The configuration that a local command finds.
fn config_of(server: &TestServer) -> Config {
    let listen = server.server().address();
    quick(server.folder()).with(|config| config.listen = listen)
}

#[tokio::test]
async fn a_new_server_is_ready() {
    let server = TestServer::start().await;
    let health = server.server().health().await;
    assert!(health.is_ready());
    for subject in [Subject::Database, Subject::Clock, Subject::Certificate, Subject::Outbox] {
        assert_eq!(health.condition(subject), Some(&Condition::Ok), "{subject:?}");
    }
    assert_eq!(health.checks().len(), 6);
}

#[tokio::test]
async fn a_certificate_is_told_before_it_ends_and_when_it_has() {
    let server = TestServer::start().await;
    for (days, word, is_ready) in [
        (VALID_DAYS - 15, "ok", true),
        (VALID_DAYS - 13, "warning", true),
        (VALID_DAYS + 1, "failing", false),
        (-2, "failing", false),
    ] {
        server.clock().set(NOON.saturating_add_ms(days * DAY_MS));
        let health = health(&server).await;
        let (said, words) = told(&health, Subject::Certificate);
        assert_eq!((said, health.is_ready()), (word, is_ready), "{days}: {words}");
        assert_eq!(words.contains("tls/cert.pem"), word != "ok", "{words}");
    }
}

#[tokio::test]
async fn a_denied_time_ends_readiness_and_a_local_one_does_not() {
    let server = TestServer::start().await;
    for (state, word, is_ready) in [
        (State::Holdover, "warning", true),
        (State::Local, "warning", true),
        (State::Denied, "failing", false),
        (State::Synced, "ok", true),
    ] {
        server.clock().set_state(state);
        let health = health(&server).await;
        assert_eq!((told(&health, Subject::Clock).0, health.is_ready()), (word, is_ready));
    }
}

#[tokio::test]
async fn a_database_that_hangs_is_failing_within_two_seconds() {
    let url = postgres::cluster().database().await;
    let store_url = url.parse().ok();
    let server = TestServer::configured(|config| config.store.url = store_url).await;
    let mut other = PgConnection::connect(&url).await.unwrap();
    let mut lock = other.begin().await.unwrap();
    lock.execute("LOCK TABLE audit_tree IN ACCESS EXCLUSIVE MODE").await.unwrap();

    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(2)).await;
    tokio::time::resume();
    let asked = Instant::now();
    let found = server.server().health().await;
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    let (word, words) = told(&found, Subject::Database);
    assert!(word == "failing" && words.contains("no answer within 2 s"), "{words}");
    assert!(!found.is_ready());

    lock.rollback().await.unwrap();
    assert!(health(&server).await.is_ready());
}

#[tokio::test]
async fn a_failed_write_is_told_until_another_succeeds() {
    let server = TestServer::start().await;
    let database = server.folder().join("data/fourauth.db");
    let other = rusqlite::Connection::open(database).unwrap();
    // The server may be writing, and goes on only while this task does not block its thread.
    other.busy_timeout(Duration::ZERO).unwrap();
    while other.execute_batch("BEGIN IMMEDIATE").is_err() {
        tokio::task::yield_now().await;
    }
    let register = Command::Register(server.registration("alice", "obama.jpg"));
    assert_eq!(server.client().send_once(register).await.unwrap().code, Code::Unavailable);
    let found = health(&server).await;
    let (word, words) = told(&found, Subject::Database);
    assert!(word == "failing" && words.contains("a write failed"), "{words}");
    assert!(!found.is_ready());

    other.execute_batch("ROLLBACK").unwrap();
    server.enrol("alice", "obama.jpg").await;
    let found = health(&server).await;
    let (word, words) = told(&found, Subject::Database);
    assert!(word == "warning" && words.contains("it is busy"), "{words}");
    assert!(found.is_ready());
}

#[tokio::test]
async fn many_that_ask_share_one_check() {
    let server = TestServer::start().await;
    health(&server).await;
    let before = server.server().store().statements();
    let answers = join_all((0..200).map(|_| server.server().health())).await;
    let statements = server.server().store().statements() - before;
    assert!(statements < 20, "{statements} statements for 200 answers");
    assert!(answers.iter().all(|answer| Arc::ptr_eq(answer, &answers[0])));
    // Control: a later one is checked again.
    assert!(!Arc::ptr_eq(&health(&server).await, &answers[0]));
}

#[tokio::test]
async fn a_notice_that_was_given_up_is_a_warning() {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let store = server.server().store();
    let account = store.user(&alice.username).await.unwrap().unwrap().id;
    let context = EventContext {
        username: alice.username,
        peer: [192, 0, 2, 7].into(),
        via: None,
        device: EventDevice::Address,
        request: RequestId::new(NOON, [7; 10]),
        at: NOON,
        settles: None,
    };
    let event = Event::DeviceBound { name: DeviceName::parse("laptop").unwrap() };
    let notice = Notice { account, recipient: Recipient::Owner, event, context };
    let given_up: Result<(), Error> = store
        .write(move |tx| {
            Box::pin(async move {
                tx.notify(&notice).await?;
                tx.not_delivered(1, 0, "rejected", None).await
            })
        })
        .await;
    given_up.unwrap();
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(16)).await;
    tokio::time::resume();
    // The first one counts, and the next one knows.
    server.server().health().await;
    let health = health(&server).await;
    let (word, words) = told(&health, Subject::Outbox);
    assert!(word == "warning" && words.contains("fourauthd outbox list"), "{words}");
    assert!(health.is_ready());
}

#[tokio::test]
async fn the_health_check_fails_with_an_expired_certificate() {
    let server = TestServer::start().await;
    let config = config_of(&server);
    healthcheck::run(&config, NOON).await.unwrap();
    server.clock().advance_ms((VALID_DAYS + 1) * DAY_MS);
    let refusal = healthcheck::run(&config, NOON).await.unwrap_err().to_string();
    assert!(refusal.starts_with("certificate: ") && refusal.contains("has expired"), "{refusal}");
}

#[tokio::test]
async fn the_health_check_fails_without_the_database() {
    let server = TestServer::start().await;
    let mut config = config_of(&server);
    healthcheck::run(&config, NOON).await.unwrap();
    // As after a PostgreSQL server was stopped: nothing listens in an empty folder.
    let empty = server.folder().display();
    config.store.url = format!("postgres://fourauth@localhost/x?host={empty}").parse().ok();
    let refusal = healthcheck::run(&config, NOON).await.unwrap_err().to_string();
    assert!(refusal.starts_with("database: the database cannot be used"), "{refusal}");
}

#[tokio::test]
async fn the_health_check_names_a_certificate_not_reloaded() {
    let server = TestServer::start().await;
    let config = config_of(&server);
    let made = development(&[], time::OffsetDateTime::UNIX_EPOCH).unwrap();
    let [chain, key] = [config.certificate_file(), config.private_key_file()];
    fs::write(chain, made.certificate).unwrap();
    fs::write(key, made.private_key).unwrap();
    let refusal = healthcheck::run(&config, NOON).await.unwrap_err().to_string();
    assert!(refusal.contains("send SIGHUP"), "{refusal}");
    server.server().reload_certificate().await;
    let refusal = healthcheck::run(&config, NOON).await.unwrap_err().to_string();
    assert!(refusal.contains("has expired"), "the control: {refusal}");
}

#[tokio::test]
async fn the_health_check_fails_if_the_database_takes_no_write() {
    let server = TestServer::start().await;
    let config = config_of(&server);
    healthcheck::run(&config, NOON).await.unwrap();
    let other = rusqlite::Connection::open(server.folder().join("data/fourauth.db")).unwrap();
    // As a full disk does: each write fails, and each read works.
    let full = "CREATE TRIGGER full BEFORE UPDATE ON server_run \
                BEGIN SELECT RAISE(ABORT, 'no room'); END";
    other.execute_batch(full).unwrap();
    let refusal = healthcheck::run(&config, NOON).await.unwrap_err().to_string();
    assert!(refusal.starts_with("database: cannot write"), "{refusal}");
    other.execute_batch("DROP TRIGGER full").unwrap();
    healthcheck::run(&config, NOON).await.unwrap();
}

#[tokio::test]
async fn the_health_check_says_when_the_server_wrote_last() {
    let server = TestServer::start().await;
    let config = config_of(&server);
    let report = ClockReport {
        node: "self".to_owned(),
        running: true,
        state: "synced".to_owned(),
        error_ms: 1,
        vouched: None,
        agreeing: 3,
        asked: 4,
        barred: false,
        offer_ms: None,
        alarm: None,
        updated: NOON,
    };
    let written: Result<(), Error> = server
        .server()
        .store()
        .write(move |tx| Box::pin(async move { tx.report_clock(&report).await }))
        .await;
    written.unwrap();
    let at = |minutes: i64| NOON.saturating_add_ms(minutes * 60_000);
    healthcheck::run(&config, at(2)).await.unwrap();
    let refusal = healthcheck::run(&config, at(5)).await.unwrap_err().to_string();
    assert!(refusal.contains("last write was at") && refusal.contains("5 min ago"), "{refusal}");
}
