//! Keys: a keyring that does not fit is refused when the store opens, with an error that says what
//! to do.

use super::fixture::{Database, NOW, enrol, keyring, name};
use fourauth_protocol::secret::Secret;
use fourauth_store::{
    Keyring, KeyringError, OpenError, RANDOM_BYTES, Seeking, Standing, Store, holds_data,
};
use fourauth_tests::record::record;
use futures_util::future::join_all;
use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    sync::Arc,
};

on_both_databases![
    the_keyring_that_made_the_data_opens_it_again,
    another_keyring_is_refused_and_changes_nothing,
    another_pepper_is_refused,
    a_key_with_the_right_id_and_a_wrong_value_is_refused,
    an_activated_key_encrypts_and_the_old_one_still_decrypts,
    a_rotated_database_refuses_the_old_keyring,
    accounts_without_check_values_are_refused,
    a_local_command_opens_no_database_without_check_values,
    a_local_command_waits_for_the_leaves_of_old_rows,
    existing_data_are_detected_before_a_key_is_created,
    servers_that_start_together_all_open,
    of_concurrent_starts_with_different_keys_one_opens,
];

fn file_of(database: &Database, text: &str) -> Result<Keyring, KeyringError> {
    let path = database.folder().join("keyring.toml");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    Keyring::load(&path)
}

/// The file text of the keyring that [`keyring`] generates.
fn text_of(database: &Database, seed: u8) -> String {
    let path = database.folder().join(format!("keyring{seed}.toml"));
    Keyring::create(&path, &Secret::new([seed; RANDOM_BYTES]), NOW).unwrap();
    fs::read_to_string(path).unwrap()
}

async fn the_keyring_that_made_the_data_opens_it_again(database: Database) {
    let store = database.open().await;
    enrol(&store, "alice").await;
    store.close().await;

    let store = database.open().await;
    assert!(matches!(
        record(&store, Seeking::by_name(&name("alice"))).await.unwrap().standing,
        Standing::Active(_)
    ));
}

async fn another_keyring_is_refused_and_changes_nothing(database: Database) {
    let store = database.open().await;
    enrol(&store, "alice").await;
    store.close().await;

    let refusal = database.open_with(keyring(2)).await.err().unwrap();
    let OpenError::KeyMissing { id } = &refusal else { panic!("{refusal:?}") };
    assert!(text_of(&database, 1).contains(id));
    assert!(refusal.to_string().contains("put the keyring"), "{refusal}");

    let store = database.open().await;
    assert!(record(&store, Seeking::by_name(&name("alice"))).await.is_ok());
}

async fn a_local_command_opens_no_database_without_check_values(database: Database) {
    let location = database.location();
    let existing = |seed| Store::open_existing(&location, Arc::new(keyring(seed)));
    let refusal = existing(1).await.err().unwrap();
    assert_eq!(refusal, OpenError::OlderSchema, "no server has used it");
    let store = database.open().await;
    enrol(&store, "alice").await;
    existing(1).await.unwrap().close().await;
    let plain = database.plain().await;
    // Without the pepper's value every keyring would pass.
    for statement in ["DELETE FROM keys WHERE id = 'pepper'", "DELETE FROM keys"] {
        assert_eq!(plain.execute(statement).await, 1);
        for seed in [1, 2] {
            assert_eq!(existing(seed).await.err().unwrap(), OpenError::ChecksMissing);
        }
        let id = store.keys().await.unwrap().first().map(|key| key.id.clone());
        let id = id.unwrap_or_else(|| "k00000000".to_owned());
        let activated = store.write(move |tx| Box::pin(async move { tx.activate_key(&id).await }));
        assert_ne!(activated.await, Ok(true), "no key is activated either");
    }
}

async fn a_local_command_waits_for_the_leaves_of_old_rows(database: Database) {
    let store = database.open().await;
    enrol(&store, "alice").await;
    let location = database.location();
    let existing = || Store::open_existing(&location, Arc::new(keyring(1)));
    existing().await.unwrap().close().await;
    let plain = database.plain().await;
    plain.execute("UPDATE audit_tree SET legacy_to = legacy_done + 1").await;
    assert_eq!(existing().await.err().unwrap(), OpenError::OlderSchema);
    store.close().await;
    database.open().await;
    existing().await.unwrap().close().await;
}

async fn another_pepper_is_refused(database: Database) {
    database.open().await.close().await;
    let (mine, other) = (text_of(&database, 1), text_of(&database, 2));
    let pepper =
        |text: &str| text.lines().find(|line| line.starts_with("pepper")).unwrap().to_owned();
    let mixed = file_of(&database, &mine.replace(&pepper(&mine), &pepper(&other))).unwrap();

    let refusal = database.open_with(mixed).await.err();
    assert_eq!(refusal, Some(OpenError::KeyWrong { id: "pepper".into() }));
}

