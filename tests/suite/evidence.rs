//! What a start does with the checkpoints in its database and with exported ones.

mod rewritten;

use clap::Parser;
use fourauth_audit::{
    VerifyingKey,
    checkpoint::{Checkpoint, parse_all},
};
use fourauth_audit_verify::{Options, verify};
use fourauth_config::Config;
use fourauth_server::server::{Server, TimeSource};
use fourauth_tests::{
    models,
    server::{NOON, TestServer, quick},
};
use fourauth_timekeeper::ManualClock;
use fourauthd::command::audit::AuditCommand;
use rusqlite::{Connection, params};
use std::{fs, path::PathBuf, sync::Arc};
use tempfile::TempDir;

/// `fourauthd audit`.
#[derive(Parser)]
struct Line {
    #[command(flatten)]
    audit: AuditCommand,
}

/// A server that was used and has stopped.
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

/// The exported checkpoints, each with its signature checked.
fn exported(config: &Config) -> Vec<Checkpoint> {
    let text = fs::read_to_string(config.audit_dir().join("checkpoints.log")).unwrap();
    let (notes, is_torn) = parse_all(&text);
    assert!(!is_torn);
    notes.iter().map(|note| Checkpoint::open(note, &key(config)).unwrap()).collect()
}

#[tokio::test]
async fn a_forged_checkpoint_does_not_stop_signing() {
    for forgery in [
        "INSERT INTO audit_checkpoint (size, ts_utc, epoch, note)
         SELECT 1000000, ts_utc, epoch, note FROM audit_checkpoint ORDER BY size DESC LIMIT 1",
        "INSERT INTO audit_checkpoint (size, ts_utc, epoch, note)
         SELECT 1000000, ts_utc, epoch, replace(note, char(10) || size || char(10),
             char(10) || '1000000' || char(10)) FROM audit_checkpoint ORDER BY size DESC LIMIT 1",
        "INSERT INTO audit_checkpoint VALUES (1000000, '2026-01-01T00:00:00Z', 0, 'x')",
        "INSERT INTO audit_checkpoint VALUES (1000000, x'00', 'y', x'01')",
        "INSERT INTO audit_checkpoint VALUES ('many', 1, 'y', 2)",
    ] {
        let (folder, config) = used().await;
        let made = database(&config).execute(forgery, []).unwrap();
        assert_eq!(made, 1);
        let server = TestServer::start_in(folder, |_| {}).await;
        server.enrol("bob", "obama.jpg").await;
        let size = server.server().store().tree_size().await.unwrap();
        let _folder = server.stop().await;
        let newest = exported(&config).pop().unwrap();
        // The row of the shutdown is the last one, and it is signed too.
        assert_eq!(newest.size, size + 1, "{forgery}");
    }
}

/// Runs the server for a while, then restores the earlier database.
async fn set_back(folder: TempDir, config: &Config, name: &str) -> TempDir {
    let before = fs::read(file(config)).unwrap();
    let server = TestServer::start_in(folder, |_| {}).await;
    server.enrol(name, "obama.jpg").await;
    let folder = server.stop().await;
    fs::write(file(config), before).unwrap();
    folder
}

/// The error that prevents the start, or `None` if the server starts.
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
async fn a_rollback_needs_an_audit_row() {
    let (folder, config) = used().await;
    let _folder = set_back(folder, &config, "bob").await;
    let behind =
        |refusal: Option<String>| refusal.is_some_and(|text| text.contains("older than its"));
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
    // A forged entry does not prevent an accepted rollback.
    drop(connection);
    accept_rollback(&config).await;
    assert_eq!(refusal(&config).await, None);
}

#[tokio::test]
async fn a_loss_known_to_a_collector_is_accepted_later() {
    let (folder, config) = used().await;
    let folder = set_back(folder, &config, "bob").await;
    // What a collector elsewhere has. This machine has lost its own copies.
    let collected = folder.path().join("collected.log");
    fs::rename(config.audit_dir().join("checkpoints.log"), &collected).unwrap();
    for name in ["last-signed", "sinks-read"] {
        fs::remove_file(config.audit_dir().join(name)).unwrap();
    }
    let size = {
        let text = fs::read_to_string(&collected).unwrap();
        let newest = parse_all(&text).0.pop().unwrap();
        Checkpoint::open(&newest, &key(&config)).unwrap().size
    };
    let accept = async |words: &[&str]| {
        let words = ["audit", "accept-rollback", "--yes"].iter().chain(words).copied();
        Line::parse_from(words).audit.run(&config, NOON).await
    };
    let nothing = accept(&[]).await.unwrap_err().to_string();
    assert!(nothing.contains("has everything that was signed"), "{nothing}");
    let empty = folder.path().join("empty.log");
    fs::write(&empty, "").unwrap();
    let refused = accept(&["--checkpoints", empty.to_str().unwrap()]).await.unwrap_err();
    assert!(refused.to_string().contains("holds no checkpoint of this log"), "{refused}");

    let before = fs::read(&collected).unwrap();
    accept(&["--checkpoints", collected.to_str().unwrap()]).await.unwrap();
    assert_eq!(fs::read(&collected).unwrap(), before, "nothing is sent to the file");
    assert_eq!(refusal(&config).await, None);
    let mut options = Options::new(key(&config));
    options.checkpoints.push(collected);
    options.accepted.insert(size);
    let report = verify(&file(&config), &options).unwrap();
    assert!(report.is_proved(), "{report}");
}

#[tokio::test]
async fn every_rollback_must_be_accepted_separately() {
    let (mut folder, config) = used().await;
    for name in ["bob", "carol", "dave"] {
        folder = set_back(folder, &config, name).await;
        assert!(refusal(&config).await.is_some());
        let before = fs::read(file(&config)).unwrap();
        accept_rollback(&config).await;
        assert_eq!(refusal(&config).await, None, "{name}");
        // The database is set back to before the row that accepted the rollback.
        fs::write(file(&config), before).unwrap();
        accept_rollback(&config).await;
    }
    assert_eq!(refusal(&config).await, None);
}
