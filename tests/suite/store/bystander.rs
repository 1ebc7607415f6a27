//! A change to one account leaves every row of another unchanged: each statement names its account.

use super::fixture::{Database, NOW, Plain, enrol, hash, key, mac, new_session, notice, template};
use fourauth_client::Identity;
use fourauth_factors::totp::Step;
use fourauth_protocol::{
    device::{DeviceId, DeviceName},
    device_request::RequestNumber,
    group::Group,
    recovery_code::RecoveryCode,
    secret::Secret,
    time::UnixMillis,
};
use fourauth_store::{
    AccountId, Asked, Bound, BoundBy, BoxFuture, DeviceRequest, Error, Event, Factor, Groups,
    LoginLocation, NewConsent, NewDevice, NewFace, NewSession, RequestPace, Store, Tx, Window,
};
use std::sync::Arc;

on_both_databases![
    a_change_to_one_account_leaves_another_unchanged,
    reads_of_one_account_return_no_rows_of_another,
];

/// Every operation on one account, given by its id; the account has version 1.
const DEEDS: [(&str, Deed); 29] = [
    ("set_groups", |tx, id, _| {
        let groups = Groups([Group::parse("staff").unwrap()].into());
        Box::pin(async move { tx.set_groups(id, &groups).await.map(drop) })
    }),
    ("record_invitation", |tx, id, _| Box::pin(tx.record_invitation(id, NOW))),
    ("replace_password", |tx, id, _| {
        Box::pin(async move { tx.replace_password(id, 1, &hash("new"), true).await.map(drop) })
    }),
    ("upgrade_password", |tx, id, _| {
        Box::pin(async move { tx.upgrade_password(id, 1, &hash("dearer")).await.map(drop) })
    }),
    ("replace_totp", |tx, id, _| {
        Box::pin(async move { tx.replace_totp(id, 1, &key(3)).await.map(drop) })
    }),
    ("replace_template", |tx, id, _| {
        let face = NewFace { template: template(id, 2), epoch: 2, image: None };
        Box::pin(async move { tx.replace_template(id, 1, &face).await.map(drop) })
    }),
    ("replace_mac", |tx, id, _| {
        Box::pin(async move { tx.replace_mac(id, 1, mac(3)).await.map(drop) })
    }),
    ("note_address", |tx, id, device| {
        Box::pin(async move { tx.note_address(id, device, (mac(0xb7), mac(3))).await })
    }),
    ("spend_step", |tx, id, _| {
        Box::pin(async move { tx.spend_step(id, 1, Step(9)).await.map(drop) })
    }),
    ("confirm_step", |tx, id, _| {
        Box::pin(async move { tx.confirm_step(id, 1, Step(9)).await.map(drop) })
    }),
    ("note_first_use", |tx, id, _| Box::pin(tx.note_first_use(id, NOW))),
    ("note_issue", |tx, id, _| Box::pin(tx.note_issue(id, NOW, Some(here())))),
    ("settle password", |tx, id, _| Box::pin(tx.settle(id, Factor::Password, NOW))),
    ("settle totp", |tx, id, _| Box::pin(tx.settle(id, Factor::Totp, NOW))),
    ("settle face", |tx, id, _| Box::pin(tx.settle(id, Factor::Face, NOW))),
    ("settle device", |tx, id, _| Box::pin(tx.settle(id, Factor::Device, NOW))),
    ("disable", |tx, id, _| Box::pin(async move { tx.set_disabled(id, true).await.map(drop) })),
    ("end_sessions", |tx, id, _| Box::pin(async move { tx.end_sessions(id).await.map(drop) })),
    ("erase_user", |tx, id, _| Box::pin(async move { tx.erase_user(id).await.map(drop) })),
    ("replace_recovery_codes", |tx, id, _| {
        Box::pin(async move { tx.replace_recovery_codes(id, &[code(8)]).await })
    }),
    ("spend_recovery_code", |tx, id, _| {
        Box::pin(async move { tx.spend_recovery_code(id, &code(7)).await.map(drop) })
    }),
    ("record_consent", |tx, id, _| {
        Box::pin(async move { tx.record_consent(id, &consent(false)).await })
    }),
    ("forget_places", |tx, id, _| Box::pin(async move { tx.forget_places(id).await.map(drop) })),
    ("remember_place", |tx, id, _| {
        Box::pin(async move {
            for number in 0..20 {
                let place = LoginLocation::new(Some(mac(number)), "198.51.100.1");
                tx.remember_place(id, place, NOW).await?;
            }
            tx.remember_place(id, here(), NOW).await
        })
    }),
    ("revoke_device", |tx, id, _| {
        Box::pin(async move { tx.revoke_device(id, None, "laptop", NOW).await.map(drop) })
    }),
    ("revoke_devices_at", |tx, id, _| {
        Box::pin(async move { tx.revoke_devices_at(id, mac(1), NOW).await.map(drop) })
    }),
    ("saw_device", |tx, id, device| {
        Box::pin(async move { tx.saw_device(id, device, NOW).await.map(drop) })
    }),
    ("ask_for_device", |tx, id, _| {
        Box::pin(async move { tx.ask_for_device(id, 1, &request(8, 5), pace()).await.map(drop) })
    }),
    ("decide_request", |tx, id, _| {
        Box::pin(async move {
            let number = RequestNumber::from_value(7);
            tx.decide_request(id, 1, number, NOW.saturating_add_ms(-1)).await.map(drop)
        })
    }),
];

