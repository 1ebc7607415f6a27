//! Codes that reset a password: one of many commands spends one, requests and wrong codes are counted
//! however many come at once, and a change of the account makes every code useless.

use super::fixture::{Database, NOW, enrol, notice};
use fourauth_protocol::{
    command::Identifier,
    contact::{Email, Phone},
    reset_code::ResetCode,
    time::UnixMillis,
    username::Username,
};
use fourauth_store::{
    AccountId, Error, Event, NewResetCode, PasscodeNumber, RequestedBy, ResetCodeMac, Store,
    Target, Window,
};
use futures_util::future::join_all;
use std::sync::Arc;
use tokio::sync::Barrier;

/// Number of concurrent commands.
const RACERS: usize = 100;

/// Most wrong codes.
const TRIES: u32 = 5;

const MINUTE_MS: i64 = 60_000;

/// The version of a new account.
const FIRST: i64 = 1;

on_both_databases![
    of_a_hundred_commands_one_spends_the_code,
    control_a_look_before_the_change_lets_many_win,
    of_a_hundred_requests_three_are_counted,
    a_minute_of_requests_slides,
    five_wrong_codes_use_up_the_window_of_all_codes,
    a_code_is_of_one_account_and_version,
    no_code_is_stored_for_an_account_that_does_not_exist,
    sent_codes_can_be_made_useless,
    old_codes_and_requests_are_deleted,
    an_erased_account_leaves_no_code,
];

fn since(at: UnixMillis, length: i64) -> Window {
    Window { over: at.saturating_add_ms(-length), latest: at.saturating_add_ms(MINUTE_MS) }
}

fn mac(store: &Store, account: AccountId, number: u128) -> ResetCodeMac {
    store.reset_code_mac(account, &ResetCode::from_number(number))
}

async fn issue(store: &Store, account: AccountId, number: u128, at: UnixMillis) {
    let expires = at.saturating_add_ms(10 * MINUTE_MS);
    let new = NewResetCode {
        account,
        version: FIRST,
        mac: mac(store, account, number),
        at,
        expires,
        window: since(at, 15 * MINUTE_MS),
    };
    let event = Event::ResetCode { number: PasscodeNumber::from_bytes([7; 16]), expires };
    let message = notice(account, event, at);
    let issued: Result<(), Error> = store
        .write(move |tx| Box::pin(async move { tx.issue_reset_code(&new, &message).await }))
        .await;
    issued.unwrap();
}

async fn spend_of(store: &Store, account: AccountId, version: i64, number: u128) -> bool {
    let mac = mac(store, account, number);
    let spent: Result<bool, Error> = store
        .write(move |tx| {
            Box::pin(async move { tx.spend_reset_code(account, version, &mac, TRIES).await })
        })
        .await;
    spent.unwrap()
}

async fn spend(store: &Store, account: AccountId, number: u128) -> bool {
    spend_of(store, account, FIRST, number).await
}

async fn count_wrong(store: &Store, account: AccountId) {
    let counted: Result<(), Error> =
        store.write(move |tx| Box::pin(tx.count_wrong_reset_code(account))).await;
    counted.unwrap();
}

/// Counts a request in a transaction that is rolled back if a limit is reached.
async fn request(store: &Store, by: RequestedBy, at: UnixMillis) -> bool {
    let counted: Result<(), Refused> = store
        .write(move |tx| {
            Box::pin(async move {
                let counted = tx.count_request(by, at, since(at, MINUTE_MS)).await?;
                if counted { Ok(()) } else { Err(Refused::Limit) }
            })
        })
        .await;
    match counted {
        Ok(()) => true,
        Err(Refused::Limit) => false,
        Err(Refused::Store(error)) => panic!("{error}"),
    }
}

