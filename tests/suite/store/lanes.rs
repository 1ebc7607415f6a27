//! Failures are counted and cleared in their own lane only.

use super::fixture::{Database, NOW, enrol, mac, name};
use fourauth_protocol::{device::DeviceId, recovery_code::RecoveryCode};
use fourauth_store::{
    AccountId, Error, Failure, Keep, Lane, LoginLocation, Seeking, Store, Target,
};
use fourauth_tests::record::record;

on_both_databases![
    clearing_a_lane_clears_no_other,
    a_factor_that_was_not_sent_stays_counted,
    removing_a_device_removes_only_its_lane,
    clearing_one_name_clears_no_other,
    wrong_codes_of_another_minute_are_not_counted_in_this_one,
    only_old_failures_are_removed,
    a_recovery_code_is_known_to_its_account_until_spent,
    known_lanes_are_places_until_the_account_has_a_key,
];

const KEEP_NOTHING: Keep = Keep { totp: false, face: false };

fn lanes() -> [Lane; 5] {
    let here = LoginLocation::new(Some(mac(1)), "192.0.2.7");
    let there = LoginLocation::new(Some(mac(1)), "192.0.2.8");
    let device = Lane::Device(DeviceId::from_bytes([1; 16]));
    [Lane::Unknown, Lane::Place(here), Lane::Place(there), device, Lane::RecoveryCode]
}

fn target(username: &str) -> Target {
    Target::account(&name(username))
}

async fn fail(store: &Store, failure: Failure) {
    let counted = store.write(move |tx| Box::pin(async move { tx.count_failure(&failure).await }));
    counted.await.map_err(|error: Error| error).unwrap();
}

/// Records one wrong code and one wrong face in every lane of Alice and Bob.
async fn failed_everywhere(database: &Database) -> std::sync::Arc<Store> {
    let store = database.open().await;
    for username in ["alice", "bob"] {
        for lane in lanes() {
            let target = target(username);
            fail(&store, Failure { target, lane, totp: true, face: true, at: NOW }).await;
        }
    }
    store
}

/// Number of failures in each lane.
async fn failures(store: &Store, username: &str) -> [i64; 5] {
    let tallies = store.tallies(target(username)).await.unwrap();
    lanes().map(|lane| tallies.of(lane).failures)
}

async fn clearing_a_lane_clears_no_other(database: Database) {
    let store = failed_everywhere(&database).await;
    let (alice, lane) = (target("alice"), lanes()[1]);
    let cleared = store.write(move |tx| Box::pin(tx.clear_lane(alice, lane, KEEP_NOTHING)));
    cleared.await.map_err(|error: Error| error).unwrap();
    assert_eq!(failures(&store, "alice").await, [1, 0, 1, 1, 1]);
    assert_eq!(failures(&store, "bob").await, [1; 5]);
}

async fn a_factor_that_was_not_sent_stays_counted(database: Database) {
    let store = database.open().await;
    let alice = target("alice");
    for (lane, keep, left) in [
        (lanes()[0], KEEP_NOTHING, (0, 0, 0)),
        (lanes()[1], Keep { totp: true, face: false }, (1, 1, 0)),
        (lanes()[2], Keep { totp: false, face: true }, (2, 0, 2)),
        (lanes()[3], Keep { totp: true, face: true }, (3, 1, 2)),
    ] {
        for (totp, face) in [(true, false), (false, true), (false, true), (false, false)] {
            fail(&store, Failure { target: alice, lane, totp, face, at: NOW }).await;
        }
        let cleared = store.write(move |tx| Box::pin(tx.clear_lane(alice, lane, keep)));
        cleared.await.map_err(|error: Error| error).unwrap();
        let tally = store.tallies(alice).await.unwrap().of(lane);
        assert_eq!((tally.failures, tally.totp, tally.face), left, "{keep:?}");
    }
}

