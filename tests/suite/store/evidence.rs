//! The tree over the audit log: every row has a leaf, and old roots do not change.

use super::fixture::{Database, NOW};
use fourauth_audit::{
    Hash,
    leaf::{self, Leaf},
    proof::{verify_consistency, verify_inclusion},
    tree::Frontier,
};
use fourauth_store::{AuditEntry, ErasedBy, Error, EvidenceRow, SignedCheckpoint, Store};
use futures_util::future::join_all;
use std::sync::Arc;

on_both_databases![
    every_leaf_follows_from_its_row_and_the_leaf_before,
    the_root_of_every_smaller_tree_can_be_recomputed,
    every_row_has_an_inclusion_proof,
    every_smaller_tree_leads_to_the_whole_one,
    roots_of_a_tree_without_a_leaf_are_unknown,
    a_rolled_back_row_leaves_no_leaf,
    concurrent_rows_form_one_chain_without_a_gap,
    rows_older_than_the_tree_get_their_leaves_once,
    a_row_inserted_outside_the_store_gets_no_leaf,
    a_checkpoint_is_stored_once_and_by_one_key,
    a_snapshot_is_consistent_and_has_the_referenced_rows,
];

fn entry(number: usize) -> AuditEntry {
    AuditEntry {
        at: NOW,
        username: (!number.is_multiple_of(3)).then(|| format!("user{number}")),
        action: "login",
        success: number.is_multiple_of(2),
        detail: format!("detail {number}"),
    }
}

async fn append(store: &Store, count: usize) {
    let appended: Result<(), Error> = store
        .write(move |tx| {
            Box::pin(async move {
                for number in 0..count {
                    tx.append(&entry(number)).await?;
                }
                Ok(())
            })
        })
        .await;
    appended.unwrap();
}

/// Every row of the tree, after all leaves are integrated.
async fn evidence(store: &Store) -> Vec<EvidenceRow> {
    let mut log = store.log_snapshot().await.unwrap();
    let mut rows: Vec<EvidenceRow> = Vec::new();
    loop {
        let page = log.evidence(rows.len() as u64, 300).await.unwrap();
        if page.is_empty() {
            return rows;
        }
        rows.extend(page);
    }
}

fn recomputed(row: &EvidenceRow, previous: Hash) -> Hash {
    let salt = row.salt.unwrap();
    let name = row.username.as_deref().map(|name| leaf::name_hash(&salt, name));
    let detail = leaf::detail_hash(&salt, &row.detail);
    let EvidenceRow { id, ts_utc, action, success, node, node_seq, .. } = row;
    let (id, success, node_seq) = (*id, *success, *node_seq);
    Leaf { id, ts_utc, name, action, success, detail, node, node_seq, previous }.hash()
}

fn assert_one_chain(rows: &[EvidenceRow]) {
    let mut previous = leaf::FIRST;
    for (row, number) in rows.iter().zip(0..) {
        assert_eq!((row.position, row.node_seq), (number, number + 1));
        assert_eq!(row.leaf_hash, recomputed(row, previous), "row {}", row.id);
        previous = row.leaf_hash;
    }
}

fn root(leaves: &[Hash]) -> Hash {
    let mut frontier = Frontier::default();
    for leaf in leaves {
        frontier.push(*leaf);
    }
    frontier.root()
}

async fn every_leaf_follows_from_its_row_and_the_leaf_before(database: Database) {
    let store = database.open().await;
    append(&store, 7).await;
    append(&store, 1).await;
    let rows = evidence(&store).await;
    assert_eq!(rows.len(), 8);
    assert_one_chain(&rows);
    let salts: Vec<_> = rows.iter().map(|row| row.salt).collect();
    assert!((1..8).all(|later| !salts[..later].contains(&salts[later])));
    let leaves: Vec<Hash> = rows.iter().map(|row| row.leaf_hash).collect();
    assert_eq!(store.tree_head().await.unwrap().frontier.root(), root(&leaves));
}

