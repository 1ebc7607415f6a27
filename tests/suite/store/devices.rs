//! Devices: bound only on the latest version of the account, revoked permanently.

use super::fixture::{Database, NOW, enrol, mac, name};
use fourauth_client::Identity;
use fourauth_protocol::{device::DeviceName, time::UnixMillis};
use fourauth_store::{
    AccountId, Bound, BoundBy, Error, LoginLocation, MAX_DEVICES, NewDevice, Seeking, Store,
};
use fourauth_tests::record::record;

on_both_databases![
    a_device_decided_on_an_older_version_is_not_bound,
    a_device_of_the_same_name_or_key_is_not_bound_twice,
    an_account_has_at_most_sixteen_active_devices,
    a_revoked_device_returns_only_in_the_same_recovery,
    a_device_is_revoked_once_and_on_the_latest_version,
    revoking_an_address_revokes_only_its_devices,
    a_revoked_device_is_unknown,
    a_device_or_place_of_another_account_is_unknown,
    an_address_follows_the_first_device_and_no_other,
];

fn device(identity: &Identity, name: &str, last: u8) -> NewDevice {
    NewDevice {
        key: identity.key(),
        name: DeviceName::parse(name).ok(),
        mac: mac(last),
        by: BoundBy::Registration,
        at: NOW,
        trusted_from: NOW,
    }
}

async fn bind(store: &Store, account: AccountId, device: NewDevice) -> Bound {
    let name = store.users(None, 500).await.unwrap();
    let version = name.iter().find(|user| user.id == account).unwrap().version;
    bind_at(store, account, version, device).await
}

async fn bind_at(store: &Store, account: AccountId, version: i64, device: NewDevice) -> Bound {
    let bound: Result<Bound, Error> = store
        .write(move |tx| Box::pin(async move { tx.bind_device(account, version, &device).await }))
        .await;
    bound.unwrap()
}

async fn revoke(store: &Store, account: AccountId, name: &'static str, at: UnixMillis) -> bool {
    let revoked: Result<_, Error> =
        store.write(move |tx| Box::pin(tx.revoke_device(account, None, name, at))).await;
    revoked.unwrap().is_some()
}

/// Gives `account` two devices, revokes one of them, and gives `other` a device.
pub(super) async fn bind_and_revoke(store: &Store, account: AccountId, other: AccountId) {
    for (owner, name) in [(account, "one"), (account, "two"), (other, "one")] {
        assert_eq!(bind(store, owner, device(&identity(), name, 1)).await, Bound::Yes);
    }
    assert!(revoke(store, account, "one", NOW).await);
}

async fn names(store: &Store, account: AccountId) -> Vec<String> {
    store.devices(account).await.unwrap().into_iter().map(|device| device.name).collect()
}

fn identity() -> Identity {
    Identity::generate().unwrap()
}

/// The account's address is that of `mac(1)` at first. Two devices share it at a dock.
async fn an_address_follows_the_first_device_and_no_other(database: Database) {
    let store = database.open().await;
    let alice = enrol(&store, "alice").await;
    let (account, home) = (alice.account, alice.mac);
    let (first, second) = (identity(), identity());
    let at_home = NewDevice { mac: home, ..device(&first, "first", 1) };
    assert_eq!(bind(&store, account, at_home).await, Bound::Yes);
    let later = NewDevice { mac: home, at: UnixMillis(NOW.0 + 1), ..device(&second, "second", 1) };
    assert_eq!(bind(&store, account, later).await, Bound::Yes);

    let moves = |device: &Identity, to| {
        let (store, id) = (&store, device.key().id());
        async move {
            let moved: Result<bool, Error> = store
                .write(move |tx| {
                    Box::pin(async move {
                        tx.note_address(account, id, (home, to)).await?;
                        tx.has_address(account, to).await
                    })
                })
                .await;
            moved.unwrap()
        }
    };
    assert!(!moves(&second, mac(77)).await, "the first device is still there");
    assert!(moves(&first, mac(78)).await, "the control");
}

