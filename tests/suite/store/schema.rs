//! The schema: documented columns in plain SQL, and schema versions that are refused.

use super::fixture::{Database, NOW, add, enrol, keyring, new_user};
use fourauth_protocol::secret::Secret;
use fourauth_store::{AuditEntry, NewUser, OpenError};
use std::{fs, os::unix::fs::PermissionsExt as _};

on_both_databases![
    the_documented_columns_exist,
    a_database_from_a_newer_program_is_refused,
    a_changed_migration_is_refused,
    opening_twice_applies_no_migration_twice,
    no_secret_is_stored_in_plain_text,
];

async fn the_documented_columns_exist(database: Database) {
    let store = database.open().await;
    enrol(&store, "alice").await;
    let entry = AuditEntry {
        at: NOW,
        username: Some("alice".into()),
        action: "login",
        success: true,
        detail: "match".into(),
    };
    store.write(move |tx| Box::pin(async move { tx.append(&entry).await })).await.unwrap();

    let plain = database.plain().await;
    let sealed = "SELECT COUNT(*) FROM users WHERE username = 'alice' \
        AND password_hash LIKE '$argon2id$%' AND face_template_enc LIKE 'v1.%' \
        AND face_image_enc IS NULL AND totp_secret_enc LIKE 'v1.%' \
        AND mac_address = '00:1b:44:11:3a:b7'";
    assert_eq!(plain.number(sealed).await, 1);
    let row = "SELECT COUNT(*) FROM access_logs WHERE id = 1 AND username = 'alice' \
        AND ts_utc = '2025-03-01T12:00:00.000Z' AND action = 'login' AND success = 1 \
        AND detail = 'match'";
    assert_eq!(plain.number(row).await, 1);
}

async fn a_database_from_a_newer_program_is_refused(database: Database) {
    database.open().await.close().await;
    let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum, \
        execution_time) SELECT 9999, 'later', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1";
    assert_eq!(database.plain().await.execute(later).await, 1);
    let refusal = database.open_with(keyring(1)).await.err().unwrap();
    assert_eq!(refusal, OpenError::NewerSchema { version: 9999 });
    assert!(refusal.to_string().contains("run the newer version"));
}

async fn a_changed_migration_is_refused(database: Database) {
    database.open().await.close().await;
    let changed = if database.is_sqlite() {
        "UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 1"
    } else {
        "UPDATE _sqlx_migrations SET checksum = '\\x00' WHERE version = 1"
    };
    assert_eq!(database.plain().await.execute(changed).await, 1);
    let refusal = database.open_with(keyring(1)).await.err();
    assert_eq!(refusal, Some(OpenError::ChangedSchema { version: 1 }));
}

async fn opening_twice_applies_no_migration_twice(database: Database) {
    let (first, second) = (database.open().await, database.open().await);
    enrol(&first, "alice").await;
    enrol(&second, "bob").await;
    assert_eq!(first.users(None, 10).await, second.users(None, 10).await);
    first.ping().await.unwrap();
}

async fn no_secret_is_stored_in_plain_text(database: Database) {
    let store = database.open().await;
    let user = new_user("alice");
    let image = Secret::new(b"PICTURE-OF-A-FACE".repeat(8));
    let user = NewUser { image: Some(image), ..user };
    let template = user.template.to_bytes();
    add(&store, user).await.unwrap();
    if !database.is_sqlite() {
        let plain = database.plain().await;
        let stored = plain.text("SELECT face_image_enc FROM users").await;
        assert!(stored.starts_with("v1.") && !stored.contains("PICTURE"));
        return;
    }
    let mut looked_at = 0;
    for file in fs::read_dir(database.folder()).unwrap() {
        let path = file.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        looked_at += bytes.len();
        for secret in
            [&[0xaa; 20][..], b"Tr0ub4dor", b"PICTURE-OF-A-FACE", &template.expose()[42..]]
        {
            assert!(
                !bytes.windows(secret.len()).any(|window| window == secret),
                "{}",
                path.display()
            );
        }
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o077,
            0,
            "{}",
            path.display()
        );
    }
    assert!(looked_at > 4096, "the files that were read must hold the row");
}
