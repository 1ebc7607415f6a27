//! Erasing a name from the audit log leaves a log that still verifies.

use super::fixture::{Database, NOW, add, new_user};
use data_encoding::HEXLOWER;
use fourauth_audit::{
    Hash,
    leaf::{self, Leaf},
};
use fourauth_protocol::consent::Consent;
use fourauth_store::{
    AuditEntry, Consented, ErasedBy, Error, EvidenceRow, ForeignEntry, Held, NewConsent, Remains,
    Store,
};

on_both_databases![
    an_erased_name_leaves_a_log_that_verifies,
    an_erasure_has_at_most_a_thousand_rows_per_transaction,
    a_row_that_is_not_what_was_sealed_is_not_erased,
    rows_of_the_erasing_transaction_are_not_erased,
    a_name_that_no_account_can_have_is_erased_too,
    rows_outside_the_tree_are_erased_and_recorded,
    an_imported_row_keeps_its_texts_and_gets_a_leaf,
    consents_are_erased_with_the_account,
    a_database_can_be_compacted_while_in_use,
];

async fn append(store: &Store, names: Vec<Option<&'static str>>) {
    let appended: Result<(), Error> = store
        .write(|tx| {
            Box::pin(async move {
                for username in names {
                    tx.append(&entry(username)).await?;
                }
                Ok(())
            })
        })
        .await;
    appended.unwrap();
}

fn entry(username: Option<&str>) -> AuditEntry {
    AuditEntry {
        at: NOW,
        username: username.map(str::to_owned),
        action: "login",
        success: false,
        detail: "Face verification failed. peer=192.0.2.7".into(),
    }
}

/// Runs one erasing transaction and returns the number of erased rows.
async fn erase(store: &Store, username: &str) -> u64 {
    let username = username.to_owned();
    let erased: Result<u64, Error> = store
        .write(move |tx| {
            Box::pin(async move {
                tx.erase_audit_rows(&username, NOW, &ErasedBy::unsigned("by hand"))
                    .await
                    .map(|erased| erased.rows)
            })
        })
        .await;
    erased.unwrap()
}

/// Every row of the tree, after all leaves are integrated.
async fn evidence(store: &Store) -> Vec<EvidenceRow> {
    let mut log = store.log_snapshot().await.unwrap();
    let mut rows: Vec<EvidenceRow> = Vec::new();
    loop {
        let page = log.evidence(rows.len() as u64, 500).await.unwrap();
        if page.is_empty() {
            return rows;
        }
        rows.extend(page);
    }
}

/// The leaf hash, from the texts and their salt, or from the hashes that an erasure keeps.
fn recomputed(row: &EvidenceRow, previous: Hash) -> Hash {
    let (name, detail) = match &row.salt {
        Some(salt) => {
            let name = row.username.as_deref().map(|name| leaf::name_hash(salt, name));
            (name, leaf::detail_hash(salt, &row.detail))
        }
        None => (row.name_hash, row.detail_hash.unwrap()),
    };
    let EvidenceRow { id, ts_utc, action, success, node, node_seq, .. } = row;
    let (id, success, node_seq) = (*id, *success, *node_seq);
    Leaf { id, ts_utc, name, action, success, detail, node, node_seq, previous }.hash()
}

