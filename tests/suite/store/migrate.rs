//! Databases of earlier versions: after migration every row is kept, decrypts, and is in the tree.

use super::fixture::{Database, Plain, enrol, keyring, name};
use fourauth_store::{AuditQuery, Event, OpenError, Seeking, Store};
use fourauth_tests::{
    old_schema::{Dialect, Past, VERSIONS, dumps},
    record::record,
};
use std::{collections::BTreeSet, sync::Arc};

/// More than one perfect subtree of the audit log, of the size that is stored with its root.
const ROWS: u32 = 300;

on_both_databases![
    the_first_version_is_migrated,
    the_second_version_is_migrated,
    the_third_version_is_migrated,
];

async fn the_first_version_is_migrated(database: Database) {
    assert_migrated(&database, VERSIONS[0]).await;
}

async fn the_second_version_is_migrated(database: Database) {
    assert_migrated(&database, VERSIONS[1]).await;
}

async fn the_third_version_is_migrated(database: Database) {
    assert_migrated(&database, VERSIONS[2]).await;
}

async fn assert_migrated(database: &Database, version: usize) {
    let dialect = if database.is_sqlite() { Dialect::Sqlite } else { Dialect::Postgres };
    let plain = database.plain().await;
    for statement in past().await.statements(version, dialect) {
        plain.script(&statement).await;
    }
    let before = texts(&plain, version, dialect).await;
    assert!(before.len() > ROWS as usize);

    let location = database.location();
    let existing = || Store::open_existing(&location, Arc::new(keyring(1)));
    assert_eq!(existing().await.unwrap_err(), OpenError::OlderSchema);
    assert_eq!(texts(&plain, version, dialect).await, before, "a local command migrates nothing");

    let store = database.open_with(keyring(1)).await.unwrap();
    existing().await.unwrap().close().await;
    let after = texts(&plain, version, dialect).await;
    assert_eq!(before.difference(&after).next(), None);
    assert!(store.seal_rows().await.unwrap() > 0);
    let alice = record(&store, Seeking::by_name(&name("alice"))).await.unwrap();
    assert_eq!(alice.username, name("alice"));
    assert_old_notices(&store, version).await;
    while store.integrate().await.unwrap() > 0 {}
    assert_eq!(store.tree_head().await.unwrap().frontier.size(), u64::from(ROWS));
    let newest = AuditQuery { limit: 1, ..AuditQuery::default() };
    let row = store.audit_rows(&newest).await.unwrap().pop().unwrap();
    let proof = store.inclusion_proof(row.id, ROWS.into()).await.unwrap().unwrap();
    assert_eq!(proof.root, store.tree_head().await.unwrap().frontier.root());
}

/// Notices of an earlier version keep their word and text.
async fn assert_old_notices(store: &Store, version: usize) {
    let notices = store.notices(10).await.unwrap();
    assert_eq!(notices.len(), if version < 2 { 0 } else { 2 });
    for notice in notices {
        let Event::Other(other) = &notice.event else { panic!("{notice:?}") };
        assert_eq!((notice.event.word(), other.detail()), ("device_bound", "laptop"));
        assert_eq!((notice.context, notice.language), (None, None));
    }
}

/// Alice and Bob, read from a database of the current version.
async fn past() -> Past {
    let today = Database::sqlite();
    let store = today.open().await;
    enrol(&store, "alice").await;
    enrol(&store, "bob").await;
    store.close().await;
    Past::of(&today.folder().join("fourauth.db"), ROWS).await.unwrap()
}

async fn texts(plain: &Plain, version: usize, dialect: Dialect) -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    for (table, dump) in dumps(version, dialect) {
        for row in plain.texts(&dump).await {
            texts.insert(format!("{table}: {row}"));
        }
    }
    texts
}