/// Why a request was rolled back.
#[derive(Debug)]
enum Refused {
    Limit,
    Store(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

fn by(name: &str, source: &str) -> RequestedBy {
    let named = Target::reset(&Username::parse(name).unwrap().into());
    RequestedBy { named, source: Some(Target::resets_from(source)) }
}

async fn of_a_hundred_commands_one_spends_the_code(database: Database) {
    let store = database.open().await;
    let alice = enrol(&store, "alice").await.account;
    for round in 0..5 {
        issue(&store, alice, 7, NOW.saturating_add_ms(round * MINUTE_MS)).await;
        let racers = (0..RACERS).map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { spend(&store, alice, 7).await })
        });
        let won = join_all(racers).await.into_iter().filter(|won| *won.as_ref().unwrap()).count();
        assert_eq!(won, 1, "in round {round}");
    }
}

/// Control: a store that reads the code and deletes it later. All tasks read before any writes.
async fn control_a_look_before_the_change_lets_many_win(database: Database) {
    let store = database.open().await;
    let alice = enrol(&store, "alice").await.account;
    issue(&store, alice, 7, NOW).await;
    let plain = Arc::new(database.plain().await);
    let all_have_read = Arc::new(Barrier::new(RACERS));
    let racers = (0..RACERS).map(|_| {
        let (plain, all_have_read) = (Arc::clone(&plain), Arc::clone(&all_have_read));
        tokio::spawn(async move {
            const LOOK: &str = "SELECT COUNT(*) FROM reset_codes WHERE code_mac IS NOT NULL";
            let is_there = plain.number(LOOK).await == 1;
            all_have_read.wait().await;
            is_there && plain.execute("UPDATE reset_codes SET code_mac = NULL").await == 1
        })
    });
    let won = join_all(racers).await.into_iter().filter(|won| *won.as_ref().unwrap()).count();
    assert!(won > 1, "the control saw no race");
}

async fn of_a_hundred_requests_three_are_counted(database: Database) {
    let store = database.open().await;
    // One name from many sources, and many names from one source.
    let racers = (0..RACERS).map(|number| {
        let (one, other) = (by("alice", &format!("{number}")), by(&format!("{number}"), "here"));
        let store = Arc::clone(&store);
        tokio::spawn(
            async move { (request(&store, one, NOW).await, request(&store, other, NOW).await) },
        )
    });
    let counted = join_all(racers).await;
    let of_name = counted.iter().filter(|both| both.as_ref().unwrap().0).count();
    let of_source = counted.iter().filter(|both| both.as_ref().unwrap().1).count();
    assert_eq!((of_name, of_source), (3, 3));
}

async fn a_minute_of_requests_slides(database: Database) {
    let store = database.open().await;
    let later = |seconds: i64| NOW.saturating_add_ms(seconds * 1000);
    let alice = by("alice", "here");
    for (second, expected) in [(0, true), (20, true), (40, true), (59, false), (60, true)] {
        assert_eq!(request(&store, alice, later(second)).await, expected, "{second}");
    }
    // The third last is now that of second 20.
    let window = since(later(70), MINUTE_MS);
    let third_last = store.third_last_request(alice, window).await.unwrap();
    assert_eq!(third_last, Some(later(20)));
    assert!(!request(&store, by("bob", "here"), later(70)).await, "the source");
    assert!(!request(&store, by("alice", "there"), later(70)).await, "the name");
    assert!(request(&store, by("bob", "there"), later(70)).await);
    // A clock that was set back by an hour ends the minute as well.
    assert!(request(&store, alice, later(-3600)).await);

    let of = |identifier: Identifier| Target::reset(&identifier);
    let email = Email::parse("alice@example.org").unwrap();
    let names = [
        of(Username::parse("alice@example.org").unwrap().into()),
        of(email.into()),
        of(Phone::parse("+4930123456").unwrap().into()),
    ];
    assert!(names[0] != names[1] && names[1] != names[2]);
}