async fn an_erased_name_leaves_a_log_that_verifies(database: Database) {
    let store = database.open().await;
    append(&store, vec![Some("alice"), Some("bob"), None, Some("alice"), Some("alice2")]).await;
    let before = evidence(&store).await;
    let root = store.root_at(5).await.unwrap();
    assert_eq!(erase(&store, "alice").await, 2);
    assert_eq!(erase(&store, "alice").await, 0, "no row has the name any more");

    let after = evidence(&store).await;
    assert_eq!(after.len(), 6);
    let (log, told) = (&after[..5], &after[5]);
    let mut previous = leaf::FIRST;
    for row in &after {
        assert_eq!(row.leaf_hash, recomputed(row, previous), "row {}", row.id);
        previous = row.leaf_hash;
    }
    assert_eq!(store.root_at(5).await.unwrap(), root, "the tree is unchanged");

    let erased: Vec<i64> =
        log.iter().filter(|row| row.erased_by.is_some()).map(|row| row.id).collect();
    assert_eq!(erased, [before[0].id, before[3].id]);
    for row in log.iter().filter(|row| row.erased_by.is_some()) {
        assert_eq!((row.username.as_deref(), row.detail.as_str(), row.salt), (None, "", None));
        assert_eq!(row.erased_by, Some(told.id));
        assert!(row.name_hash.is_some() && row.detail_hash.is_some());
    }
    for (row, was) in log.iter().zip(&before).filter(|(row, _)| row.erased_by.is_none()) {
        assert_eq!(row, was);
    }
    let digest = HEXLOWER.encode(&leaf::erasure_digest(erased.into_iter()));
    assert_eq!((told.action.as_str(), told.username.as_deref()), ("erase_audit", None));
    assert_eq!(told.detail, format!("rows=2 digest={digest} by hand"));
}

async fn an_erasure_has_at_most_a_thousand_rows_per_transaction(database: Database) {
    let store = database.open().await;
    append(&store, vec![Some("alice"); 1001]).await;
    assert_eq!((erase(&store, "alice").await, erase(&store, "alice").await), (1000, 1));
    assert_eq!(erase(&store, "alice").await, 0);
    let left =
        "SELECT COUNT(*) FROM access_logs WHERE username IS NOT NULL OR detail LIKE '%Face%'";
    assert_eq!(database.plain().await.number(left).await, 0);
}

async fn a_row_that_is_not_what_was_sealed_is_not_erased(database: Database) {
    let store = database.open().await;
    append(&store, vec![Some("alice"), Some("bob"), Some("alice"), Some("carol")]).await;
    let plain = database.plain().await;
    let changed = "UPDATE access_logs SET username = 'alice' WHERE username IN ('bob', 'carol')";
    assert_eq!(plain.execute(changed).await, 2);
    let erased = store.erase_from_log("alice", NOW, "by hand").await.unwrap();
    assert_eq!((erased.rows, erased.changed, erased.recorded_by.len()), (2, 2, 1));
    let left = "SELECT COUNT(*) FROM access_logs a JOIN audit_leaf l ON l.log_id = a.id \
        WHERE a.username = 'alice' AND a.detail LIKE 'Face%' AND l.salt IS NOT NULL";
    assert_eq!(plain.number(left).await, 2, "what proves the change is still there");
}

async fn rows_of_the_erasing_transaction_are_not_erased(database: Database) {
    let store = database.open().await;
    let erased: Result<u64, Error> = store
        .write(move |tx| {
            Box::pin(async move {
                tx.append(&entry(Some("alice"))).await?;
                tx.erase_audit_rows("alice", NOW, &ErasedBy::unsigned("by hand"))
                    .await
                    .map(|erased| erased.rows)
            })
        })
        .await;
    assert_eq!(erased, Ok(0));
    assert_eq!(erase(&store, "alice").await, 1);
}

async fn a_name_that_no_account_can_have_is_erased_too(database: Database) {
    let store = database.open().await;
    append(&store, vec![Some("padded "), Some("padded"), Some("bell\u{7}")]).await;
    assert_eq!(erase(&store, "padded ").await, 1);
    assert_eq!(erase(&store, "bell\u{7}").await, 1);
    let left = "SELECT COUNT(*) FROM access_logs WHERE username IS NOT NULL";
    assert_eq!(database.plain().await.number(left).await, 1);
    assert_eq!(erase(&store, "padded").await, 1);
}

