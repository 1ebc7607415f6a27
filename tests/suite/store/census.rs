//! The numbers about a whole database, and the last write that failed.

use super::fixture::{Database, NOW, enrol, new_session, notice};
use fourauth_protocol::device::DeviceName;
use fourauth_store::{AuditEntry, Census, Error, Event, OutboxCensus, SignedCheckpoint, Store, Tx};

on_both_databases![a_census_counts_what_is_there, a_lost_race_is_no_failed_write];

async fn counted(store: &Store) -> Census {
    store.census(NOW).await.unwrap()
}

/// A session that is open, one that has ended, and one that was renewed.
async fn add_sessions(store: &Store) {
    let alice = enrol(store, "alice").await;
    let [open, mut ended, mut renewed] =
        [1, 2, 3].map(|number| new_session(alice.account, alice.version, number));
    ended.ends = NOW;
    renewed.ends = NOW.saturating_add_ms(60_000);
    let done: Result<(), Error> = store
        .write(move |tx| {
            Box::pin(async move {
                for session in [&open, &ended, &renewed] {
                    assert!(tx.open_session(session).await?);
                }
                let renewal = fourauth_store::Renewal {
                    account: renewed.account,
                    old: renewed.master,
                    new: [4; 32],
                    at: NOW,
                    expires: renewed.ends,
                };
                assert!(tx.renew_session(&renewal).await?);
                let event = Event::DeviceBound { name: DeviceName::parse("laptop").unwrap() };
                for _ in 0..4 {
                    tx.notify(&notice(alice.account, event.clone(), NOW)).await?;
                }
                tx.not_delivered(1, 0, "rejected", None).await?;
                tx.not_delivered(2, 0, fourauth_store::NO_ADDRESS, None).await
            })
        })
        .await;
    done.unwrap();
}

async fn a_census_counts_what_is_there(database: Database) {
    let store = database.open().await;
    let empty = counted(&store).await;
    assert_eq!((empty.sessions, empty.outbox), (0, OutboxCensus::default()));
    assert_eq!((empty.audit_rows, empty.checkpoint), (0, None));

    add_sessions(&store).await;
    let signed =
        SignedCheckpoint { size: 7, ts_utc: NOW.to_string(), epoch: 0, note: String::new() };
    let noted: Result<bool, Error> =
        store.write(move |tx| Box::pin(async move { tx.note_checkpoint(&signed).await })).await;
    assert!(noted.unwrap());
    let full = counted(&store).await;
    // The open one, and the successor of the renewed one.
    assert_eq!(full.sessions, 2);
    let OutboxCensus { waiting, oldest_waiting, dead, without_address, sent } = full.outbox;
    assert_eq!((waiting, dead, without_address, sent), (2, 1, 1, 0));
    assert_eq!(oldest_waiting, Some(NOW));
    assert_eq!(full.checkpoint, Some((7, NOW)));
    assert!(full.bytes > 10_000);
}

/// Appends a row and then breaks a constraint.
async fn conflict(tx: &mut Tx) -> Result<(), Error> {
    let detail = String::new();
    let entry = AuditEntry { at: NOW, username: None, action: "login", success: true, detail };
    tx.append(&entry).await?;
    let node = fourauth_store::Run {
        node: "n".into(),
        running: true,
        started: NOW,
        settings: "{}".into(),
    };
    tx.note_run(&node).await
}

async fn a_lost_race_is_no_failed_write(database: Database) {
    let store = database.open().await;
    enrol(&store, "alice").await;
    let done: Result<(), Error> = store.write(|tx| Box::pin(conflict(tx))).await;
    done.unwrap();
    let again = super::fixture::add(&store, super::fixture::new_user("alice")).await;
    assert_eq!(again, Ok(fourauth_store::Added::NameTaken));
    assert_eq!(store.last_write_failure(), None);
    // Control: a database without its table does not take the write.
    database.plain().await.execute("DROP TABLE server_run").await;
    let failed: Result<(), Error> = store.write(|tx| Box::pin(conflict(tx))).await;
    assert!(failed.is_err());
    assert!(!store.last_write_failure().unwrap().is_over);
}
