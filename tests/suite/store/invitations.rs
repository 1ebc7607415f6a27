//! Invitations that were not accepted yet.

use super::fixture::{Database, NOW, does, enrol, name};
use fourauth_store::OpenInvitation;

on_both_databases![
    an_invitation_of_an_earlier_version_is_found,
    a_new_password_ends_an_invitation,
    an_account_with_a_factor_is_not_invited_again,
];

/// What the migration looks at, as it was before.
const BEFORE: &str = "
    CREATE TABLE users (username TEXT, must_change BIGINT, has_totp BIGINT, has_face BIGINT,
        has_device BIGINT, created_utc TEXT);
    CREATE TABLE access_logs (username TEXT, action TEXT, success BIGINT);
    INSERT INTO users VALUES
        ('dora', 1, 0, 0, 0, '2026-11-21T12:00:00.250Z'),
        ('erin', 1, 0, 0, 0, '2026-11-20T00:00:00.000Z'),
        ('joined', 0, 0, 0, 0, '2026-11-21T12:00:00.000Z'),
        ('complete', 1, 1, 1, 0, '2026-11-21T12:00:00.000Z'),
        ('imported', 1, 0, 0, 0, '2026-11-21T12:00:00.000Z'),
        ('refused', 1, 0, 0, 0, '2026-11-21T12:00:00.000Z');
    INSERT INTO access_logs VALUES
        ('dora', 'invite', 1), ('erin', 'invite_person', 1), ('joined', 'invite', 1),
        ('complete', 'invite', 1), ('imported', 'login', 1), ('refused', 'invite', 0);";

async fn an_invitation_of_an_earlier_version_is_found(database: Database) {
    let plain = database.plain().await;
    plain.script(BEFORE).await;
    plain
        .script(if database.is_sqlite() {
            include_str!("../../../migrations/sqlite/0024_invitations.sql")
        } else {
            include_str!("../../../migrations/postgres/0024_invitations.sql")
        })
        .await;
    let found = "SELECT username || ' ' || invited_version || ' ' || invited_until FROM users \
                 WHERE invited_until IS NOT NULL ORDER BY username";
    // 2026-11-24T12:00:00Z and 2026-11-23T00:00:00Z.
    let expected = ["dora 1 1795521600000", "erin 1 1795392000000"];
    assert_eq!(plain.texts(found).await, expected);
}

/// An account with a password alone, which has been invited.
const INVITED: &str = "UPDATE users SET must_change = 1, has_totp = 0, has_face = 0, has_device = 0, \
                       row_seal = NULL";

async fn a_new_password_ends_an_invitation(database: Database) {
    let store = database.open().await;
    let id = enrol(&store, "dora").await.account;
    does(&store, move |tx| {
        Box::pin(async move { tx.record_invitation(id, NOW).await.map(|()| true) })
    })
    .await;
    let open = store.user(&name("dora")).await.unwrap().unwrap().invitation;
    assert_eq!(open, Some(OpenInvitation { until: NOW, is_current: true }));
    let hash = super::fixture::hash("chosen");
    let replaced = does(&store, move |tx| {
        Box::pin(async move { tx.replace_password(id, 1, &hash, false).await })
    });
    assert!(replaced.await);
    assert_eq!(store.user(&name("dora")).await.unwrap().unwrap().invitation, None);
}

async fn an_account_with_a_factor_is_not_invited_again(database: Database) {
    let store = database.open().await;
    let id = enrol(&store, "dora").await.account;
    does(&store, move |tx| {
        Box::pin(async move { tx.record_invitation(id, NOW).await.map(|()| true) })
    })
    .await;
    let again = async |version| {
        does(&store, move |tx| Box::pin(async move { tx.invite_again(id, version, NOW).await }))
            .await
    };
    assert!(!again(1).await, "it has every factor");
    database.plain().await.execute(INVITED).await;
    store.seal_rows().await.unwrap();
    assert!(!again(2).await, "another version");
    assert!(again(1).await);
    assert!(!again(1).await, "the version is another one now");
}
