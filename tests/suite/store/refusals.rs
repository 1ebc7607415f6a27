//! What limits turned away: each counted once, few rows for many, and no name that was erased.

use super::fixture::{Database, NOW};
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{AuditQuery, Error, Refusal, Store};
use futures_util::future::join_all;

on_both_databases![
    refusals_of_one_minute_become_one_row_with_the_name,
    invented_names_share_a_row_beyond_the_first_five,
    a_name_that_is_known_is_counted_apart_among_invented_ones,
    the_minute_that_runs_is_left_alone,
    a_backlog_of_sources_is_gone_after_one_round,
    a_flood_costs_few_statements_and_loses_no_count,
    a_name_that_is_erased_is_counted_without_it,
    a_store_that_closes_counts_what_it_took,
];

const MINUTE: i64 = 60_000;

fn later() -> UnixMillis {
    NOW.saturating_add_ms(MINUTE)
}

fn login(name: &str) -> Refusal {
    Refusal { source: "192.0.2.7".into(), action: "login", name: Some(name.into()), at: NOW }
}

async fn count(store: &Store, refusals: impl IntoIterator<Item = Refusal>) {
    let counted = join_all(refusals.into_iter().map(|refusal| store.count_refusal(refusal))).await;
    assert!(counted.iter().all(Result::is_ok), "{counted:?}");
}

/// The rows that were written down: the name, and the count with what follows it.
async fn limited(store: &Store) -> Vec<(Option<String>, String)> {
    let query = AuditQuery { action: Some("limited".into()), limit: 500, ..AuditQuery::default() };
    let rows = store.audit_rows(&query).await.unwrap().into_iter().rev();
    rows.map(|row| {
        let (_, counted) = row.detail.split_once("count=").unwrap();
        let (counted, _) = counted.split_once(" minute=").unwrap();
        (row.username, counted.to_owned())
    })
    .collect()
}

fn row(name: &str, counted: &str) -> (Option<String>, String) {
    ((!name.is_empty()).then(|| name.to_owned()), counted.to_owned())
}

async fn refusals_of_one_minute_become_one_row_with_the_name(database: Database) {
    let store = database.open().await;
    count(&store, (0..3).map(|_| login("ali\u{202e}ce"))).await;
    count(&store, [Refusal { name: None, ..login("") }]).await;
    assert_eq!(store.conclude_refusals(later()).await, Ok(2));
    assert_eq!(limited(&store).await, [row("", "1"), row("ali\\u{202e}ce", "3")]);
    assert_eq!(store.conclude_refusals(later()).await, Ok(0), "written down once");
}

async fn invented_names_share_a_row_beyond_the_first_five(database: Database) {
    let store = database.open().await;
    for number in 0..8 {
        count(&store, [login(&format!("name-{number}")), login(&format!("name-{number}"))]).await;
    }
    store.conclude_refusals(later()).await.unwrap();
    let mut expected = vec![row("", "6 names=others")];
    expected.extend((0..5).map(|number| row(&format!("name-{number}"), "2")));
    assert_eq!(limited(&store).await, expected);
}

async fn a_name_that_is_known_is_counted_apart_among_invented_ones(database: Database) {
    let store = database.open().await;
    count(&store, [login("alice")]).await;
    for number in 0..8 {
        count(&store, [login(&format!("name-{number}"))]).await;
    }
    count(&store, [login("alice")]).await;
    // Another source, command or minute has five names of its own.
    count(&store, [Refusal { source: "192.0.2.8".into(), ..login("bob") }]).await;
    count(&store, [Refusal { action: "register", ..login("bob") }]).await;
    count(&store, [Refusal { at: NOW.saturating_add_ms(-MINUTE), ..login("bob") }]).await;
    store.conclude_refusals(later()).await.unwrap();
    let rows = limited(&store).await;
    assert!(rows.contains(&row("alice", "2")), "{rows:?}");
    assert_eq!(rows.iter().filter(|row| row.0.as_deref() == Some("bob")).count(), 3, "{rows:?}");
}

async fn the_minute_that_runs_is_left_alone(database: Database) {
    let store = database.open().await;
    count(&store, [login("alice")]).await;
    assert_eq!(store.conclude_refusals(NOW.saturating_add_ms(MINUTE - 1)).await, Ok(0));
    assert_eq!(store.conclude_refusals(later()).await, Ok(1));
}

async fn a_backlog_of_sources_is_gone_after_one_round(database: Database) {
    const SOURCES: usize = 5000;
    const LEFT: &str = "SELECT COUNT(*) FROM refusals";

    let store = database.open().await;
    let source = |number| format!("2001:db8:{number:x}::");
    count(&store, (0..SOURCES).map(|number| Refusal { source: source(number), ..login("alice") }))
        .await;
    let plain = database.plain().await;
    assert_eq!(plain.number(LEFT).await, 5000);
    assert_eq!(store.conclude_refusals(later()).await, Ok(SOURCES));
    assert_eq!(plain.number(LEFT).await, 0);
    // A row of PostgreSQL has the number of the transaction that wrote it.
    if !database.is_sqlite() {
        let transactions = "SELECT COUNT(DISTINCT xmin::text) FROM access_logs";
        assert!(plain.number(transactions).await >= 20, "others could write in between");
    }
    let count = "SELECT COUNT(*) FROM access_logs WHERE action = 'limited' AND username = 'alice'";
    assert_eq!(plain.number(count).await, 5000);
}

async fn a_flood_costs_few_statements_and_loses_no_count(database: Database) {
    let store = database.open().await;
    let before = store.statements();
    count(&store, (0..1000).map(|_| login("alice"))).await;
    assert!(store.statements() - before < 200, "{}", store.statements() - before);
    store.conclude_refusals(later()).await.unwrap();
    assert_eq!(limited(&store).await, [row("alice", "1000")]);
}

async fn a_name_that_is_erased_is_counted_without_it(database: Database) {
    let store = database.open().await;
    count(&store, [login("alice"), login("alice"), login("bob")]).await;
    let erased: Result<u64, Error> =
        store.write(|tx| Box::pin(async move { tx.erase_refusals("alice", NOW).await })).await;
    assert_eq!(erased, Ok(1));
    store.conclude_refusals(later()).await.unwrap();
    assert_eq!(limited(&store).await, [row("", "2"), row("bob", "1")]);
    let named = "SELECT COUNT(*) FROM refusals WHERE name <> ''";
    assert_eq!(database.plain().await.number(named).await, 0);
}

async fn a_store_that_closes_counts_what_it_took(database: Database) {
    let store = database.open().await;
    let counting = count(&store, (0..50).map(|_| login("alice")));
    // Polled in this order: all fifty are handed over before the store begins to close.
    let ((), ()) = tokio::join!(biased; counting, store.close());
    let counted = "SELECT count FROM refusals";
    assert_eq!(database.plain().await.number(counted).await, 50);
    assert!(store.count_refusal(login("alice")).await.is_err());
}
