//! What a restore refuses to replace, and what it undoes only on request.

use super::{House, create, elsewhere, nowhere, refused, run, start, to_recipient};
use fourauth_config::Config;
use fourauth_store::AuditQuery;
use fourauth_tests::server::NOON;
use fourauthd::{
    backup::{BackupCommand, Restore, Unlock},
    local_store::LocalStore,
};
use std::{
    fs,
    os::unix::fs::{MetadataExt as _, chown},
};
use tempfile::TempDir;

#[tokio::test]
async fn a_restore_replaces_nothing() {
    let house = House::open().await;
    house.create("one.age").await;
    let taken = refused(&house.config, house.restore("one.age", true)).await;
    assert!(taken.contains("neither a database nor a keyring"), "{taken}");

    let (_folder, config) = elsewhere(&house.config);
    fs::create_dir_all(config.audit_dir()).unwrap();
    fs::write(config.audit_dir().join("log.vkey"), "another").unwrap();
    let foreign = refused(&config, house.restore("one.age", true)).await;
    assert!(foreign.contains("another audit log"), "{foreign}");
    fs::remove_file(config.audit_dir().join("log.vkey")).unwrap();
    let taken = ["keyring.toml", "fourauth.db-wal", "fourauth.db-journal", "fourauth.db"];
    for name in taken {
        fs::write(config.data_dir.join(name), "kept").unwrap();
        let taken = refused(&config, house.restore("one.age", true)).await;
        assert!(taken.contains(&format!("{name} is there")), "{taken}");
        fs::remove_file(config.data_dir.join(name)).unwrap();
    }
    run(&config, house.restore("one.age", false)).await.unwrap();
}

#[tokio::test]
async fn a_restore_and_a_server_exclude_each_other() {
    let house = House::open().await;
    house.create("one.age").await;
    // An operator has moved the files away without stopping the server.
    for name in ["keyring.toml", "fourauth.db", "fourauth.db-wal", "fourauth.db-shm"] {
        let path = house.config.data_dir.join(name);
        fs::rename(&path, path.with_extension("away")).unwrap();
    }
    let running = refused(&house.config, house.restore("one.age", true)).await;
    assert!(running.contains("a server runs"), "{running}");
    assert!(!house.config.keyring_file().exists());

    let (_folder, config) = nowhere();
    fs::create_dir(&config.data_dir).unwrap();
    let lock = fs::File::create(config.data_dir.join("in-use.lock")).unwrap();
    lock.lock().unwrap();
    let restoring = format!("{:#}", start(&config, NOON).await.unwrap_err());
    assert!(restoring.contains("is being restored"), "{restoring}");
    drop(lock);
    run(&config, house.restore("one.age", true)).await.unwrap();
    start(&config, NOON).await.unwrap().stop().await;
}

#[tokio::test]
async fn a_restore_behind_exported_checkpoints_needs_a_flag() {
    let house = House::open().await;
    house.create("old.age").await;
    for _ in 0..3 {
        house
            .server
            .enrol(&format!("later{}", house.server.audit().await.len()), "obama.jpg")
            .await;
    }
    let config = house.config.clone();
    let (unlock, shelf) = (house.unlock(), house.shelf);
    let folder = house.server.stop().await;

    let (_elsewhere, restored) = elsewhere(&config);
    let restore = |accept_rollback| {
        let unlock = Unlock { passphrase_file: None, identity: unlock.identity.clone() };
        let file = shelf.path().join("old.age");
        let (checkpoints, require_signature) = (Vec::new(), false);
        let restore = Restore { file, unlock, accept_rollback, checkpoints, require_signature };
        BackupCommand::Restore(restore)
    };
    let behind = refused(&restored, restore(false)).await;
    assert!(behind.contains("--accept-rollback"), "{behind}");
    assert!(!restored.keyring_file().exists());
    run(&restored, restore(true)).await.unwrap();

    let local = LocalStore::open(&restored, NOON).await.unwrap();
    let rollbacks = local.store.accepted_rollbacks().await.unwrap();
    assert_eq!(rollbacks.len(), 1);
    let query = fourauth_store::AuditQuery {
        action: Some("accept_rollback".into()),
        limit: 10,
        ..Default::default()
    };
    let rows = local.store.audit_rows(&query).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].id, rollbacks[0].row.0);
    local.store.close().await;

    // The same again, after the restored server has signed other checkpoints.
    for _ in 0..2 {
        let now = NOON.saturating_add_ms(3_600_000);
        start(&restored, now).await.unwrap().stop().await;
        for name in ["fourauth.db", "keyring.toml"] {
            fs::remove_file(restored.data_dir.join(name)).unwrap();
        }
        refused(&restored, restore(false)).await;
        run(&restored, restore(true)).await.unwrap();
    }
    start(&restored, NOON).await.unwrap().stop().await;
    drop(folder);
}

