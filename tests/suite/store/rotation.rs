//! Key changes while accounts are in use: no update is lost, and every value can still be
//! decrypted.

use super::fixture::{Database, NOW, Plain, add, enrol, key, keyring, name, new_user};
use fourauth_auth::grant::{Grant, Grants, Purpose};
use fourauth_protocol::secret::Secret;
use fourauth_store::{
    AccountId, Cause, Error, KEY_BYTES, KeyState, Keyring, KeyringLock, NewUser, NotRetired,
    OpenError, RANDOM_BYTES, Seeking, Store,
};
use fourauth_tests::record::{decoy, record};
use std::{path::PathBuf, sync::Arc};
use tokio::sync::oneshot;

on_both_databases![
    a_rotation_reencrypts_every_value,
    an_interrupted_rotation_resumes,
    a_running_server_reads_new_keys_from_the_keyring_file,
    a_secret_replaced_during_a_rotation_stays_replaced,
    a_key_is_retired_once_no_value_uses_it,
    no_value_is_left_under_a_retired_key,
    values_that_cannot_be_decrypted_are_counted_and_keep_a_key,
    a_keyring_of_another_database_is_not_loaded,
    of_two_keyrings_with_different_new_keys_one_is_refused,
    a_grant_survives_a_rotation_until_its_key_is_removed,
];

/// A grant is valid until its key is removed, and is made with a key that every server has.
async fn a_grant_survives_a_rotation_until_its_key_is_removed(database: Database) {
    let store = open(&database).await;
    enrol(&store, "alice").await;
    let issue = || {
        let grants = Grants::new(&store.grant_keys());
        grants.issue(&Purpose::DeviceProof, NOW, 1_000, [7; 10])
    };
    let is_valid = |grant: &Grant| {
        Grants::new(&store.grant_keys()).check(grant, &Purpose::DeviceProof, NOW).is_ok()
    };
    let (first, old) = (issue(), store.keys().await.unwrap()[0].id.clone());
    let lock = KeyringLock::take(&path(&database)).unwrap();
    let new = lock.add(Secret::new([2; KEY_BYTES]), NOW).unwrap();
    assert_eq!(store.follow_keyring().await, Ok(true));
    assert_eq!(issue(), first, "another server may lack a key that is not active");
    assert_eq!(activate(&store, new).await, Ok(true));
    reseal(&store).await;
    let second = issue();
    assert_ne!(second, first);
    assert!(is_valid(&first) && is_valid(&second));

    let restarted = open(&database).await;
    let grants = Grants::new(&restarted.grant_keys());
    assert_eq!(grants.issue(&Purpose::DeviceProof, NOW, 1_000, [7; 10]), second);
    let id = old.clone();
    let retired: Result<(), NotRetired> =
        store.write(move |tx| Box::pin(async move { tx.retire_key(&id).await })).await;
    retired.unwrap();
    lock.remove(&old).unwrap();
    assert_eq!(store.follow_keyring().await, Ok(true));
    assert!(!is_valid(&first) && is_valid(&second));
}

fn path(database: &Database) -> PathBuf {
    database.folder().join("keyring.toml")
}

/// A store with its keyring in a file.
async fn open(database: &Database) -> Arc<Store> {
    let path = path(database);
    if !path.exists() {
        Keyring::create(&path, &Secret::new([1; RANDOM_BYTES]), NOW).unwrap();
    }
    Arc::new(database.open_with(Keyring::load(&path).unwrap()).await.unwrap())
}

/// Adds a key to the file, activates it and returns its id.
async fn change_key(database: &Database, store: &Store, byte: u8) -> String {
    let lock = KeyringLock::take(&path(database)).unwrap();
    let id = lock.add(Secret::new([byte; KEY_BYTES]), NOW).unwrap();
    assert_eq!(store.follow_keyring().await, Ok(true));
    let name = id.clone();
    assert_eq!(activate(store, name).await, Ok(true));
    id
}

async fn activate(store: &Store, id: String) -> Result<bool, OpenError> {
    store.write(move |tx| Box::pin(async move { tx.activate_key(&id).await })).await
}

/// Encrypts every value with the newest key and returns the number of values.
async fn reseal(store: &Store) -> u64 {
    let (mut values, mut after) = (0, None);
    while let Some(batch) = store.reseal(after, 2).await.unwrap() {
        (values, after) = (values + batch.values, Some(batch.last));
    }
    values
}

async fn retire(store: &Store, id: &str) -> Result<(), NotRetired> {
    let id = id.to_owned();
    store.write(move |tx| Box::pin(async move { tx.retire_key(&id).await })).await
}

/// Number of values under each key, oldest key first.
async fn values(store: &Store) -> Vec<u64> {
    store.keys().await.unwrap().iter().map(|key| key.values).collect()
}

async fn states(store: &Store) -> Vec<KeyState> {
    store.keys().await.unwrap().iter().map(|key| key.state).collect()
}

