//! What a start makes of checkpoints: those in its database, and those that got out.

use clap::Parser;
use fourauth_audit::{
    VerifyingKey,
    checkpoint::{Checkpoint, parse_all},
};
use fourauth_config::Config;
use fourauth_server::{
    local::audit::AuditCommand,
    server::{Server, TimeSource},
};
use fourauth_tests::{
    models,
    server::{NOON, TestServer, quick},
};
use fourauth_timekeeper::ManualClock;
use rusqlite::{Connection, params};
use std::{fs, path::PathBuf, sync::Arc};
use tempfile::TempDir;

/// `fourauthd audit`.
#[derive(Parser)]
struct Line {
    #[command(flatten)]
    audit: AuditCommand,
}

/// A server that somebody has used, stopped.
async fn used() -> (TempDir, Config) {
    let server = TestServer::start().await;
    server.enrol("ada", "obama.jpg").await;
    let folder = server.stop().await;
    let config = quick(folder.path());
    (folder, config)
}

fn file(config: &Config) -> PathBuf {
    config.data_dir.join("fourauth.db")
}

fn database(config: &Config) -> Connection {
    Connection::open(file(config)).unwrap()
}

fn key(config: &Config) -> VerifyingKey {
    let vkey = fs::read_to_string(config.audit_dir().join("log.vkey")).unwrap();
    VerifyingKey::parse(vkey.trim()).unwrap()
}

/// What was exported. All of it is signed.
fn exported(config: &Config) -> Vec<Checkpoint> {
    let text = fs::read_to_string(config.audit_dir().join("checkpoints.log")).unwrap();
    let (notes, is_torn) = parse_all(&text);
    assert!(!is_torn);
    notes.iter().map(|note| Checkpoint::open(note, &key(config)).unwrap()).collect()
}

#[tokio::test]
async fn a_checkpoint_that_somebody_wrote_into_the_database_keeps_nothing_from_being_signed() {
    for forgery in [
        "INSERT INTO audit_checkpoint (size, ts_utc, epoch, note)
         SELECT 1000000, ts_utc, epoch, note FROM audit_checkpoint ORDER BY size DESC LIMIT 1",
        "INSERT INTO audit_checkpoint (size, ts_utc, epoch, note)
         SELECT 1000000, ts_utc, epoch, replace(note, char(10) || size || char(10),
             char(10) || '1000000' || char(10)) FROM audit_checkpoint ORDER BY size DESC LIMIT 1",
        "INSERT INTO audit_checkpoint VALUES (1000000, '2026-01-01T00:00:00Z', 0, 'x')",
    ] {
        let (folder, config) = used().await;
        let made = database(&config).execute(forgery, []).unwrap();
        assert_eq!(made, 1);
        let server = TestServer::start_in(folder, |_| {}).await;
        server.enrol("bob", "obama.jpg").await;
        let size = server.server().store().tree_size().await.unwrap();
        let _folder = server.stop().await;
        let newest = exported(&config).pop().unwrap();
        // The row of the stop is the last one, and it is signed as well.
        assert_eq!(newest.size, size + 1, "{forgery}");
    }
}

/// Lets the server live on for a while, and puts the database of before in its place.
async fn set_back(folder: TempDir, config: &Config, name: &str) -> TempDir {
    let before = fs::read(file(config)).unwrap();
    let server = TestServer::start_in(folder, |_| {}).await;
    server.enrol(name, "obama.jpg").await;
    let folder = server.stop().await;
    fs::write(file(config), before).unwrap();
    folder
}

/// What the server says that does not start; nothing if it does.
async fn refusal(config: &Config) -> Option<String> {
    let clock = TimeSource::Given(Arc::new(ManualClock::at(NOON)));
    match Server::start(config, models::engine(), clock, NOON).await {
        Ok(server) => {
            server.stop().await;
            None
        }
        Err(error) => Some(format!("{error:#}")),
    }
}

async fn accept_rollback(config: &Config) {
    let line = Line::parse_from(["audit", "accept-rollback", "--yes"]);
    line.audit.run(config, NOON).await.unwrap();
}

#[tokio::test]
async fn what_was_exported_is_given_up_only_by_a_row_that_says_so() {
    let (folder, config) = used().await;
    let _folder = set_back(folder, &config, "bob").await;
    let behind = |refusal: Option<String>| refusal.is_some_and(|text| text.contains("was signed"));
    assert!(behind(refusal(&config).await));

    let newest = fs::read_to_string(config.audit_dir().join("checkpoints.log")).unwrap();
    let newest = parse_all(&newest).0.pop().unwrap();
    let size = i64::try_from(exported(&config).pop().unwrap().size).unwrap();
    let connection = database(&config);
    let no_row = "INSERT INTO audit_rollback (size, note, log_id) VALUES (?1, ?2, ?3)";
    for row in [1, 1_000_000] {
        connection.execute("DELETE FROM audit_rollback", []).unwrap();
        connection.execute(no_row, params![size, newest, row]).unwrap();
        assert!(behind(refusal(&config).await), "by row {row}");
    }
    // What somebody put there keeps nobody from saying so.
    drop(connection);
    accept_rollback(&config).await;
    assert_eq!(refusal(&config).await, None);
}

#[tokio::test]
async fn whoever_sets_a_database_back_again_and_again_has_to_give_up_each_history() {
    let (mut folder, config) = used().await;
    for name in ["bob", "carol", "dave"] {
        folder = set_back(folder, &config, name).await;
        assert!(refusal(&config).await.is_some());
        let before = fs::read(file(&config)).unwrap();
        accept_rollback(&config).await;
        assert_eq!(refusal(&config).await, None, "{name}");
        // Not even the row that gave it up is there any more.
        fs::write(file(&config), before).unwrap();
        accept_rollback(&config).await;
    }
    assert_eq!(refusal(&config).await, None);
}
