//! Factors: one-time codes spent once, changes only on the latest version, and sessions that they
//! end.

use super::fixture::{
    Database, NOW, enrol, hash, key, mac, name, new_session, session_of, template,
};
use fourauth_factors::totp::Step;
use fourauth_protocol::secret::Secret;
use fourauth_store::{AccountId, BoxFuture, Error, NewFace, Seeking, Store, TotpStage, Tx};
use fourauth_tests::record::record;
use std::sync::Arc;

on_both_databases![
    a_step_is_spent_once_and_so_are_the_earlier_ones,
    a_code_confirms_once_and_logs_in_once,
    a_new_key_starts_unspent_and_unconfirmed,
    a_changed_factor_raises_the_version_and_ends_the_sessions,
    a_change_decided_on_an_older_version_is_refused,
    a_rehash_of_the_same_password_ends_no_session,
    a_session_is_refused_once_the_account_has_changed,
    a_session_ends_when_it_expires,
];

async fn spend(store: &Store, account: AccountId, version: i64, step: u64) -> bool {
    let spent = store.write(move |tx| {
        Box::pin(async move { tx.spend_step(account, version, Step(step)).await })
    });
    spent.await.unwrap()
}

async fn confirm(store: &Store, account: AccountId, step: u64) -> bool {
    let confirmed = store
        .write(move |tx| Box::pin(async move { tx.confirm_step(account, 1, Step(step)).await }));
    confirmed.await.unwrap()
}

async fn open_session(store: &Store, account: AccountId, version: i64) -> bool {
    let session = new_session(account, version, 9);
    let opened = store.write(move |tx| Box::pin(async move { tx.open_session(&session).await }));
    opened.await.unwrap()
}

async fn a_step_is_spent_once_and_so_are_the_earlier_ones(database: Database) {
    let store = database.open().await;
    let alice = enrol(&store, "alice").await;
    let steps = [(100, true), (100, false), (99, false), (101, true), (u64::MAX, false)];
    for (step, wins) in steps {
        assert_eq!(spend(&store, alice.account, alice.version, step).await, wins, "{step}");
    }
    assert!(!spend(&store, alice.account, alice.version + 1, 200).await, "on another version");
    assert!(!spend(&store, AccountId(-5), 1, 200).await, "of an unknown account");
    assert_eq!(
        record(&store, Seeking::by_name(&name("alice"))).await.unwrap().totp_step,
        Step(101)
    );
}

async fn a_code_confirms_once_and_logs_in_once(database: Database) {
    let store = database.open().await;
    let account = enrol(&store, "alice").await.account;
    assert!(confirm(&store, account, 100).await);
    assert!(spend(&store, account, 1, 100).await);
    assert!(!confirm(&store, account, 100).await);
    assert!(!spend(&store, account, 1, 100).await);
    let confirmed = record(&store, Seeking::by_name(&name("alice"))).await.unwrap();
    assert_eq!(confirmed.totp_stage, TotpStage::Confirmed);
}

async fn a_new_key_starts_unspent_and_unconfirmed(database: Database) {
    let store = database.open().await;
    let account = enrol(&store, "alice").await.account;
    assert!(confirm(&store, account, 100).await && spend(&store, account, 1, 100).await);

    let replaced = store
        .write(move |tx| Box::pin(async move { tx.replace_totp(account, 1, &key(0xbb)).await }));
    assert!(replaced.await.unwrap());

    let alice = record(&store, Seeking::by_name(&name("alice"))).await.unwrap();
    assert_eq!(alice.totp.as_bytes(), key(0xbb).as_bytes());
    assert_eq!(alice.totp_stage, TotpStage::Unconfirmed);
    assert!(spend(&store, account, 2, 100).await);
}

type Change = for<'a> fn(&'a mut Tx, AccountId, i64) -> BoxFuture<'a, Result<bool, Error>>;

