//! Sessions that are bound to a key: only a proof renews them.

use super::fixture::{Database, NOW, does, enrol, new_session, session_of};
use fourauth_protocol::session_proof::{KEY_BYTES, SessionKey};
use fourauth_store::{BoundRenewal, FamilyId, Renewal, SessionBinding, Store};

on_both_databases![
    a_bound_session_is_renewed_by_its_key_only,
    a_session_is_bound_to_one_key,
    replaced_tokens_are_forgotten_an_hour_after_their_end,
];

const MINUTE_MS: i64 = 60_000;
const KEY: SessionKey = SessionKey::from_bytes([4; KEY_BYTES]);
const OTHER: SessionKey = SessionKey::from_bytes([5; KEY_BYTES]);

/// A session of a day with the number 1, and a binding of it.
async fn signed_in(store: &Store) -> SessionBinding {
    let alice = enrol(store, "alice").await;
    let mut session = new_session(alice.account, alice.version, 1);
    session.ends = NOW.saturating_add_ms(24 * 60 * MINUTE_MS);
    let (account, master) = (alice.account, session.master);
    assert!(does(store, move |tx| Box::pin(async move { tx.open_session(&session).await })).await);
    let expires = NOW.saturating_add_ms(10 * MINUTE_MS);
    SessionBinding { account, master, key: KEY, expires }
}

async fn bind(store: &Store, binding: SessionBinding) -> bool {
    does(store, move |tx| Box::pin(async move { tx.bind_session(&binding).await })).await
}

/// A renewal of that session, `minutes` later.
fn renewal(binding: &SessionBinding, key: SessionKey, new: u8, minutes: i64) -> BoundRenewal {
    let at = NOW.saturating_add_ms(minutes * MINUTE_MS);
    let expires = at.saturating_add_ms(10 * MINUTE_MS);
    let (account, family) = (binding.account, FamilyId([1; 16]));
    BoundRenewal { account, family, key, new: [new; 32], at, expires }
}

async fn renew(store: &Store, renewal: BoundRenewal) -> bool {
    does(store, move |tx| Box::pin(async move { tx.renew_bound_session(&renewal).await })).await
}

async fn a_bound_session_is_renewed_by_its_key_only(database: Database) {
    let store = database.open().await;
    let binding = signed_in(&store).await;
    assert!(!renew(&store, renewal(&binding, KEY, 2, 1)).await, "it is not bound yet");
    assert!(bind(&store, binding).await);
    let session = session_of(&store, 1, NOW).await.unwrap();
    // Its token did not live so long before.
    assert_eq!((session.bound, session.expires.0), (Some(KEY), NOW.0 + MINUTE_MS));

    let by_token = Renewal {
        account: binding.account,
        old: [1; 32],
        new: [3; 32],
        at: NOW,
        expires: binding.expires,
    };
    let renewed =
        does(&store, move |tx| Box::pin(async move { tx.renew_session(&by_token).await }));
    assert!(!renewed.await);
    assert!(!renew(&store, renewal(&binding, OTHER, 2, 1)).await);
    assert!(renew(&store, renewal(&binding, KEY, 2, 1)).await);
    let next = session_of(&store, 2, NOW).await.unwrap();
    assert_eq!((next.bound, next.renewed, next.family), (Some(KEY), None, session.family));
    assert!(!renew(&store, renewal(&binding, KEY, 3, 24 * 60)).await, "its day is over");
}

async fn a_session_is_bound_to_one_key(database: Database) {
    let store = database.open().await;
    let binding = signed_in(&store).await;
    assert!(bind(&store, binding).await);
    for key in [KEY, OTHER] {
        assert!(!bind(&store, SessionBinding { key, ..binding }).await);
    }
    let other = SessionBinding { master: [9; 32], ..binding };
    assert!(!bind(&store, other).await);
    assert_eq!(session_of(&store, 1, NOW).await.unwrap().bound, Some(KEY));
}

async fn replaced_tokens_are_forgotten_an_hour_after_their_end(database: Database) {
    let store = database.open().await;
    let binding = signed_in(&store).await;
    assert!(bind(&store, binding).await);
    assert!(renew(&store, renewal(&binding, KEY, 2, 10)).await);
    // The first token ended after a minute, and the second one after twenty.
    for (number, minutes, kept) in
        [(3, 60, [true, true]), (4, 61, [false, true]), (5, 80, [false, false])]
    {
        assert!(renew(&store, renewal(&binding, KEY, number, minutes)).await);
        let found = [session_of(&store, 1, NOW).await, session_of(&store, 2, NOW).await];
        assert_eq!(found.map(|session| session.is_some()), kept, "{minutes}");
    }
}
