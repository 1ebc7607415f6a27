//! What a start makes of checkpoints: those in its database, and those that got out.

use fourauth_audit::{
    VerifyingKey,
    checkpoint::{Checkpoint, parse_all},
};
use fourauth_server::config::Config;
use fourauth_tests::server::{TestServer, quick};
use rusqlite::Connection;
use std::fs;
use tempfile::TempDir;

/// A server that somebody has used, stopped.
async fn used() -> (TempDir, Config) {
    let server = TestServer::start().await;
    server.enrol("ada", "obama.jpg").await;
    let folder = server.stop().await;
    let config = quick(folder.path());
    (folder, config)
}

fn database(config: &Config) -> Connection {
    Connection::open(config.data_dir.join("fourauth.db")).unwrap()
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
        assert_eq!(newest.size, size, "{forgery}");
    }
}