async fn the_root_of_every_smaller_tree_can_be_recomputed(database: Database) {
    let store = database.open().await;
    append(&store, 300).await;
    append(&store, 300).await;
    let leaves: Vec<Hash> = evidence(&store).await.iter().map(|row| row.leaf_hash).collect();
    assert_eq!(leaves.len(), 600);
    for size in [0, 1, 2, 3, 255, 256, 257, 400, 511, 512, 513, 599, 600] {
        let expected = root(&leaves[..size]);
        assert_eq!(store.root_at(size as u64).await, Ok(Some(expected)), "{size}");
    }
    assert_eq!(store.root_at(601).await, Ok(None));
    let sizes = [0, 1, 2, 2, 3, 255, 256, 257, 400, 511, 512, 513, 599, 600, 601, 900];
    let roots: Vec<_> = sizes.iter().map(|size| leaves.get(..*size).map(root)).collect();
    let sizes = sizes.map(|size| size as u64);
    assert_eq!(store.roots_at(&sizes).await.unwrap(), roots);
    assert_eq!(store.roots_at(&[]).await.unwrap(), []);
}

async fn every_smaller_tree_leads_to_the_whole_one(database: Database) {
    let store = database.open().await;
    append(&store, 300).await;
    store.integrate_all().await.unwrap();
    let leaves: Vec<Hash> = evidence(&store).await.iter().map(|row| row.leaf_hash).collect();
    for (old, size) in [(0_usize, 300), (1, 300), (255, 256), (256, 257), (299, 300), (300, 300)] {
        let [before, after] = [old, size].map(|size| root(&leaves[..size]));
        let [old, size] = [old, size].map(|size: usize| size as u64);
        let proof = store.consistency_proof(old, size).await.unwrap().unwrap();
        assert!(verify_consistency(old, &before, size, &after, &proof), "{old} {size}");
    }
    assert_eq!(store.consistency_proof(301, 300).await, Ok(None));
    assert_eq!(store.consistency_proof(1, 301).await, Ok(None));
}

async fn roots_of_a_tree_without_a_leaf_are_unknown(database: Database) {
    let store = database.open().await;
    append(&store, 300).await;
    store.integrate_all().await.unwrap();
    let plain = database.plain().await;
    plain.execute("DELETE FROM audit_leaf WHERE position = 280").await;
    let roots = store.roots_at(&[256, 280, 281, 300]).await.unwrap();
    assert_eq!(roots.iter().map(Option::is_some).collect::<Vec<_>>(), [false; 4]);
    assert!(store.roots_at(&[256, 280]).await.unwrap().iter().all(Option::is_some));
}

async fn every_row_has_an_inclusion_proof(database: Database) {
    let store = database.open().await;
    append(&store, 270).await;
    let rows = evidence(&store).await;
    for number in [0, 1, 100, 255, 256, 268, 269] {
        let row: &EvidenceRow = &rows[number];
        let proof = store.inclusion_proof(row.id, 270).await.unwrap().unwrap();
        assert_eq!((proof.position, proof.leaf_hash), (number as u64, row.leaf_hash));
        let shown = |leaf, proof: &fourauth_store::InclusionProof| {
            verify_inclusion(leaf, proof.position, proof.size, &proof.path, &proof.root)
        };
        assert!(shown(&row.leaf_hash, &proof));
        assert!(!shown(&rows[(number + 1) % 270].leaf_hash, &proof));
    }
    assert_eq!(
        store.inclusion_proof(rows[269].id, 269).await,
        Ok(None),
        "the row is newer than that tree"
    );
    assert_eq!(store.inclusion_proof(4711, 270).await, Ok(None), "the row does not exist");
}

async fn a_rolled_back_row_leaves_no_leaf(database: Database) {
    let store = database.open().await;
    append(&store, 2).await;
    let undone: Result<(), Error> = store
        .write(|tx| {
            Box::pin(async move {
                tx.append(&entry(0)).await?;
                Err(Error::Corrupt { table: "none", column: "none" })
            })
        })
        .await;
    undone.unwrap_err();
    append(&store, 1).await;
    let rows = evidence(&store).await;
    assert_eq!(rows.len(), 3);
    assert_one_chain(&rows);
}