#[tokio::test]
async fn the_row_of_a_restore_names_what_was_not_read() {
    let house = House::open().await;
    house.create("one.age").await;
    let (_folder, mut config) = nowhere();
    let sinks = ["syslog+udp://127.0.0.1:9", "https://collector.example/notes"];
    config.audit.checkpoint_sinks = Some(sinks.iter().map(|sink| sink.parse().unwrap()).collect());
    run(&config, house.restore("one.age", false)).await.unwrap();
    let local = LocalStore::open(&config, NOON).await.unwrap();
    let rows = local.store.audit_rows(&AuditQuery { limit: 1, ..AuditQuery::default() }).await;
    let detail = rows.unwrap().remove(0).detail;
    let named = "not_looked_at=\"syslog+udp://127.0.0.1:9 https://collector.example/…\"";
    assert!(detail.contains("places_not_looked_at=2") && detail.contains(named), "{detail}");
    local.store.close().await;
}

#[tokio::test]
async fn a_tampered_database_is_not_restored() {
    let house = House::open().await;
    house.server.enrol("bob", "obama.jpg").await;
    for (name, meddle, reason) in [
        ("row.age", "UPDATE access_logs SET success = 0 WHERE id = 1", "not what was signed"),
        ("gone.age", "DELETE FROM access_logs WHERE id = 1", "not what was signed"),
        (
            "moved.age",
            "UPDATE users SET totp_secret_enc = (SELECT other.totp_secret_enc FROM users other \
             WHERE other.username = 'bob') WHERE username = 'alice'",
            "do not open with the keyring",
        ),
        (
            "acting.age",
            "CREATE TRIGGER back_door AFTER INSERT ON access_logs BEGIN DELETE FROM keys; END",
            "triggers or views",
        ),
    ] {
        let (folder, config) = copy_of(&house).await;
        let url = format!("sqlite:{}", config.data_dir.join("fourauth.db").display());
        let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
        sqlx::query(sqlx::AssertSqlSafe(meddle)).execute(&pool).await.unwrap();
        pool.close().await;
        run(&config, create(house.file(name), to_recipient())).await.unwrap();
        let refusal = refused(&config, house.verify(name)).await;
        assert!(refusal.contains(reason), "{name}: {refusal}");
        drop(folder);
    }
}

#[tokio::test]
async fn a_backup_without_the_public_key_is_still_verified() {
    let house = House::open().await;
    let vkey = house.config.audit_dir().join("log.vkey");
    let kept = fs::read(&vkey).unwrap();
    let (folder, meddled) = copy_of(&house).await;
    let url = format!("sqlite:{}", meddled.data_dir.join("fourauth.db").display());
    let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
    let change = "UPDATE access_logs SET username = 'mallory' WHERE id = 1";
    sqlx::query(change).execute(&pool).await.unwrap();
    pool.close().await;
    fs::remove_file(meddled.audit_dir().join("log.vkey")).unwrap();
    run(&meddled, create(house.file("one.age"), to_recipient())).await.unwrap();

    let by_ours = refused(&house.config, house.verify("one.age")).await;
    assert!(by_ours.contains("not what was signed"), "{by_ours}");
    let (_elsewhere, empty) = nowhere();
    for (key, reason) in [(None, "public key is neither"), (Some(&kept), "not what was signed")] {
        if let Some(key) = key {
            fs::create_dir_all(empty.audit_dir()).unwrap();
            fs::write(empty.audit_dir().join("log.vkey"), key).unwrap();
        }
        let refusal = refused(&empty, house.restore("one.age", true)).await;
        assert!(refusal.contains(reason), "{refusal}");
        assert!(!empty.keyring_file().exists());
    }
    drop(folder);
}

#[tokio::test]
async fn a_restore_as_root_keeps_the_data_folders_owner() {
    const OWNER: u32 = 4711;

    let house = House::open().await;
    house.create("one.age").await;
    let (folder, config) = nowhere();
    fs::create_dir(&config.data_dir).unwrap();
    if chown(&config.data_dir, Some(OWNER), Some(OWNER)).is_err() {
        eprintln!("SKIPPED: only root can change the owner of a file");
        return;
    }
    run(&config, house.restore("one.age", false)).await.unwrap();
    let mut folders = vec![config.data_dir.clone()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let entry = entry.unwrap();
            let found = entry.metadata().unwrap();
            assert_eq!(found.uid(), OWNER, "{}", entry.path().display());
            if found.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    drop(folder);
}

/// A copy of the data in another folder.
async fn copy_of(house: &House) -> (TempDir, Config) {
    let name = format!("copy{}.age", house.server.audit().await.len());
    house.create(&name).await;
    let (folder, config) = nowhere();
    run(&config, house.restore(&name, true)).await.unwrap();
    (folder, config)
}