/// Every way to change a factor.
const CHANGES: [(&str, Change); 4] = [
    ("password", |tx, account, version| {
        Box::pin(async move { tx.replace_password(account, version, &hash("new"), true).await })
    }),
    ("totp", |tx, account, version| {
        Box::pin(async move { tx.replace_totp(account, version, &key(2)).await })
    }),
    ("face", |tx, account, version| {
        let image = Some(Secret::new(b"picture".to_vec()));
        let face = NewFace { template: template(account, 3), epoch: 2, image };
        Box::pin(async move { tx.replace_template(account, version, &face).await })
    }),
    ("device", |tx, account, version| {
        Box::pin(async move { tx.replace_mac(account, version, mac(2)).await })
    }),
];

async fn change(store: &Arc<Store>, change: Change, account: AccountId, version: i64) -> bool {
    store.write(move |tx| change(tx, account, version)).await.unwrap()
}

async fn a_changed_factor_raises_the_version_and_ends_the_sessions(database: Database) {
    let store = database.open().await;
    for (factor, work) in CHANGES {
        let before = enrol(&store, factor).await;
        assert!(open_session(&store, before.account, 1).await);
        assert_eq!(store.sessions_of(before.account, NOW).await.unwrap(), 1);

        assert!(change(&store, work, before.account, 1).await, "{factor}");

        let after = record(&store, Seeking::by_name(&name(factor))).await.unwrap();
        assert_eq!(after.version, 2, "{factor}");
        assert_eq!(store.sessions_of(before.account, NOW).await.unwrap(), 0, "{factor}");
        assert_eq!(session_of(&store, 9, NOW).await, None, "{factor}");
        let changed = [
            before.password.as_stored().expose() != after.password.as_stored().expose(),
            before.totp.as_bytes() != after.totp.as_bytes(),
            before.template.to_bytes().expose() != after.template.to_bytes().expose(),
            before.mac != after.mac,
        ];
        assert_eq!(changed, CHANGES.map(|(name, _)| name == factor));
    }
}

async fn a_change_decided_on_an_older_version_is_refused(database: Database) {
    let store = database.open().await;
    let account = enrol(&store, "alice").await.account;
    assert!(change(&store, CHANGES[3].1, account, 1).await);
    assert!(open_session(&store, account, 2).await);
    for (factor, work) in CHANGES {
        assert!(!change(&store, work, account, 1).await, "{factor}");
    }
    assert_eq!(
        store.sessions_of(account, NOW).await.unwrap(),
        1,
        "a refused change ends no session"
    );
    assert_eq!(record(&store, Seeking::by_name(&name("alice"))).await.unwrap().version, 2);
}

async fn a_rehash_of_the_same_password_ends_no_session(database: Database) {
    let store = database.open().await;
    let account = enrol(&store, "alice").await.account;
    assert!(open_session(&store, account, 1).await);

    let upgraded = store.write(move |tx| {
        Box::pin(async move { tx.upgrade_password(account, 1, &hash("dearer")).await })
    });
    assert!(upgraded.await.unwrap());

    let alice = record(&store, Seeking::by_name(&name("alice"))).await.unwrap();
    assert_eq!(alice.password.as_stored().expose(), hash("dearer").as_stored().expose());
    assert_eq!(alice.version, 1);
    let session = session_of(&store, 9, NOW).await.unwrap();
    assert_eq!((session.account, session.username.as_str()), (account, "alice"));
}

async fn a_session_is_refused_once_the_account_has_changed(database: Database) {
    let store = database.open().await;
    let account = enrol(&store, "alice").await.account;
    assert!(change(&store, CHANGES[0].1, account, 1).await);
    assert!(!open_session(&store, account, 1).await);

    // The row of a login that was decided before and committed after the change, which PostgreSQL
    // allows.
    let plain = database.plain().await;
    assert!(open_session(&store, account, 2).await);
    plain.execute("UPDATE sessions SET version = 1").await;
    assert_eq!(session_of(&store, 9, NOW).await, None);
    assert_eq!(store.sessions_of(account, NOW).await.unwrap(), 0);
}

async fn a_session_ends_when_it_expires(database: Database) {
    let store = database.open().await;
    let account = enrol(&store, "alice").await.account;
    assert!(open_session(&store, account, 1).await);
    let end = NOW.saturating_add_ms(60_000);

    assert!(session_of(&store, 9, end.saturating_add_ms(-1)).await.is_some());
    assert_eq!(session_of(&store, 9, end).await, None);
    assert_eq!(store.forget_ended_sessions(end).await, Ok(1));
}
