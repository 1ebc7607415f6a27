//! Guard clauses: anything outdated, expired, disabled, spent or of another account is refused.

use super::fixture::{Database, NOW, does, enrol, hash, name, new_session, notice, session_of};
use fourauth_factors::totp::Step;
use fourauth_protocol::{device::DeviceName, recovery_code::RecoveryCode};
use fourauth_store::{AccountId, BoxFuture, Error, Event, NewSession, Seeking, Store, Tx};
use fourauth_tests::record::record;

on_both_databases![
    a_decision_on_another_version_changes_nothing,
    a_confirmation_moves_forward_only,
    the_first_use_is_recorded_once,
    new_recovery_codes_invalidate_the_old_ones,
    a_recovery_code_is_valid_only_for_its_own_account,
    a_disabled_account_has_no_session_and_opens_none,
    a_session_is_found_only_by_its_token,
    only_ended_sessions_are_removed,
    only_the_named_administrator_is_changed,
    a_notice_is_suppressed_only_by_the_same_notice,
    sent_notices_do_not_wait_and_new_ones_are_kept,
];

const VERSION: i64 = 1;

type Attempt = for<'a> fn(&'a mut Tx, AccountId, i64) -> BoxFuture<'a, Result<bool, Error>>;

/// Operations that check the version they were decided on and end no session. `factors` has the
/// others.
const ATTEMPTS: [(&str, Attempt); 5] = [
    ("upgrade_password", |tx, account, version| {
        Box::pin(async move { tx.upgrade_password(account, version, &hash("dearer")).await })
    }),
    ("spend_step", |tx, account, version| {
        Box::pin(async move { tx.spend_step(account, version, Step(9)).await })
    }),
    ("confirm_step", |tx, account, version| {
        Box::pin(async move { tx.confirm_step(account, version, Step(9)).await })
    }),
    ("hold", |tx, account, version| Box::pin(tx.hold(account, version))),
    ("open_session", |tx, account, version| {
        Box::pin(async move { tx.open_session(&new_session(account, version, 9)).await })
    }),
];

async fn a_decision_on_another_version_changes_nothing(database: Database) {
    let store = database.open().await;
    let account = enrol(&store, "alice").await.account;
    let plain = database.plain().await;
    let state = "SELECT password_hash || totp_step || totp_confirm_step || totp_confirmed \
                 || version || (SELECT COUNT(*) FROM sessions) FROM users";
    let untouched = plain.text(state).await;
    for (attempt, act) in ATTEMPTS {
        for version in [VERSION - 1, VERSION + 1] {
            assert!(!does(&store, move |tx| act(tx, account, version)).await, "{attempt}");
            assert_eq!(plain.text(state).await, untouched, "{attempt}");
        }
        assert!(!does(&store, move |tx| act(tx, AccountId(-5), VERSION)).await, "{attempt}");
        assert_eq!(plain.text(state).await, untouched, "{attempt} on an unknown account");
    }
    for (attempt, act) in ATTEMPTS {
        assert!(does(&store, move |tx| act(tx, account, VERSION)).await, "{attempt}");
    }
}

async fn a_confirmation_moves_forward_only(database: Database) {
    let store = database.open().await;
    let account = enrol(&store, "alice").await.account;
    for (step, wins) in [(100, true), (100, false), (99, false), (101, true)] {
        let confirm = does(&store, move |tx| {
            Box::pin(async move { tx.confirm_step(account, VERSION, Step(step)).await })
        });
        assert_eq!(confirm.await, wins, "{step}");
    }
}

async fn the_first_use_is_recorded_once(database: Database) {
    let store = database.open().await;
    let account = enrol(&store, "alice").await.account;
    for later in [0, 60_000] {
        let at = NOW.saturating_add_ms(later);
        let noted: Result<(), Error> =
            store.write(move |tx| Box::pin(tx.note_first_use(account, at))).await;
        noted.unwrap();
        let alice = record(&store, Seeking::by_name(&name("alice"))).await.unwrap();
        assert_eq!(alice.first_used, Some(NOW));
    }
}