async fn removing_a_device_removes_only_its_lane(database: Database) {
    let store = failed_everywhere(&database).await;
    let (alice, lane) = (target("alice"), lanes()[3]);
    let forgotten = store.write(move |tx| Box::pin(tx.forget_lane(alice, lane)));
    forgotten.await.map_err(|error: Error| error).unwrap();
    assert_eq!(failures(&store, "alice").await, [1, 1, 1, 0, 1]);
    assert_eq!(failures(&store, "bob").await, [1; 5]);
}

async fn clearing_one_name_clears_no_other(database: Database) {
    let store = failed_everywhere(&database).await;
    let alice = target("alice");
    let cleared = store.write(move |tx| Box::pin(tx.clear_failures(alice)));
    assert!(cleared.await.map_err(|error: Error| error).unwrap());
    assert_eq!(failures(&store, "alice").await, [0; 5]);
    assert_eq!(failures(&store, "bob").await, [1; 5]);
}

async fn wrong_codes_of_another_minute_are_not_counted_in_this_one(database: Database) {
    let store = database.open().await;
    let (alice, lane) = (target("alice"), Lane::Unknown);
    let wrong = |at| Failure { target: alice, lane, totp: true, face: false, at };
    let later = NOW.saturating_add_ms(60_000);
    for at in [NOW, NOW, later] {
        fail(&store, wrong(at)).await;
    }
    let tally = store.tallies(alice).await.unwrap().of(lane);
    assert_eq!(tally.totp_within_the_minute(later), 1);
    assert_eq!(tally.totp_within_the_minute(NOW), 0);
    assert_eq!((tally.totp, tally.last), (3, later));
}

async fn only_old_failures_are_removed(database: Database) {
    let store = failed_everywhere(&database).await;
    let forgotten = store.write(move |tx| Box::pin(tx.forget_failures(NOW)));
    assert_eq!(forgotten.await, Ok::<_, Error>(0));
    let later = NOW.saturating_add_ms(1);
    let forgotten = store.write(move |tx| Box::pin(tx.forget_failures(later)));
    assert_eq!(forgotten.await, Ok::<_, Error>(10));
}

async fn a_recovery_code_is_known_to_its_account_until_spent(database: Database) {
    let store = database.open().await;
    let [alice, bob] = [enrol(&store, "alice").await.account, enrol(&store, "bob").await.account];
    let [code, other] = [7, 8].map(|byte| RecoveryCode::from_bytes([byte; 10]));
    let given = code.clone();
    let give = store
        .write(move |tx| Box::pin(async move { tx.replace_recovery_codes(alice, &[given]).await }));
    give.await.map_err(|error: Error| error).unwrap();
    let has = async |account: AccountId, code: &RecoveryCode| {
        store.has_recovery_code(account, code).await.unwrap()
    };
    assert!(has(alice, &code).await);
    assert!(!has(alice, &other).await && !has(bob, &code).await);
    let offered = code.clone();
    let spend = store
        .write(move |tx| Box::pin(async move { tx.spend_recovery_code(alice, &offered).await }));
    assert_eq!(spend.await, Ok::<_, Error>(true));
    assert!(!has(alice, &code).await);
}

async fn known_lanes_are_places_until_the_account_has_a_key(database: Database) {
    let store = database.open().await;
    let account = enrol(&store, "alice").await.account;
    let bob = enrol(&store, "bob").await.account;
    let username = name("alice");
    let known = async || record(&store, Seeking::by_name(&username)).await.unwrap().known_lanes;
    assert_eq!(known().await, 0);
    for (owner, number) in [(account, 1), (account, 2), (bob, 3)] {
        let place = LoginLocation::new(Some(mac(number)), "192.0.2.7");
        let noted = store.write(move |tx| Box::pin(tx.remember_place(owner, place, NOW)));
        noted.await.map_err(|error: Error| error).unwrap();
    }
    assert_eq!(known().await, 2);
    super::devices::bind_and_revoke(&store, account, bob).await;
    assert_eq!(known().await, 1, "one of two devices is revoked, and places do not count");
}