/// True if a value in the database is encrypted with this key.
async fn seals(plain: &Plain, id: &str) -> bool {
    let sql = format!(
        "SELECT COUNT(*) FROM users WHERE totp_secret_enc LIKE 'v1.{id}.%' \
         OR face_template_enc LIKE 'v1.{id}.%' OR face_image_enc LIKE 'v1.{id}.%'"
    );
    plain.number(&sql).await > 0
}

async fn a_rotation_reencrypts_every_value(database: Database) {
    let store = open(&database).await;
    for name in ["alice", "bob", "carol", "dave", "erin"] {
        enrol(&store, name).await;
    }
    let pictured = NewUser { image: Some(Secret::new(vec![7; 100])), ..new_user("frank") };
    add(&store, pictured).await.unwrap();
    let before = record(&store, Seeking::by_name(&name("alice"))).await.unwrap();
    let old = store.keys().await.unwrap().remove(0).id;

    let new = change_key(&database, &store, 2).await;
    assert_eq!(values(&store).await, [13, 0]);
    assert_eq!(states(&store).await, [KeyState::Opens, KeyState::Seals]);
    assert_eq!(reseal(&store).await, 13);
    assert_eq!(values(&store).await, [0, 13]);
    assert_eq!(store.reseal(None, 2).await, Ok(None));

    let plain = database.plain().await;
    assert!(!seals(&plain, &old).await && seals(&plain, &new).await);
    let after = record(&store, Seeking::by_name(&name("alice"))).await.unwrap();
    assert_eq!(after.totp.as_bytes(), before.totp.as_bytes());
    assert_eq!(after.template.to_bytes().expose(), before.template.to_bytes().expose());
    assert_eq!(after.version, before.version, "no factor has changed");
}

async fn an_interrupted_rotation_resumes(database: Database) {
    let store = open(&database).await;
    for name in ["alice", "bob", "carol"] {
        enrol(&store, name).await;
    }
    change_key(&database, &store, 2).await;
    let first = store.reseal(None, 1).await.unwrap().unwrap();
    assert_eq!((first.values, first.unopened), (2, 0));
    // Any interruption falls between two transactions.
    store.close().await;

    let store = open(&database).await;
    assert_eq!(values(&store).await, [4, 2]);
    assert_eq!(reseal(&store).await, 4);
    assert_eq!(values(&store).await, [0, 6]);
}

async fn a_running_server_reads_new_keys_from_the_keyring_file(database: Database) {
    let (running, other) = (open(&database).await, open(&database).await);
    enrol(&running, "alice").await;
    let decoy = running.seal_decoy(decoy());
    let new = change_key(&database, &other, 2).await;
    reseal(&other).await;
    assert!(running.subject(Seeking::by_name(&name("alice")), &decoy).await.is_ok());
    // The running server now encrypts with the new key too.
    enrol(&running, "bob").await;
    let old = running.keys().await.unwrap().remove(0).id;
    let plain = database.plain().await;
    assert!(seals(&plain, &new).await && !seals(&plain, &old).await);

    // Unknown names also work, after the running server has dropped the key that it started with.
    assert_eq!(running.follow_keyring().await, Ok(true));
    assert_eq!(running.follow_keyring().await, Ok(false));
    retire(&other, &old).await.unwrap();
    KeyringLock::take(&path(&database)).unwrap().remove(&old).unwrap();
    assert_eq!(running.follow_keyring().await, Ok(true));
    for name in ["alice", "bob", "nobody"] {
        let name = self::name(name);
        assert!(running.subject(Seeking::by_name(&name), &decoy).await.is_ok(), "{name}");
    }
}

async fn a_secret_replaced_during_a_rotation_stays_replaced(database: Database) {
    const ROUNDS: u8 = 12;
    let store = open(&database).await;
    let alice = enrol(&store, "alice").await.account;
    for round in 1..=ROUNDS {
        change_key(&database, &store, 100 + round).await;
        let rotating = Arc::clone(&store);
        let rotation = tokio::spawn(async move { reseal(&rotating).await });
        let replaced = store.write(move |tx| {
            Box::pin(async move { tx.replace_totp(alice, round.into(), &key(round)).await })
        });
        assert_eq!(replaced.await, Ok::<_, Error>(true));
        rotation.await.unwrap();
        let subject = record(&store, Seeking::by_name(&name("alice"))).await.unwrap();
        assert_eq!(subject.totp.as_bytes(), key(round).as_bytes());
    }
}