async fn five_wrong_codes_use_up_the_window_of_all_codes(database: Database) {
    let store = database.open().await;
    let alice = enrol(&store, "alice").await.account;
    issue(&store, alice, 7, NOW).await;
    // At once: each of them was examined before any was counted.
    join_all((0..TRIES).map(|_| count_wrong(&store, alice))).await;
    assert!(!spend(&store, alice, 7).await);
    issue(&store, alice, 8, NOW.saturating_add_ms(MINUTE_MS)).await;
    assert!(!spend(&store, alice, 8).await, "a new code brings no new tries");
    assert_eq!(store.reset_record(alice).await.unwrap().code.tries, TRIES);

    issue(&store, alice, 9, NOW.saturating_add_ms(15 * MINUTE_MS)).await;
    assert_eq!(store.reset_record(alice).await.unwrap().code.tries, 0);
    assert!(spend(&store, alice, 9).await);
}

async fn a_code_is_of_one_account_and_version(database: Database) {
    let store = database.open().await;
    let [alice, bob] = [enrol(&store, "alice").await.account, enrol(&store, "bob").await.account];
    assert_ne!(mac(&store, alice, 7), mac(&store, bob, 7));
    let number = PasscodeNumber::from_bytes([7; 16]);
    assert_ne!(store.reset_code_of(alice, number), store.reset_code_of(bob, number));
    issue(&store, alice, 7, NOW).await;
    assert!(!spend(&store, bob, 7).await);
    assert!(!spend_of(&store, alice, FIRST + 1, 7).await);
    assert!(spend(&store, alice, 7).await);
}

async fn no_code_is_stored_for_an_account_that_does_not_exist(database: Database) {
    let store = database.open().await;
    let alice = enrol(&store, "alice").await.account;
    let missing = AccountId(alice.0 ^ 1);
    issue(&store, missing, 7, NOW).await;
    let plain = database.plain().await;
    assert_eq!(plain.number("SELECT COUNT(*) FROM reset_codes").await, 0);
    assert_eq!(plain.number("SELECT COUNT(*) FROM outbox").await, 0);
    // The control: the same for an account.
    issue(&store, alice, 7, NOW).await;
    assert_eq!(plain.number("SELECT COUNT(*) FROM reset_codes").await, 1);
    assert_eq!(plain.number("SELECT COUNT(*) FROM outbox").await, 1);
}

async fn sent_codes_can_be_made_useless(database: Database) {
    let store = database.open().await;
    let alice = enrol(&store, "alice").await.account;
    issue(&store, alice, 7, NOW).await;
    count_wrong(&store, alice).await;
    let voided: Result<(), Error> =
        store.write(move |tx| Box::pin(tx.void_sent_codes(alice))).await;
    voided.unwrap();
    assert!(!spend(&store, alice, 7).await);
    let code = store.reset_record(alice).await.unwrap().code;
    assert_eq!((code.mac, code.tries), (None, 1), "the count stays");
}

async fn old_codes_and_requests_are_deleted(database: Database) {
    let store = database.open().await;
    let alice = enrol(&store, "alice").await.account;
    issue(&store, alice, 7, NOW).await;
    assert!(request(&store, by("alice", "here"), NOW).await);
    for (before, expected) in [(NOW, 0), (NOW.saturating_add_ms(1), 3)] {
        let forget = store.write(move |tx| {
            Box::pin(async move {
                let codes = tx.forget_reset_codes(before).await?;
                Ok(codes + tx.forget_old_requests(before).await?)
            })
        });
        assert_eq!(forget.await, Ok::<u64, Error>(expected));
    }
}

async fn an_erased_account_leaves_no_code(database: Database) {
    let store = database.open().await;
    let alice = enrol(&store, "alice").await.account;
    issue(&store, alice, 7, NOW).await;
    let erased: Result<bool, Error> = store.write(move |tx| Box::pin(tx.erase_user(alice))).await;
    assert!(erased.unwrap());
    let plain = database.plain().await;
    assert_eq!(plain.number("SELECT COUNT(*) FROM reset_codes").await, 0);
}