type Deed = for<'a> fn(&'a mut Tx, AccountId, DeviceId) -> BoxFuture<'a, Result<(), Error>>;

/// Every table that has rows of an account.
const ROWS: [(&str, &str); 8] = [
    (
        "users",
        "username || password_hash || face_template_enc || totp_secret_enc || mac_address || \
         group_names || totp_step || ',' || totp_confirm_step || ',' || totp_confirmed || ',' || face_epoch || \
         ',' || must_change || disabled || version || keyed || ',' || first_used || ',' || \
         password_settles || ',' || totp_settles || ',' || face_settles || ',' || device_settles \
         || ',' || totp_issued || ',' || COALESCE(invited_version, 0) || ',' || COALESCE(invited_until, 0)",
    ),
    ("devices", "name || mac || bound_at || ',' || last_seen || ',' || COALESCE(revoked_at, 0)"),
    ("sessions", "version || ',' || expires"),
    ("places", "last_seen || ','"),
    ("recovery_codes", "'a code'"),
    ("consents", "what || COALESCE(notice, '-')"),
    ("outbox", "subject || created"),
    ("device_requests", "name || number || ',' || expires"),
];

/// A request with this number of a browser with this key.
fn request(number: u32, seed: u8) -> DeviceRequest {
    DeviceRequest {
        number: RequestNumber::from_value(number),
        key: Identity::from_seed(Secret::new([seed; 32])).key(),
        name: DeviceName::parse("browser").unwrap(),
        peer: "192.0.2.7".to_owned(),
        at: NOW.saturating_add_ms(-1000),
        expires: NOW,
    }
}

const fn pace() -> RequestPace {
    RequestPace { window: Window { over: UnixMillis(0), latest: NOW }, most: 5 }
}

fn here() -> LoginLocation {
    LoginLocation::new(Some(mac(1)), "192.0.2.7")
}

fn code(byte: u8) -> RecoveryCode {
    RecoveryCode::from_bytes([byte; 10])
}

fn consent(keeps_picture: bool) -> NewConsent {
    NewConsent { notice: None, keeps_picture, given: NOW, given_by: "self".into(), request: None }
}

/// An account with rows in every table. Two such accounts differ only in id, name and token.
async fn furnished(store: &Store, name: &str, identity: &Identity) -> AccountId {
    let account = enrol(store, name).await.account;
    let before = NOW.saturating_add_ms(-1000);
    let device = NewDevice {
        key: identity.key(),
        name: DeviceName::parse("laptop").ok(),
        mac: mac(1),
        by: BoundBy::Registration,
        at: before,
        trusted_from: before,
    };
    let number = u8::try_from(account.0 % 251).unwrap();
    let session =
        NewSession { created: before, expires: NOW, ends: NOW, ..new_session(account, 1, number) };
    let furnish = store.write(move |tx| {
        Box::pin(async move {
            assert_eq!(tx.bind_device(account, 1, &device).await?, Bound::Yes);
            assert!(tx.open_session(&NewSession { version: 2, ..session.clone() }).await?);
            tx.remember_place(account, here(), before).await?;
            tx.replace_recovery_codes(account, &[code(7), code(6)]).await?;
            tx.record_consent(account, &consent(true)).await?;
            let asked = tx.ask_for_device(account, 1, &request(7, 4), pace()).await?;
            assert_eq!(asked, Asked::Yes);
            tx.notify(&notice(account, Event::TotpReplaced, before)).await
        })
    });
    furnish.await.map_err(|error: Error| error).unwrap();
    account
}

async fn rows(plain: &Plain, account: AccountId) -> Vec<String> {
    let mut rows = Vec::new();
    for (table, columns) in ROWS {
        let id = if table == "users" { "id" } else { "account" };
        let sql = format!("SELECT {columns} FROM {table} WHERE {id} = {} ORDER BY 1", account.0);
        rows.extend(plain.texts(&sql).await.into_iter().map(|row| format!("{table}: {row}")));
    }
    rows
}

async fn a_change_to_one_account_leaves_another_unchanged(database: Database) {
    let store = database.open().await;
    let plain = database.plain().await;
    let identity = Identity::generate().unwrap();
    let bob = furnished(&store, "bob", &identity).await;
    plain.execute("UPDATE users SET version = 1").await;
    let untouched = rows(&plain, bob).await;
    assert_eq!(untouched.len(), 10, "{untouched:?}");
    for (number, (deed, act)) in (0..).zip(DEEDS) {
        let alice = furnished(&store, &format!("alice-{number}"), &identity).await;
        plain.execute("UPDATE users SET version = 1").await;
        let before = rows(&plain, alice).await;
        let id = identity.key().id();
        store.write(move |tx| act(tx, alice, id)).await.unwrap();
        assert_ne!(rows(&plain, alice).await, before, "{deed} does nothing");
        assert_eq!(rows(&plain, bob).await, untouched, "{deed}");
    }
}

async fn reads_of_one_account_return_no_rows_of_another(database: Database) {
    let store: Arc<Store> = database.open().await;
    let identity = Identity::generate().unwrap();
    furnished(&store, "bob", &identity).await;
    let alice = enrol(&store, "alice").await.account;
    assert_eq!(store.devices(alice).await.unwrap(), []);
    assert_eq!(store.consents(alice).await.unwrap(), []);
    let requests = store.device_requests(alice, NOW.saturating_add_ms(-1)).await.unwrap();
    assert_eq!(requests, []);
    assert_eq!(store.sessions_of(alice, NOW.saturating_add_ms(-1)).await.unwrap(), 0);
}
