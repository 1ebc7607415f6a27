//! The delivery of notices: one server sends, and one attempt at a time is made.

use super::fixture::{Database, NOW, enrol, notice};
use fourauth_store::{
    Channel, Deliveries, Destination, Due, Error, Event, HeldBack, Lease, Sort, Store,
};
use futures_util::future::join_all;
use std::sync::Arc;

on_both_databases![
    one_of_many_servers_gets_the_lease,
    an_attempt_is_begun_once,
    a_server_without_the_lease_begins_nothing,
    a_failure_is_not_recorded_over_an_operators_resend,
    deliveries_are_counted_in_both_windows,
    every_database_has_one_installation,
];

const RACERS: usize = 20;

fn lease(owner: &str) -> Lease<'_> {
    Lease { owner, now: NOW, until: NOW.saturating_add_ms(60_000) }
}

async fn take(store: &Store, owner: String) -> bool {
    let taken: Result<bool, Error> = store
        .write(move |tx| Box::pin(async move { tx.take_courier_lease(lease(&owner)).await }))
        .await;
    taken.unwrap()
}

async fn begin(store: &Store, due: Due, owner: &'static str) -> bool {
    let retry = NOW.saturating_add_ms(30_000);
    let begun: Result<bool, Error> = store
        .write(move |tx| {
            Box::pin(async move { tx.begin_delivery(&due, lease(owner), retry).await })
        })
        .await;
    begun.unwrap()
}

async fn due(store: &Store) -> Vec<Due> {
    store.due_notices(NOW, HeldBack::default(), 10).await.unwrap()
}

/// A store with a notice to Alice.
async fn with_a_notice(database: &Database) -> Arc<Store> {
    let store = database.open().await;
    let account = enrol(&store, "alice").await.account;
    let notice = notice(account, Event::FaceReplaced, NOW);
    let put: Result<(), Error> =
        store.write(move |tx| Box::pin(async move { tx.notify(&notice).await })).await;
    put.unwrap();
    store.courier_installation().await.unwrap();
    store
}

async fn one_of_many_servers_gets_the_lease(database: Database) {
    let store = with_a_notice(&database).await;
    let racers = (0..RACERS).map(|racer| take(&store, format!("server {racer}")));
    let taken = join_all(racers).await.into_iter().filter(|taken| *taken).count();
    assert_eq!(taken, 1);
}

async fn an_attempt_is_begun_once(database: Database) {
    let store = with_a_notice(&database).await;
    assert!(take(&store, "self".to_owned()).await);
    let waiting = due(&store).await.remove(0);
    assert!(waiting.email.is_some() && waiting.attempts == 0);
    let racers = (0..RACERS).map(|_| begin(&store, waiting.clone(), "self"));
    let begun = join_all(racers).await.into_iter().filter(|begun| *begun).count();
    assert_eq!(begun, 1);
    assert_eq!(due(&store).await, [], "it waits until the attempt must be over");
}

async fn a_server_without_the_lease_begins_nothing(database: Database) {
    let store = with_a_notice(&database).await;
    let waiting = due(&store).await.remove(0);
    assert!(!begin(&store, waiting.clone(), "self").await, "there is no lease");
    assert!(take(&store, "self".to_owned()).await);
    assert!(!begin(&store, waiting.clone(), "another").await);
    assert!(begin(&store, waiting, "self").await);
}

async fn a_failure_is_not_recorded_over_an_operators_resend(database: Database) {
    let store = with_a_notice(&database).await;
    assert!(take(&store, "self".to_owned()).await);
    let waiting = due(&store).await.remove(0);
    assert!(begin(&store, waiting.clone(), "self").await);
    let id = waiting.id;
    let resent: Result<bool, Error> =
        store.write(move |tx| Box::pin(tx.resend_notice(id, NOW))).await;
    assert_eq!(resent, Ok(true));
    let failed: Result<(), Error> =
        store.write(move |tx| Box::pin(tx.not_delivered(id, 1, "refused", None))).await;
    assert_eq!(failed, Ok(()));
    assert_eq!(due(&store).await, [waiting], "the notice is as new");
}

async fn deliveries_are_counted_in_both_windows(database: Database) {
    let store = with_a_notice(&database).await;
    let waiting = due(&store).await.remove(0);
    let (id, account) = (waiting.id, waiting.account);
    let count = async |to: Destination<'_>| {
        let (short, long) = (NOW.saturating_add_ms(-900_000), NOW.saturating_add_ms(-86_400_000));
        let passcodes = store.deliveries(to, Sort::Passcodes, short, long).await.unwrap();
        assert_eq!(passcodes, Deliveries::default(), "a notice is no passcode");
        store.deliveries(to, Sort::Notices, short, long).await.unwrap()
    };
    let delivered = async |channel: Channel, ago: i64| {
        let at = NOW.saturating_add_ms(-ago);
        let done: Result<(), Error> =
            store.write(move |tx| Box::pin(tx.delivered(id, channel, at))).await;
        done.unwrap();
    };
    let (email, phone) = (waiting.email.unwrap(), waiting.phone.unwrap());
    let neighbour = format!("{}9999", &phone[..phone.len() - 4]);
    let (none, once) = (Deliveries::default(), Deliveries { short: 1, long: 1 });
    let earlier = Deliveries { short: 0, long: 1 };

    assert_eq!(count(Destination::Account(account)).await, none);
    delivered(Channel::Mail, 1000).await;
    assert_eq!(count(Destination::Account(account)).await, once);
    assert_eq!(count(Destination::Email(&email)).await, once);
    assert_eq!(count(Destination::Phone(&phone)).await, none);
    delivered(Channel::Sms, 1_000_000).await;
    assert_eq!(count(Destination::Email(&email)).await, none);
    assert_eq!(count(Destination::Phone(&phone)).await, earlier);
    assert_eq!(count(Destination::PhoneBlock(&neighbour)).await, earlier);
    assert_eq!(count(Destination::PhoneBlock("+491701234567")).await, none);
    delivered(Channel::Sms, 86_400_001).await;
    assert_eq!(count(Destination::Account(account)).await, none);
}

async fn every_database_has_one_installation(database: Database) {
    let store = with_a_notice(&database).await;
    let first = store.courier_installation().await.unwrap();
    assert_eq!(store.courier_installation().await.unwrap(), first);
    assert_eq!(first.len(), 20);
}