async fn a_device_decided_on_an_older_version_is_not_bound(database: Database) {
    let store = database.open().await;
    let account = enrol(&store, "alice").await.account;
    let (one, other) = (device(&identity(), "one", 1), device(&identity(), "other", 2));
    assert_eq!(bind_at(&store, account, 2, one.clone()).await, Bound::Superseded);
    assert_eq!(bind_at(&store, account, 1, one).await, Bound::Yes);
    // The first key ended the use of an address alone, so the version has changed.
    assert_eq!(bind_at(&store, account, 1, other).await, Bound::Superseded);
    assert_eq!(names(&store, account).await, ["one"]);
}

async fn a_device_of_the_same_name_or_key_is_not_bound_twice(database: Database) {
    let store = database.open().await;
    let account = enrol(&store, "alice").await.account;
    let one = identity();
    assert_eq!(bind(&store, account, device(&one, "one", 1)).await, Bound::Yes);
    assert_eq!(bind(&store, account, device(&one, "two", 2)).await, Bound::Taken);
    assert_eq!(bind(&store, account, device(&identity(), "one", 2)).await, Bound::Taken);
    // The name of a revoked device can be used again, its key cannot.
    assert!(revoke(&store, account, "one", NOW).await);
    assert_eq!(bind(&store, account, device(&one, "one", 1)).await, Bound::Taken);
    assert_eq!(bind(&store, account, device(&identity(), "one", 1)).await, Bound::Yes);
}

async fn an_account_has_at_most_sixteen_active_devices(database: Database) {
    let store = database.open().await;
    let bob = enrol(&store, "bob").await.account;
    assert_eq!(bind(&store, bob, device(&identity(), "bob's", 1)).await, Bound::Yes);
    let account = enrol(&store, "alice").await.account;
    assert_eq!(bind(&store, account, device(&identity(), "lost", 1)).await, Bound::Yes);
    assert!(revoke(&store, account, "lost", NOW).await);
    for number in 0..MAX_DEVICES {
        let device = device(&identity(), &format!("device {number}"), 1);
        assert_eq!(bind(&store, account, device).await, Bound::Yes, "{number}");
    }
    let one_more = device(&identity(), "one more", 1);
    assert_eq!(bind(&store, account, one_more).await, Bound::TooMany);
}

async fn a_revoked_device_returns_only_in_the_same_recovery(database: Database) {
    let store = database.open().await;
    let account = enrol(&store, "alice").await.account;
    let bob = enrol(&store, "bob").await.account;
    let (stolen, other) = (identity(), identity());
    for account in [account, bob] {
        assert_eq!(bind(&store, account, device(&stolen, "stolen", 1)).await, Bound::Yes);
        assert_eq!(bind(&store, account, device(&other, "other", 1)).await, Bound::Yes);
    }
    for name in ["stolen", "other"] {
        assert!(revoke(&store, account, name, NOW).await && revoke(&store, bob, name, NOW).await);
    }
    // A later recovery, with the same address and the same key.
    let at = NOW.saturating_add_ms(1);
    let recovery = NewDevice { by: BoundBy::Recovery, at, ..device(&stolen, "back", 2) };
    assert_eq!(bind(&store, account, recovery.clone()).await, Bound::Taken);
    // Bound in another way, at the same time.
    assert_eq!(bind(&store, account, device(&stolen, "back", 2)).await, Bound::Taken);
    assert!(names(&store, account).await.is_empty());

    // Control: the recovery that revoked the device gives it another address, and returns no other
    // device.
    let moved = NewDevice { at: NOW, ..recovery };
    assert_eq!(bind(&store, account, moved).await, Bound::Yes);
    assert_eq!(names(&store, account).await, ["stolen"]);
    assert!(names(&store, bob).await.is_empty());
    let plain = database.plain().await;
    let moved = "SELECT COUNT(*) FROM devices WHERE mac = '00:1b:44:11:3a:02'";
    assert_eq!(plain.number(moved).await, 1);
}