fn code(byte: u8) -> RecoveryCode {
    RecoveryCode::from_bytes([byte; 10])
}

async fn give(store: &Store, account: AccountId, codes: [u8; 2]) {
    let given: Result<(), Error> = store
        .write(move |tx| {
            Box::pin(async move { tx.replace_recovery_codes(account, &codes.map(code)).await })
        })
        .await;
    given.unwrap();
}

async fn spend(store: &Store, account: AccountId, byte: u8) -> bool {
    does(store, move |tx| {
        Box::pin(async move { tx.spend_recovery_code(account, &code(byte)).await })
    })
    .await
}

async fn new_recovery_codes_invalidate_the_old_ones(database: Database) {
    let store = database.open().await;
    let account = enrol(&store, "alice").await.account;
    give(&store, account, [1, 2]).await;
    assert!(spend(&store, account, 1).await);
    give(&store, account, [3, 4]).await;
    assert!(!spend(&store, account, 2).await);
    assert!(spend(&store, account, 3).await);
    assert!(!spend(&store, account, 3).await);
    let left = "SELECT COUNT(*) FROM recovery_codes";
    assert_eq!(database.plain().await.number(left).await, 1);
}

async fn a_recovery_code_is_valid_only_for_its_own_account(database: Database) {
    let store = database.open().await;
    let alice = enrol(&store, "alice").await.account;
    let bob = enrol(&store, "bob").await.account;
    give(&store, alice, [1, 2]).await;
    give(&store, bob, [3, 4]).await;
    assert!(!spend(&store, bob, 1).await, "of another account");
    assert!(!spend(&store, alice, 9).await, "of no account");
    assert!(spend(&store, alice, 1).await);
    let left = "SELECT COUNT(*) FROM recovery_codes";
    assert_eq!(database.plain().await.number(left).await, 3);
}

async fn a_disabled_account_has_no_session_and_opens_none(database: Database) {
    let store = database.open().await;
    let account = enrol(&store, "alice").await.account;
    assert!(does(&store, move |tx| Box::pin(tx.set_disabled(account, true))).await);
    let open = |version, token| {
        does(&store, move |tx| {
            Box::pin(async move { tx.open_session(&new_session(account, version, token)).await })
        })
    };
    assert!(!open(2, 9).await);

    // A row that exists anyway, as after a race or a restore, is not accepted.
    assert!(does(&store, move |tx| Box::pin(tx.set_disabled(account, false))).await);
    assert!(open(3, 9).await);
    assert!(session_of(&store, 9, NOW).await.is_some());
    database.plain().await.execute("UPDATE users SET disabled = 1").await;
    // Another connection did this, so the store may remember the session for a second.
    assert_eq!(session_of(&store, 9, NOW.saturating_add_ms(1_000)).await, None);
}

async fn a_session_is_found_only_by_its_token(database: Database) {
    let store = database.open().await;
    for (username, token) in [("alice", 1), ("bob", 2)] {
        let account = enrol(&store, username).await.account;
        let opened = does(&store, move |tx| {
            Box::pin(async move { tx.open_session(&new_session(account, VERSION, token)).await })
        });
        assert!(opened.await);
        assert_eq!(store.sessions_of(account, NOW).await.unwrap(), 1, "{username}");
    }
    let found = async |number| {
        session_of(&store, number, NOW).await.map(|session| session.username.clone())
    };
    assert_eq!(found(1).await.as_deref(), Some("alice"));
    assert_eq!(found(2).await.as_deref(), Some("bob"));
    assert_eq!(found(3).await, None);
}

