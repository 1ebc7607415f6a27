//! Passcodes: one of many redemptions wins, and wrong ones are counted however many come at once.

use super::fixture::{Database, NOW, enrol};
use fourauth_protocol::{passcode::Passcode, time::UnixMillis};
use fourauth_store::{
    AccountId, Channel, Error, NewPasscode, PasscodeMac, PasscodeNumber, PasscodeWindow, Store,
};
use futures_util::future::join_all;
use std::sync::Arc;
use tokio::sync::Barrier;

/// Number of concurrent redemptions.
const RACERS: usize = 100;

/// Rounds of each race. `assure once` runs a hundred.
const ROUNDS: u32 = 5;

/// Most wrong passcodes.
const TRIES: u32 = 5;

on_both_databases![
    of_a_hundred_redemptions_one_spends_the_passcode,
    control_a_look_before_the_change_lets_many_win,
    after_five_wrong_passcodes_the_right_one_is_refused,
    a_window_bounds_passcodes_and_ends,
    the_same_passcode_of_another_account_is_another,
];

const MINUTE_MS: i64 = 60_000;

fn window(at: UnixMillis) -> PasscodeWindow {
    PasscodeWindow {
        over: at.saturating_add_ms(-15 * MINUTE_MS),
        latest: at.saturating_add_ms(MINUTE_MS),
        issued: 3,
        tries: TRIES,
    }
}

async fn account(store: &Store, name: &str) -> AccountId {
    enrol(store, name).await.account
}

async fn issue(store: &Store, account: AccountId, number: u128, at: UnixMillis) -> bool {
    let new = NewPasscode {
        mac: mac(store, account, number),
        channel: Channel::Mail,
        at,
        expires: at.saturating_add_ms(3 * MINUTE_MS),
        window: window(at),
    };
    let issued: Result<bool, Error> = store
        .write(move |tx| Box::pin(async move { tx.issue_passcode(account, &new).await }))
        .await;
    issued.unwrap()
}

fn mac(store: &Store, account: AccountId, number: u128) -> PasscodeMac {
    store.passcode_mac(account, &Passcode::from_number(number))
}

async fn spend(store: &Store, account: AccountId, number: u128) -> bool {
    let mac = mac(store, account, number);
    let spent: Result<bool, Error> = store
        .write(move |tx| Box::pin(async move { tx.spend_passcode(account, &mac, TRIES).await }))
        .await;
    spent.unwrap()
}

async fn count_wrong(store: &Store, account: AccountId) {
    let counted: Result<(), Error> =
        store.write(move |tx| Box::pin(tx.count_wrong_passcode(account))).await;
    counted.unwrap();
}

async fn of_a_hundred_redemptions_one_spends_the_passcode(database: Database) {
    let store = database.open().await;
    let alice = account(&store, "alice").await;
    for round in 0..ROUNDS {
        let at = NOW.saturating_add_ms(i64::from(round) * 15 * MINUTE_MS);
        assert!(issue(&store, alice, 7, at).await);
        let racers = (0..RACERS).map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { spend(&store, alice, 7).await })
        });
        let won = join_all(racers).await.into_iter().filter(|won| *won.as_ref().unwrap()).count();
        assert_eq!(won, 1, "in round {round}");
    }
}

/// Control: a store that reads the passcode and deletes it later. All tasks read before any writes.
async fn control_a_look_before_the_change_lets_many_win(database: Database) {
    let store = database.open().await;
    let alice = account(&store, "alice").await;
    assert!(issue(&store, alice, 7, NOW).await);
    let plain = Arc::new(database.plain().await);
    let all_have_read = Arc::new(Barrier::new(RACERS));
    let racers = (0..RACERS).map(|_| {
        let (plain, all_have_read) = (Arc::clone(&plain), Arc::clone(&all_have_read));
        tokio::spawn(async move {
            const LOOK: &str = "SELECT COUNT(*) FROM passcodes WHERE code_mac IS NOT NULL";
            let is_there = plain.number(LOOK).await == 1;
            all_have_read.wait().await;
            is_there && plain.execute("UPDATE passcodes SET code_mac = NULL").await == 1
        })
    });
    let won = join_all(racers).await.into_iter().filter(|won| *won.as_ref().unwrap()).count();
    assert!(won > 1, "the control saw no race");
}

async fn after_five_wrong_passcodes_the_right_one_is_refused(database: Database) {
    let store = database.open().await;
    let alice = account(&store, "alice").await;
    assert!(issue(&store, alice, 7, NOW).await);
    // At once: each of them was examined before any was counted.
    join_all((0..TRIES).map(|_| count_wrong(&store, alice))).await;
    assert!(!spend(&store, alice, 7).await);
    // A new passcode brings no new tries.
    assert!(!issue(&store, alice, 8, NOW.saturating_add_ms(MINUTE_MS)).await);
    let stored = store.passcode(alice).await.unwrap().unwrap();
    assert_eq!((stored.tries, stored.issued), (TRIES, 1));

    let later = NOW.saturating_add_ms(15 * MINUTE_MS);
    assert!(issue(&store, alice, 9, later).await);
    assert!(spend(&store, alice, 9).await);
}

async fn a_window_bounds_passcodes_and_ends(database: Database) {
    let store = database.open().await;
    let [alice, bob] = [account(&store, "alice").await, account(&store, "bob").await];
    for (number, expected) in [(1, true), (2, true), (3, true), (4, false)] {
        let at = NOW.saturating_add_ms(number * MINUTE_MS);
        assert_eq!(issue(&store, alice, number.unsigned_abs().into(), at).await, expected);
    }
    assert!(!spend(&store, alice, 2).await, "it was replaced");
    assert!(!spend(&store, bob, 3).await, "it is not Bob's");
    assert!(spend(&store, alice, 3).await);
    assert!(issue(&store, bob, 1, NOW).await, "each account has its window");
    assert!(issue(&store, alice, 5, NOW.saturating_add_ms(16 * MINUTE_MS)).await);
    // A clock that was set back by an hour ends the window as well.
    for number in 6..9 {
        assert!(issue(&store, alice, number, NOW.saturating_add_ms(-60 * MINUTE_MS)).await);
    }

    let forget = store.write(|tx| Box::pin(tx.forget_passcodes(NOW)));
    assert_eq!(forget.await, Ok::<u64, Error>(1));
    assert_eq!(store.passcode(alice).await, Ok(None));
}

async fn the_same_passcode_of_another_account_is_another(database: Database) {
    let store = database.open().await;
    let [alice, bob] = [account(&store, "alice").await, account(&store, "bob").await];
    assert_ne!(mac(&store, alice, 7), mac(&store, bob, 7));
    let number = PasscodeNumber::from_bytes([7; 16]);
    assert_ne!(store.passcode_of(alice, number), store.passcode_of(bob, number));
    assert_eq!(store.passcode_of(alice, number), store.passcode_of(alice, number));
}
