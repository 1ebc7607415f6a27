//! Races: exactly one of many concurrent writers succeeds. A control shows that the race is real.

use super::fixture::{Database, NOW, Plain, add, enrol, hash, name, new_user};
use fourauth_factors::totp::Step;
use fourauth_protocol::recovery_code::RecoveryCode;
use fourauth_store::{Added, Error, Failure, Lane, Seeking, Target};
use fourauth_tests::record::record;
use futures_util::future::join_all;
use std::sync::Arc;
use tokio::sync::Barrier;

/// Number of concurrent writers.
const RACERS: usize = 100;

on_both_databases![
    of_a_hundred_tasks_that_spend_one_step_one_succeeds,
    control_of_a_hundred_tasks_that_read_first_many_succeed,
    of_a_hundred_tasks_that_register_one_name_one_succeeds,
    of_twenty_tasks_that_change_one_version_one_succeeds,
    of_a_hundred_tasks_with_one_recovery_code_one_succeeds,
    of_a_hundred_concurrent_failures_all_are_counted,
];

async fn of_a_hundred_tasks_that_spend_one_step_one_succeeds(database: Database) {
    let store = database.open().await;
    let alice = enrol(&store, "alice").await;
    for round in 1..=5 {
        let racers = (0..RACERS).map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let spend = store.write(move |tx| {
                    Box::pin(async move { tx.spend_step(alice.account, 1, Step(round)).await })
                });
                spend.await.unwrap()
            })
        });
        let won = join_all(racers).await.into_iter().filter(|won| *won.as_ref().unwrap()).count();
        assert_eq!(won, 1, "in round {round}");
    }
}

/// Control: a store that reads the watermark and writes it later. All tasks read before any writes;
/// in practice a slow hash between the two steps causes this.
async fn control_of_a_hundred_tasks_that_read_first_many_succeed(database: Database) {
    let store = database.open().await;
    enrol(&store, "alice").await;
    let plain = Arc::new(database.plain().await);
    let all_have_read = Arc::new(Barrier::new(RACERS));
    let racers = (0..RACERS).map(|_| {
        let (plain, all_have_read) = (Arc::clone(&plain), Arc::clone(&all_have_read));
        tokio::spawn(async move { read_then_write(&plain, &all_have_read).await })
    });
    let won = join_all(racers).await.into_iter().filter(|won| *won.as_ref().unwrap()).count();
    assert!(won > 1, "the control saw no race");
}

async fn read_then_write(plain: &Plain, all_have_read: &Barrier) -> bool {
    let spent = plain.number("SELECT totp_step FROM users WHERE username = 'alice'").await;
    all_have_read.wait().await;
    spent < 100
        && plain.execute("UPDATE users SET totp_step = 100 WHERE username = 'alice'").await == 1
}

async fn of_a_hundred_tasks_that_register_one_name_one_succeeds(database: Database) {
    let store = database.open().await;
    let racers = (0..RACERS).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { add(&store, new_user("alice")).await.unwrap() })
    });
    let answers: Vec<Added> = join_all(racers).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers.iter().filter(|added| **added == Added::Yes).count(), 1);
    assert_eq!(answers.iter().filter(|added| **added == Added::NameTaken).count(), RACERS - 1);
    assert_eq!(store.users(None, 500).await.unwrap().len(), 1);
}

async fn of_twenty_tasks_that_change_one_version_one_succeeds(database: Database) {
    let store = database.open().await;
    let account = enrol(&store, "alice").await.account;
    let racers = (0..20).map(|number| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let password = hash(&number.to_string());
            let change = store.write(move |tx| {
                Box::pin(async move { tx.replace_password(account, 1, &password, false).await })
            });
            (number, change.await.unwrap())
        })
    });
    let answers = join_all(racers).await.into_iter().map(Result::unwrap);
    let won: Vec<i32> = answers.filter_map(|(number, won)| won.then_some(number)).collect();
    assert_eq!(won.len(), 1);
    let alice = record(&store, Seeking::by_name(&name("alice"))).await.unwrap();
    let theirs = hash(&won[0].to_string());
    assert_eq!(alice.password.as_stored().expose(), theirs.as_stored().expose());
    assert_eq!(alice.version, 2);
}

async fn of_a_hundred_tasks_with_one_recovery_code_one_succeeds(database: Database) {
    let store = database.open().await;
    let account = enrol(&store, "alice").await.account;
    let code = RecoveryCode::from_bytes([7; 10]);
    let codes = [code.clone()];
    let made = store
        .write(move |tx| Box::pin(async move { tx.replace_recovery_codes(account, &codes).await }));
    made.await.map_err(|error: Error| error).unwrap();
    let racers = (0..RACERS).map(|_| {
        let (store, code) = (Arc::clone(&store), code.clone());
        tokio::spawn(async move {
            let spend = store.write(move |tx| {
                Box::pin(async move { tx.spend_recovery_code(account, &code).await })
            });
            spend.await.map_err(|error: Error| error).unwrap()
        })
    });
    let won = join_all(racers).await.into_iter().filter(|won| *won.as_ref().unwrap()).count();
    assert_eq!(won, 1);
}

async fn of_a_hundred_concurrent_failures_all_are_counted(database: Database) {
    let store = database.open().await;
    let target = Target::account(&name("nobody"));
    let lane = Lane::Unknown;
    let failure = Failure { target, lane, totp: true, face: false, at: NOW };
    let racers = (0..RACERS).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let count =
                store.write(move |tx| Box::pin(async move { tx.count_failure(&failure).await }));
            count.await.map_err(|error: Error| error).unwrap();
        })
    });
    join_all(racers).await;
    let tally = store.tallies(target).await.unwrap().of(lane);
    assert_eq!((tally.failures, tally.totp, tally.face), (100, 100, 0));
    assert_eq!(tally.totp_within_the_minute(NOW), 100);
}
