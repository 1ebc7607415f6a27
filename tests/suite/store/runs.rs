//! The last run of each server, and how long it is kept.

use super::fixture::{Database, NOW};
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{Error, Run, Store};

on_both_databases![a_run_is_removed_only_by_its_age];

async fn note(store: &Store, node: &str, running: bool, started: UnixMillis) {
    let run = Run { node: node.into(), running, started, settings: "{}".into() };
    let noted: Result<(), Error> =
        store.write(move |tx| Box::pin(async move { tx.note_run(&run).await })).await;
    noted.unwrap();
}

async fn a_run_is_removed_only_by_its_age(database: Database) {
    let store = database.open().await;
    let old = NOW.saturating_add_ms(-1);
    for (node, running, started) in
        [("stopped", false, old), ("killed", true, old), ("young", true, NOW)]
    {
        note(&store, node, running, started).await;
    }
    let forgotten: Result<(), Error> =
        store.write(|tx| Box::pin(async move { tx.forget_runs(NOW).await })).await;
    forgotten.unwrap();
    for node in ["stopped", "killed", "young"] {
        let last = store.last_run(node).await.unwrap().unwrap();
        assert_eq!(last.node, "young", "{node} must be removed");
    }
}