async fn concurrent_rows_form_one_chain_without_a_gap(database: Database) {
    let store = database.open().await;
    let writers = (0..100).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            append(&store, 2).await;
            // The tasks take turns in any order.
            store.integrate().await.unwrap();
        })
    });
    for joined in join_all(writers).await {
        joined.unwrap();
    }
    let rows = evidence(&store).await;
    assert_eq!(rows.len(), 200);
    assert_one_chain(&rows);
    let leaves: Vec<Hash> = rows.iter().map(|row| row.leaf_hash).collect();
    assert_eq!(store.root_at(200).await, Ok(Some(root(&leaves))));
}

async fn rows_older_than_the_tree_get_their_leaves_once(database: Database) {
    database.open().await.close().await;
    let plain = database.plain().await;
    for _ in 0..3 {
        let old = "INSERT INTO access_logs (ts_utc, username, action, success, detail) \
                   VALUES ('2024-01-01T00:00:00Z', 'alice', 'login', 1, 'before')";
        plain.execute(old).await;
    }
    // The migration stores this value where rows exist.
    plain.execute("UPDATE audit_tree SET legacy_to = (SELECT MAX(id) FROM access_logs)").await;

    for _ in 0..2 {
        let store = database.open().await;
        append(&store, 1).await;
        store.close().await;
    }
    let rows = evidence(&*database.open().await).await;
    assert_eq!(rows.len(), 5);
    assert_one_chain(&rows);
    assert!(rows[..3].iter().all(|row| row.detail == "before"));
}

async fn a_row_inserted_outside_the_store_gets_no_leaf(database: Database) {
    let store = database.open().await;
    append(&store, 1).await;
    let forged = "INSERT INTO access_logs (ts_utc, username, action, success, detail) \
                  VALUES ('2024-01-01T00:00:00Z', 'alice', 'login', 1, 'forged')";
    database.plain().await.execute(forged).await;
    store.close().await;
    let rows = evidence(&*database.open().await).await;
    assert_eq!(rows.len(), 1);
}

async fn a_checkpoint_is_stored_once_and_by_one_key(database: Database) {
    let store = database.open().await;
    let signed = |size| SignedCheckpoint {
        size,
        ts_utc: NOW.to_string(),
        epoch: 3,
        note: format!("note {size}"),
    };
    for (size, is_first) in [(5, true), (9, true), (5, false)] {
        let checkpoint = signed(size);
        let kept =
            store.write(move |tx| Box::pin(async move { tx.note_checkpoint(&checkpoint).await }));
        assert_eq!(kept.await, Ok(is_first), "{size}");
    }
    let mut log = store.log_snapshot().await.unwrap();
    assert_eq!(log.checkpoints(0).await, Ok(vec![signed(5), signed(9)]));
    assert_eq!(log.checkpoints(5).await, Ok(vec![signed(9)]));
    assert_eq!(store.newest_checkpoint().await, Ok(Some(signed(9))));

    for (vkey, is_ours) in [("log+1+a", true), ("log+1+a", true), ("log+2+b", false)] {
        let claimed = store.write(move |tx| Box::pin(tx.claim_log(vkey)));
        assert_eq!(claimed.await, Ok(is_ours), "{vkey}");
    }
    assert_eq!(store.tree_head().await.unwrap().vkey.as_deref(), Some("log+1+a"));
}

async fn a_snapshot_is_consistent_and_has_the_referenced_rows(database: Database) {
    let store = database.open().await;
    append(&store, 5).await;
    let mut before = store.log_snapshot().await.unwrap();
    assert_eq!(before.evidence(0, 100).await.unwrap().len(), 5);
    let erased: Result<_, Error> = store
        .write(|tx| {
            Box::pin(async {
                tx.erase_audit_rows("user1", NOW, &ErasedBy::unsigned("by hand")).await
            })
        })
        .await;
    assert_eq!(erased.unwrap().rows, 1);

    let mut after = store.log_snapshot().await.unwrap();
    let rows = after.evidence(0, 100).await.unwrap();
    let by = rows.iter().find_map(|row| row.erased_by).unwrap();
    assert!(rows.iter().any(|row| row.id == by && row.action == "erase_audit"));

    let rows = before.evidence(0, 100).await.unwrap();
    assert_eq!(rows.len(), 5);
    assert_eq!(rows[1].username.as_deref(), Some("user1"));
}