async fn rows_outside_the_tree_are_erased_and_recorded(database: Database) {
    let store = database.open().await;
    let plain = database.plain().await;
    let by_hand = "INSERT INTO access_logs (ts_utc, username, action, success, detail) \
        VALUES ('2026-11-21T12:00:00.000Z', 'alice', 'login', 1, 'Face of another hand'), \
        ('2026-11-21T12:00:00.000Z', 'bob', 'login', 1, 'Face of another hand')";
    assert_eq!(plain.execute(by_hand).await, 2);
    assert_eq!(erase(&store, "alice").await, 1);
    assert_eq!(erase(&store, "alice").await, 0);
    let left = "SELECT COUNT(*) FROM access_logs WHERE username = 'alice'";
    assert_eq!(plain.number(left).await, 0);
    let others = "SELECT COUNT(*) FROM access_logs WHERE username = 'bob' AND detail LIKE 'Face%'";
    assert_eq!(plain.number(others).await, 1);
    let told = "SELECT COUNT(*) FROM access_logs WHERE action = 'erase_unproved' \
        AND detail = 'rows=1 by hand'";
    assert_eq!(plain.number(told).await, 1);
}

async fn an_imported_row_keeps_its_texts_and_gets_a_leaf(database: Database) {
    let store = database.open().await;
    let foreign = ForeignEntry {
        ts_utc: "2024-05-01T08:00:00.123456+00:00".into(),
        username: Some("田中".into()),
        action: "recover_mac".into(),
        success: true,
        detail: "MAC\u{1b}[2J".into(),
    };
    let appended: Result<_, Error> =
        store.write(move |tx| Box::pin(async move { tx.append_foreign(&foreign).await })).await;
    let row = &evidence(&store).await[0];
    assert_eq!(row.id, appended.unwrap().0);
    assert_eq!(row.ts_utc, "2024-05-01T08:00:00.123456+00:00");
    assert_eq!((row.username.as_deref(), row.action.as_str()), (Some("田中"), "recover_mac"));
    assert_eq!(row.detail, "MAC\\u{1b}[2J");
    assert_eq!(row.leaf_hash, recomputed(row, leaf::FIRST));
}

async fn consents_are_erased_with_the_account(database: Database) {
    let store = database.open().await;
    let user = new_user("alice");
    let id = user.id;
    add(&store, user).await.unwrap();
    assert_eq!(store.consents(id).await, Ok(Vec::new()));

    let agreed = NewConsent {
        notice: Consent::parse("v3").ok(),
        keeps_picture: true,
        given: NOW,
        given_by: "admin=margaret".into(),
        request: Some("01J".into()),
    };
    let later = NewConsent { notice: None, keeps_picture: false, ..agreed.clone() };
    for (consent, expected) in [
        (agreed, vec![(Held::Template, Some("v3")), (Held::Picture, Some("v3"))]),
        (later, vec![(Held::Template, None)]),
    ] {
        let noted: Result<(), Error> = store
            .write(move |tx| Box::pin(async move { tx.record_consent(id, &consent).await }))
            .await;
        noted.unwrap();
        let consents = store.consents(id).await.unwrap();
        let held = |it: &Consented| (it.what, it.notice.clone());
        let expected: Vec<_> =
            expected.into_iter().map(|(what, notice)| (what, notice.map(str::to_owned))).collect();
        assert_eq!(consents.iter().map(held).collect::<Vec<_>>(), expected);
        assert_eq!((consents[0].given, consents[0].given_by.as_str()), (NOW, "admin=margaret"));
    }
    assert_eq!(store.write(move |tx| Box::pin(tx.erase_user(id))).await, Ok::<_, Error>(true));
    assert_eq!(store.consents(id).await, Ok(Vec::new()));
}

async fn a_database_can_be_compacted_while_in_use(database: Database) {
    let (store, other) = (database.open().await, database.open().await);
    append(&other, vec![Some("alice"); 500]).await;
    erase(&store, "alice").await;
    let remains = store.compact().await.unwrap();
    assert_eq!(remains, if database.is_sqlite() { Remains::None } else { Remains::Pages });
    append(&other, vec![Some("bob")]).await;
    assert_eq!(evidence(&other).await.len(), 502);
}
