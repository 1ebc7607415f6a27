//! Refusals by limits: each is counted once, many share a few rows, and erased names are removed.

use super::fixture::{Database, NOW};
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{AuditQuery, Error, Refusal, Store};
use futures_util::future::join_all;

on_both_databases![
    refusals_of_one_minute_become_one_row_with_the_name,
    invented_names_share_a_row_beyond_the_first_five,
    a_known_name_keeps_its_own_row_among_invented_ones,
    the_current_minute_is_not_concluded,
    a_backlog_of_sources_is_written_in_one_round,
    a_flood_costs_few_statements_and_loses_no_count,
    refusals_of_an_erased_name_stay_counted_without_it,
    a_closing_store_counts_the_refusals_it_accepted,
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

/// The written rows: the name, and the count with the text after it.
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
    assert_eq!(store.conclude_refusals(later()).await, Ok(0), "each refusal is written once");
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

async fn a_known_name_keeps_its_own_row_among_invented_ones(database: Database) {
    let store = database.open().await;
    count(&store, [login("alice")]).await;
    for number in 0..8 {
        count(&store, [login(&format!("name-{number}"))]).await;
    }
    count(&store, [login("alice")]).await;
    // Another source, command or minute has its own five names.
    count(&store, [Refusal { source: "192.0.2.8".into(), ..login("bob") }]).await;
    count(&store, [Refusal { action: "register", ..login("bob") }]).await;
    count(&store, [Refusal { at: NOW.saturating_add_ms(-MINUTE), ..login("bob") }]).await;
    store.conclude_refusals(later()).await.unwrap();
    let rows = limited(&store).await;
    assert!(rows.contains(&row("alice", "2")), "{rows:?}");
    assert_eq!(rows.iter().filter(|row| row.0.as_deref() == Some("bob")).count(), 3, "{rows:?}");
}

async fn the_current_minute_is_not_concluded(database: Database) {
    let store = database.open().await;
    count(&store, [login("alice")]).await;
    assert_eq!(store.conclude_refusals(NOW.saturating_add_ms(MINUTE - 1)).await, Ok(0));
    assert_eq!(store.conclude_refusals(later()).await, Ok(1));
}

async fn a_backlog_of_sources_is_written_in_one_round(database: Database) {
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
    // Each row of PostgreSQL records the transaction that wrote it.
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

async fn refusals_of_an_erased_name_stay_counted_without_it(database: Database) {
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

async fn a_closing_store_counts_the_refusals_it_accepted(database: Database) {
    let store = database.open().await;
    let counting = count(&store, (0..50).map(|_| login("alice")));
    // Polled in this order, so all fifty are queued before the store starts to close.
    let ((), ()) = tokio::join!(biased; counting, store.close());
    let counted = "SELECT count FROM refusals";
    assert_eq!(database.plain().await.number(counted).await, 50);
    assert!(store.count_refusal(login("alice")).await.is_err());
}