async fn a_device_is_revoked_once_and_on_the_latest_version(database: Database) {
    let store = database.open().await;
    let account = enrol(&store, "alice").await.account;
    let one = identity();
    for (identity, name) in [(&one, "one"), (&identity(), "other")] {
        assert_eq!(bind(&store, account, device(identity, name, 1)).await, Bound::Yes);
    }
    let judged = |version| {
        store.write(move |tx| Box::pin(tx.revoke_device(account, Some(version), "one", NOW)))
    };
    let older: Result<_, Error> = judged(1).await;
    assert_eq!(older, Ok(None), "decided on an older version");
    assert_eq!(names(&store, account).await, ["one", "other"]);
    assert_eq!(judged(2).await, Ok::<_, Error>(Some(one.key().id())));
    assert_eq!(names(&store, account).await, ["other"]);
    // The time of revocation does not change. Otherwise a later recovery could return the device.
    assert!(!revoke(&store, account, "one", NOW.saturating_add_ms(1)).await);
    let then = format!("SELECT COUNT(*) FROM devices WHERE revoked_at = {}", NOW.0);
    assert_eq!(database.plain().await.number(&then).await, 1);
}

async fn revoking_an_address_revokes_only_its_devices(database: Database) {
    let store = database.open().await;
    let account = enrol(&store, "alice").await.account;
    for (name, last) in [("one", 1), ("two", 1), ("three", 2), ("lost", 1)] {
        assert_eq!(bind(&store, account, device(&identity(), name, last)).await, Bound::Yes);
    }
    assert!(revoke(&store, account, "lost", NOW).await);
    let later = NOW.saturating_add_ms(1);
    let revoked: Result<_, Error> =
        store.write(move |tx| Box::pin(tx.revoke_devices_at(account, mac(1), later))).await;
    assert_eq!(revoked.map(|devices| devices.len()), Ok(2));
    assert_eq!(names(&store, account).await, ["three"]);
    let then = format!("SELECT COUNT(*) FROM devices WHERE revoked_at = {}", NOW.0);
    assert_eq!(
        database.plain().await.number(&then).await,
        1,
        "the first revocation keeps its time"
    );
}

async fn a_revoked_device_is_unknown(database: Database) {
    let store = database.open().await;
    let account = enrol(&store, "alice").await.account;
    let one = identity();
    let id = one.key().id();
    assert_eq!(bind(&store, account, device(&one, "one", 1)).await, Bound::Yes);
    let saw = || store.write(move |tx| Box::pin(tx.saw_device(account, id, NOW)));
    let username = name("alice");
    let known = async || {
        let seeking = Seeking { device: Some(id), ..Seeking::by_name(&username) };
        record(&store, seeking).await.unwrap().device.is_some()
    };
    assert!(known().await);
    assert_eq!(saw().await, Ok::<_, Error>(true));
    assert!(revoke(&store, account, "one", NOW).await);
    assert!(!known().await);
    assert_eq!(saw().await, Ok::<_, Error>(false));
}

async fn a_device_or_place_of_another_account_is_unknown(database: Database) {
    let store = database.open().await;
    let place = LoginLocation::new(Some(mac(1)), "192.0.2.7");
    let (one, strange) = (identity(), identity().key().id());
    let id = one.key().id();
    for username in ["alice", "bob"] {
        let account = enrol(&store, username).await.account;
        if username == "bob" {
            continue;
        }
        assert_eq!(bind(&store, account, device(&one, "one", 1)).await, Bound::Yes);
        let noted: Result<(), Error> =
            store.write(move |tx| Box::pin(tx.remember_place(account, place, NOW))).await;
        noted.unwrap();
        let saw: Result<bool, Error> =
            store.write(move |tx| Box::pin(tx.saw_device(account, strange, NOW))).await;
        assert_eq!(saw, Ok(false));
    }
    let elsewhere = LoginLocation::new(Some(mac(1)), "192.0.2.8");
    for (username, device, place, known) in [
        ("alice", id, place, (true, true)),
        ("alice", strange, elsewhere, (false, false)),
        ("bob", id, place, (false, false)),
    ] {
        let username = name(username);
        let seeking =
            Seeking { device: Some(device), place: Some(place), ..Seeking::by_name(&username) };
        let subject = record(&store, seeking).await.unwrap();
        assert_eq!((subject.device.is_some(), subject.been_here.is_some()), known, "{username}");
    }
}
