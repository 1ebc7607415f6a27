//! Grants: each is used by one holder, however many try at the same moment.

use super::fixture::{Database, NOW};
use fourauth_store::{Error, GrantHolder, GrantId, Store};
use futures_util::future::join_all;
use std::sync::Arc;

/// Number of concurrent holders.
const RACERS: u8 = 100;

/// Rounds of each race. `assure once` runs a hundred.
const ROUNDS: u8 = 5;

const HOUR_MS: i64 = 3_600_000;

on_both_databases![
    of_a_hundred_holders_one_spends_a_grant,
    control_without_the_condition_every_holder_wins,
    a_holder_uses_its_grant_again_and_another_does_not,
    a_command_that_fails_spends_no_grant,
    a_spent_grant_is_kept_for_an_hour_after_its_expiry,
];

fn grant(byte: u8) -> GrantId {
    GrantId::new([byte; 16], NOW)
}

fn holder(byte: u8) -> GrantHolder {
    GrantHolder::new([byte; 16])
}

async fn spend(store: &Store, grant: GrantId, holder: GrantHolder) -> bool {
    let spent: Result<bool, Error> =
        store.write(move |tx| Box::pin(async move { tx.spend_grant(grant, holder).await })).await;
    spent.unwrap()
}

async fn of_a_hundred_holders_one_spends_a_grant(database: Database) {
    let store = database.open().await;
    for round in 1..=ROUNDS {
        let racers = (0..RACERS).map(|racer| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { spend(&store, grant(round), holder(racer)).await })
        });
        let won = join_all(racers).await.into_iter().filter(|won| *won.as_ref().unwrap()).count();
        assert_eq!(won, 1, "in round {round}");
    }
}

/// Control: the statement without its `WHERE`.
async fn control_without_the_condition_every_holder_wins(database: Database) {
    database.open().await;
    let plain = Arc::new(database.plain().await);
    let literal = |byte: u8| {
        let hex = format!("{byte:02x}").repeat(16);
        if database.is_sqlite() { format!("x'{hex}'") } else { format!("'\\x{hex}'") }
    };
    let racers = (0..RACERS).map(|racer| {
        let (plain, id, holder) = (Arc::clone(&plain), literal(1), literal(racer));
        tokio::spawn(async move {
            let sql = format!(
                "INSERT INTO spent_grants (id, holder, expires) VALUES ({id}, {holder}, 0) \
                 ON CONFLICT (id) DO UPDATE SET holder = excluded.holder"
            );
            plain.execute(&sql).await == 1
        })
    });
    let won = join_all(racers).await.into_iter().filter(|won| *won.as_ref().unwrap()).count();
    assert_eq!(won, usize::from(RACERS));
}

async fn a_holder_uses_its_grant_again_and_another_does_not(database: Database) {
    let store = database.open().await;
    for (id, user, expected) in [(1, 1, true), (1, 2, false), (1, 1, true), (2, 2, true)] {
        assert_eq!(spend(&store, grant(id), holder(user)).await, expected, "{id} {user}");
    }
    assert_eq!(database.plain().await.number("SELECT COUNT(*) FROM spent_grants").await, 2);
}

async fn a_command_that_fails_spends_no_grant(database: Database) {
    let store = database.open().await;
    let failed: Result<(), Error> = store
        .write(|tx| {
            Box::pin(async move {
                assert!(tx.spend_grant(grant(1), holder(1)).await?);
                Err(Error::Corrupt { table: "users", column: "version" })
            })
        })
        .await;
    failed.unwrap_err();
    assert!(spend(&store, grant(1), holder(2)).await);
}

async fn a_spent_grant_is_kept_for_an_hour_after_its_expiry(database: Database) {
    let store = database.open().await;
    assert!(spend(&store, grant(1), holder(1)).await);
    for (later, forgotten) in [(0, 0), (HOUR_MS - 1, 0), (HOUR_MS, 1)] {
        let now = NOW.saturating_add_ms(later);
        let deleted: Result<u64, Error> =
            store.write(move |tx| Box::pin(tx.forget_spent_grants(now))).await;
        assert_eq!(deleted, Ok(forgotten), "{later}");
    }
}