async fn a_key_with_the_right_id_and_a_wrong_value_is_refused(database: Database) {
    database.open().await.close().await;
    let (mine, other) = (text_of(&database, 1), text_of(&database, 2));
    let line =
        |text: &str, key| text.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
    let master = mine.replace(&line(&mine, "master"), &line(&other, "master"));
    let id = line(&mine, "id").split('"').nth(1).unwrap().to_owned();

    let refusal = database.open_with(file_of(&database, &master).unwrap()).await.err();
    assert_eq!(refusal, Some(OpenError::KeyWrong { id }));
}

/// The keyring of `seed` 1 with the key of `seed` 2 added as the newer one.
fn rotated(database: &Database) -> Keyring {
    let (mine, other) = (text_of(database, 1), text_of(database, 2));
    let newer = other[other.find("[[key]]").unwrap()..].replace("2025-", "2026-");
    file_of(database, &format!("{mine}\n{newer}")).unwrap()
}

/// The ids of [`rotated`], the newer one last.
async fn ids(store: &Store) -> Vec<String> {
    store.keys().await.unwrap().into_iter().map(|key| key.id).collect()
}

async fn activate(store: &Store, id: &str) -> bool {
    let id = id.to_owned();
    let activated: Result<bool, OpenError> =
        store.write(move |tx| Box::pin(async move { tx.activate_key(&id).await })).await;
    activated.unwrap()
}

async fn an_activated_key_encrypts_and_the_old_one_still_decrypts(database: Database) {
    let store = database.open().await;
    enrol(&store, "alice").await;
    store.close().await;

    let store = database.open_with(rotated(&database)).await.unwrap();
    enrol(&store, "bob").await;
    let plain = database.plain().await;
    let keys = "SELECT COUNT(DISTINCT substr(totp_secret_enc, 1, 12)) FROM users";
    assert_eq!(plain.number(keys).await, 1, "the new key is not active yet");

    let ids = ids(&store).await;
    assert!(activate(&store, &ids[1]).await);
    assert!(!activate(&store, &ids[1]).await && !activate(&store, "other").await);
    enrol(&store, "carol").await;
    assert_eq!(plain.number(keys).await, 2);
    for name in ["alice", "bob", "carol"] {
        assert!(record(&store, Seeking::by_name(&self::name(name))).await.is_ok());
    }
}

async fn a_rotated_database_refuses_the_old_keyring(database: Database) {
    let store = database.open().await;
    enrol(&store, "alice").await;
    store.close().await;
    let store = database.open_with(rotated(&database)).await.unwrap();
    // Until the new key encrypts, no server needs it.
    database.open().await.close().await;
    activate(&store, &ids(&store).await[1]).await;
    store.close().await;

    let refusal = database.open_with(keyring(1)).await.err().unwrap();
    assert!(matches!(refusal, OpenError::KeyMissing { .. }), "{refusal:?}");
    assert!(refusal.to_string().contains("`fourauthd key rotate` wrote"), "{refusal}");
}

async fn accounts_without_check_values_are_refused(database: Database) {
    let store = database.open().await;
    enrol(&store, "alice").await;
    store.close().await;
    database.plain().await.execute("DELETE FROM keys").await;
    for seed in [1, 2] {
        assert_eq!(database.open_with(keyring(seed)).await.err(), Some(OpenError::ChecksMissing));
    }
}

async fn existing_data_are_detected_before_a_key_is_created(database: Database) {
    assert_eq!(holds_data(&database.location()).await, Ok(false));
    if database.is_sqlite() {
        assert!(!database.folder().join("fourauth.db").exists(), "the check creates no file");
    }
    database.open().await.close().await;
    assert_eq!(holds_data(&database.location()).await, Ok(true));
}

async fn servers_that_start_together_all_open(database: Database) {
    let opened = join_all((0..4).map(|_| database.open_with(keyring(1)))).await;
    let refused: Vec<OpenError> = opened.into_iter().filter_map(Result::err).collect();
    assert_eq!(refused, []);
}

async fn of_concurrent_starts_with_different_keys_one_opens(database: Database) {
    let opened = join_all((1..=4).map(|seed| database.open_with(keyring(seed)))).await;
    assert_eq!(opened.iter().filter(|store| store.is_ok()).count(), 1);
    let misfits = opened.iter().filter(|store| {
        matches!(store, Err(OpenError::KeyMissing { .. } | OpenError::KeyWrong { .. }))
    });
    assert_eq!(misfits.count(), 3);
    let keys = database.plain().await.number("SELECT COUNT(*) FROM keys").await;
    assert_eq!(keys, 2, "a refused keyring leaves no key");
}
