//! The audit log: rows are read back by every filter, and cannot mislead a reader.

use super::fixture::{Database, NOW};
use fourauth_protocol::answer::AuditRow;
use fourauth_store::{AuditEntry, AuditQuery, Error, MAX_ROWS, Store};

on_both_databases![
    rows_come_back_newest_first_by_every_filter,
    pages_follow_each_other_without_a_gap,
    text_from_a_peer_cannot_mislead_a_reader,
    no_query_returns_more_rows_than_the_limit,
];

async fn append(store: &Store, entries: Vec<AuditEntry>) {
    let appended: Result<(), Error> = store
        .write(|tx| {
            Box::pin(async move {
                for entry in &entries {
                    tx.append(entry).await?;
                }
                Ok(())
            })
        })
        .await;
    appended.unwrap();
}

fn entry(username: Option<&str>, action: &'static str, success: bool) -> AuditEntry {
    let username = username.map(str::to_owned);
    AuditEntry { at: NOW, username, action, success, detail: "password=match".into() }
}

async fn read(store: &Store, query: AuditQuery) -> Vec<AuditRow> {
    store.audit_rows(&query).await.unwrap()
}

fn all() -> AuditQuery {
    AuditQuery { limit: 50, ..AuditQuery::default() }
}

async fn rows_come_back_newest_first_by_every_filter(database: Database) {
    let store = database.open().await;
    let entries = vec![
        entry(Some("alice"), "login", true),
        entry(Some("bob"), "login", false),
        entry(None, "register", false),
        entry(Some("alice"), "recover_totp", true),
    ];
    append(&store, entries).await;

    let rows = read(&store, all()).await;
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    assert_eq!(ids, [4, 3, 2, 1]);
    assert_eq!(
        rows[3],
        AuditRow {
            id: 1,
            ts_utc: NOW,
            username: Some("alice".into()),
            action: "login".into(),
            success: true,
            detail: "password=match".into(),
        }
    );

    let alice = Some("alice".to_owned());
    let login = Some("login".to_owned());
    for (query, expected) in [
        (AuditQuery { username: alice.clone(), ..all() }, vec![4, 1]),
        (AuditQuery { action: login.clone(), ..all() }, vec![2, 1]),
        (AuditQuery { success: Some(false), ..all() }, vec![3, 2]),
        (AuditQuery { success: Some(true), before_id: Some(4), ..all() }, vec![1]),
        (AuditQuery { id: Some(3), ..all() }, vec![3]),
        (AuditQuery { username: alice, action: login, success: Some(true), ..all() }, vec![1]),
        (AuditQuery { username: Some("x' OR '1'='1".into()), ..all() }, vec![]),
        (AuditQuery { action: Some("a\0b".into()), ..all() }, vec![]),
    ] {
        let ids: Vec<i64> = read(&store, query.clone()).await.iter().map(|row| row.id).collect();
        assert_eq!(ids, expected, "{query:?}");
    }
}

async fn pages_follow_each_other_without_a_gap(database: Database) {
    let store = database.open().await;
    append(&store, vec![entry(None, "login", true); 25]).await;
    let mut seen = Vec::new();
    let mut before_id = None;
    loop {
        let page = read(&store, AuditQuery { before_id, limit: 10, ..all() }).await;
        let Some(last) = page.last() else { break };
        before_id = Some(last.id);
        seen.extend(page.iter().map(|row| row.id));
    }
    assert_eq!(seen, (1..=25).rev().collect::<Vec<_>>());
}

async fn text_from_a_peer_cannot_mislead_a_reader(database: Database) {
    let store = database.open().await;
    let claimed = "al\u{1b}[2J\u{202e}ice\0\n";
    let hostile = AuditEntry {
        username: Some(claimed.into()),
        detail: "x\r\n".repeat(4000),
        ..entry(None, "login", false)
    };
    let long = AuditEntry { username: Some("y".repeat(1_000_000)), ..entry(None, "login", false) };
    append(&store, vec![hostile, long]).await;

    let by_name = AuditQuery { username: Some(claimed.into()), ..all() };
    let found = read(&store, by_name).await;
    assert_eq!(found.len(), 1, "a row is found by the name as the peer sent it");
    assert_eq!(found[0].username.as_deref(), Some("al\\u{1b}[2J\\u{202e}ice\\u{0}\\u{a}"));
    assert!(found[0].detail.starts_with("x\\u{d}\\u{a}x") && found[0].detail.ends_with('…'));
    assert!(found[0].detail.chars().count() <= 1000);

    let long = &read(&store, all()).await[0];
    assert_eq!(long.username.as_ref().map(|name| name.chars().count()), Some(128));
}

async fn no_query_returns_more_rows_than_the_limit(database: Database) {
    let store = database.open().await;
    append(&store, vec![entry(None, "login", true); 510]).await;
    let rows = read(&store, AuditQuery { limit: u32::MAX, ..all() }).await;
    assert_eq!(rows.len(), usize::try_from(MAX_ROWS).unwrap());
    assert!(read(&store, AuditQuery { limit: 0, ..all() }).await.is_empty());
}