async fn only_ended_sessions_are_removed(database: Database) {
    let store = database.open().await;
    let account = enrol(&store, "alice").await.account;
    for (token, lasts) in [(1, 1_000), (2, 2_000)] {
        let ends = NOW.saturating_add_ms(lasts);
        let session = NewSession { ends, ..new_session(account, VERSION, token) };
        let opened =
            does(&store, move |tx| Box::pin(async move { tx.open_session(&session).await }));
        assert!(opened.await);
    }
    let first_ends = NOW.saturating_add_ms(1_000);
    assert_eq!(store.sessions_of(account, first_ends).await.unwrap(), 1);
    assert_eq!(store.forget_ended_sessions(first_ends).await, Ok(1));
    assert!(session_of(&store, 2, first_ends).await.is_some());
}

async fn only_the_named_administrator_is_changed(database: Database) {
    let store = database.open().await;
    for admin in ["margaret", "ops"] {
        let added = does(&store, move |tx| {
            Box::pin(async move { tx.add_admin(&name(admin), &hash(admin), NOW).await })
        });
        assert!(added.await);
    }
    let replace = |admin: &'static str| {
        does(&store, move |tx| {
            Box::pin(async move { tx.replace_admin_secret(&name(admin), &hash("new")).await })
        })
    };
    assert!(replace("ops").await);
    assert!(!replace("nobody").await);
    let secrets = async || {
        let admins = store.admins().await.unwrap();
        let secrets = admins.into_iter().map(|it| it.hash.as_stored().expose().clone());
        secrets.collect::<Vec<_>>()
    };
    let [margaret, new] = ["margaret", "new"].map(|it| hash(it).as_stored().expose().clone());
    assert_eq!(secrets().await, [margaret.clone(), new]);
    let remove = |admin: &'static str| {
        does(&store, move |tx| Box::pin(async move { tx.remove_admin(&name(admin)).await }))
    };
    assert!(!remove("nobody").await);
    assert!(remove("ops").await);
    assert_eq!(secrets().await, [margaret]);
}

async fn tell(store: &Store, account: AccountId, event: Event, later: i64, silence: i64) {
    let notice = notice(account, event, NOW.saturating_add_ms(later));
    let told: Result<(), Error> = store
        .write(move |tx| Box::pin(async move { tx.notify_seldom(&notice, silence).await }))
        .await;
    told.unwrap();
}

async fn a_notice_is_suppressed_only_by_the_same_notice(database: Database) {
    let store = database.open().await;
    let alice = enrol(&store, "alice").await.account;
    let bob = enrol(&store, "bob").await.account;
    let bound = |name| Event::DeviceBound { name: DeviceName::parse(name).unwrap() };
    for (account, event, later, waiting) in [
        (alice, bound("laptop"), 0, 1),
        (alice, bound("phone"), 999, 1),
        (alice, bound("laptop"), 1_000, 2),
        (alice, Event::TotpReplaced, 1_001, 3),
        (bob, bound("laptop"), 1_001, 4),
    ] {
        tell(&store, account, event.clone(), later, 1_000).await;
        assert_eq!(store.notices(100).await.unwrap().len(), waiting, "{event:?} {later}");
    }
}

async fn sent_notices_do_not_wait_and_new_ones_are_kept(database: Database) {
    let store = database.open().await;
    let account = enrol(&store, "alice").await.account;
    for later in [0, 1_000, 2_000] {
        tell(&store, account, Event::FaceReplaced, later, 0).await;
    }
    let plain = database.plain().await;
    plain.execute(&format!("UPDATE outbox SET sent = 1 WHERE created = {}", NOW.0 + 1_000)).await;
    assert_eq!(store.notices(100).await.unwrap().len(), 2, "a sent notice does not wait");
    let before = NOW.saturating_add_ms(2_000);
    let forgotten: Result<u64, Error> =
        store.write(move |tx| Box::pin(tx.forget_notices(before))).await;
    assert_eq!(forgotten, Ok(2));
    assert_eq!(store.notices(100).await.unwrap().len(), 1);
}