async fn a_key_is_retired_once_no_value_uses_it(database: Database) {
    let store = open(&database).await;
    enrol(&store, "alice").await;
    let old = store.keys().await.unwrap().remove(0).id;
    assert_eq!(retire(&store, &old).await, Err(NotRetired::Newest { id: old.clone() }));
    let new = change_key(&database, &store, 2).await;
    assert_eq!(retire(&store, &new).await, Err(NotRetired::Newest { id: new }));
    let in_use = NotRetired::InUse { id: old.clone(), values: 2 };
    assert_eq!(retire(&store, &old).await, Err(in_use));
    assert!(retire(&store, "pepper").await.is_err());
    assert_eq!(states(&store).await, [KeyState::Opens, KeyState::Seals], "no state changed");

    reseal(&store).await;
    retire(&store, &old).await.unwrap();
    assert_eq!(states(&store).await, [KeyState::Retired, KeyState::Seals]);
    // A start between the two steps finds an unneeded key in the keyring.
    store.close().await;
    let store = open(&database).await;
    assert_eq!(KeyringLock::take(&path(&database)).unwrap().remove(&old), Ok(true));
    assert_eq!(store.follow_keyring().await, Ok(true));
    assert_eq!(states(&store).await, [KeyState::Seals]);

    let stale = database.open_with(keyring(1)).await.err().unwrap();
    assert!(matches!(stale, OpenError::KeyMissing { .. }), "{stale:?}");
}

/// One server never receives the new key and encrypts with the old one until that key is retired.
async fn no_value_is_left_under_a_retired_key(database: Database) {
    const ATTEMPTS: u32 = 60;
    let store = open(&database).await;
    let stale = database.open().await;
    let old = store.keys().await.unwrap().remove(0).id;
    change_key(&database, &store, 2).await;
    let (retired, is_retired) = oneshot::channel();
    let sealing = tokio::spawn(async move {
        for number in 0..ATTEMPTS {
            if let Err(error) = add(&stale, new_user(&format!("person{number}"))).await {
                return error;
            }
        }
        is_retired.await.unwrap();
        add(&stale, new_user("late")).await.unwrap_err()
    });
    loop {
        reseal(&store).await;
        match retire(&store, &old).await {
            Ok(()) => break,
            Err(NotRetired::InUse { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
    let _receiver_may_be_gone = retired.send(());
    assert_eq!(sealing.await.unwrap(), Error::Unavailable(Cause::KeysRetired));
    assert!(!seals(&database.plain().await, &old).await);
}

async fn values_that_cannot_be_decrypted_are_counted_and_keep_a_key(database: Database) {
    let store = open(&database).await;
    for name in ["alice", "bob"] {
        enrol(&store, name).await;
    }
    let moved = "UPDATE users SET totp_secret_enc = (SELECT other.totp_secret_enc FROM users other \
         WHERE other.username = 'bob') WHERE username = 'alice'";
    assert_eq!(database.plain().await.execute(moved).await, 1);
    let old = store.keys().await.unwrap().remove(0).id;
    change_key(&database, &store, 2).await;

    let batch = store.reseal(None, 10).await.unwrap().unwrap();
    assert_eq!((batch.values, batch.unopened), (3, 1));
    assert!(batch.last > AccountId(0));
    assert_eq!(retire(&store, &old).await, Err(NotRetired::InUse { id: old, values: 1 }));
}

async fn a_keyring_of_another_database_is_not_loaded(database: Database) {
    let store = open(&database).await;
    enrol(&store, "alice").await;
    let other = database.folder().join("other.toml");
    Keyring::create(&other, &Secret::new([9; RANDOM_BYTES]), NOW).unwrap();
    std::fs::rename(&other, path(&database)).unwrap();
    let refused = store.follow_keyring().await;
    assert!(matches!(refused, Err(OpenError::KeyMissing { .. })), "{refused:?}");
    assert!(record(&store, Seeking::by_name(&name("alice"))).await.is_ok());
    enrol(&store, "bob").await;
}

async fn of_two_keyrings_with_different_new_keys_one_is_refused(database: Database) {
    let first = path(&database);
    // The first start on an empty database activates the keys of its keyring.
    open(&database).await.close().await;
    let second = database.folder().join("elsewhere.toml");
    std::fs::copy(&first, &second).unwrap();
    let ids = [(&first, 2), (&second, 3)].map(|(path, byte)| {
        let lock = KeyringLock::take(path).unwrap();
        lock.add(Secret::new([byte; KEY_BYTES]), NOW).unwrap()
    });
    let mut stores = Vec::new();
    for path in [&first, &second] {
        stores.push(database.open_with(Keyring::load(path).unwrap()).await.unwrap());
    }
    let [id, other] = ids;
    let (one, two) = tokio::join!(activate(&stores[0], id), activate(&stores[1], other));
    let refused = |activated: &Result<bool, OpenError>| {
        matches!(activated, Err(OpenError::KeyMissing { .. }))
    };
    match (&one, &two) {
        (Ok(true), refusal) | (refusal, Ok(true)) => assert!(refused(refusal), "{one:?} {two:?}"),
        _ => panic!("{one:?} {two:?}"),
    }
}
