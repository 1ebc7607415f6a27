//! A writer of the database without the keyring cannot move a session, add or exchange a key, or add a code.

use super::fixture::{Database, NOW, Plain, does, enrol, name, new_session, session_of};
use fourauth_client::Identity;
use fourauth_protocol::{
    device::{DeviceKey, DeviceName},
    device_request::RequestNumber,
    gateway::GatewayName,
    mac_address::MacAddress,
    recovery_code::RecoveryCode,
    secret::Secret,
};
use fourauth_store::{
    AccountId, Asked, Bound, BoundBy, DeviceRequest, Error, Gateway, NewDevice, Renewal,
    RequestPace, Seeking, Store, Window,
};
use fourauth_tests::record::record;

on_both_databases![
    a_session_with_a_changed_row_is_corrupt,
    a_moved_session_is_not_renewed_or_attended,
    a_renewed_session_has_its_seal,
    a_device_with_a_changed_row_is_corrupt,
    a_request_with_another_key_is_corrupt,
    a_gateway_of_another_program_is_ignored,
    a_recovery_code_of_another_program_is_unknown,
    devices_and_codes_of_an_earlier_version_are_sealed_once,
];

const fn corrupt(table: &'static str) -> Error {
    Error::Corrupt { table, column: "row_seal" }
}

async fn open(store: &Store, account: AccountId, version: i64) {
    let opened = does(store, move |tx| {
        Box::pin(async move { tx.open_session(&new_session(account, version, 1)).await })
    });
    assert!(opened.await);
}

async fn found(store: &Store) -> Result<Option<AccountId>, Error> {
    // A commit empties the cache of sessions.
    assert!(does(store, |_| Box::pin(async { Ok(true) })).await);
    let found = store.session([&[1; 32], &[0; 32]], NOW).await?;
    Ok(found.map(|session| session.account))
}

/// Runs a statement, and puts the rows of the table back after `check`.
async fn changed(plain: &Plain, table: &str, change: &str, check: impl AsyncFnOnce()) {
    plain.execute(&format!("CREATE TABLE before AS SELECT * FROM {table}")).await;
    assert!(plain.execute(&format!("UPDATE {table} SET {change}")).await > 0, "{change}");
    check().await;
    plain.execute(&format!("DELETE FROM {table}")).await;
    plain.execute(&format!("INSERT INTO {table} SELECT * FROM before")).await;
    plain.execute("DROP TABLE before").await;
}

const BLOB: &str = "(SELECT master FROM sessions)";

async fn a_session_with_a_changed_row_is_corrupt(database: Database) {
    let store = database.open().await;
    let mallory = enrol(&store, "mallory").await;
    let root = enrol(&store, "root").await;
    open(&store, mallory.account, mallory.version).await;
    let plain = database.plain().await;
    let moved = format!("account = {}", root.account.0);
    for change in [
        &moved,
        "level = 4",
        "amr = 'pwd otp face swk mfa'",
        "expires = expires + 1",
        "ends = ends + 1",
        "opened = opened + 1",
        "console_seen = 1",
        "renewed = 1",
        "mac = '00:1b:44:11:3a:b7'",
        "peer = '192.0.2.9'",
        &format!("family = substr({BLOB}, 1, 15) || substr(row_seal, 1, 1)"),
        "device_id = substr(master, 1, 16)",
        "row_seal = substr(row_seal, 1, 31)",
    ] {
        assert_eq!(found(&store).await, Ok(Some(mallory.account)), "before {change}");
        changed(&plain, "sessions", change, async || {
            assert_eq!(found(&store).await, Err(corrupt("sessions")), "{change}");
        })
        .await;
    }
    // The controls: the time of the last use is free, and a moved row is one of the other account.
    changed(&plain, "sessions", "last_seen = last_seen + 1", async || {
        assert_eq!(found(&store).await, Ok(Some(mallory.account)));
    })
    .await;
    changed(&plain, "sessions", &moved, async || {
        assert_eq!(store.sessions(root.account, NOW).await.unwrap().len(), 1);
    })
    .await;
}

async fn a_moved_session_is_not_renewed_or_attended(database: Database) {
    let store = database.open().await;
    let mallory = enrol(&store, "mallory").await;
    let root = enrol(&store, "root").await.account;
    assert!(does(&store, move |tx| Box::pin(tx.set_administrator(root, true))).await);
    open(&store, mallory.account, mallory.version).await;
    let plain = database.plain().await;
    let version = format!("(SELECT version FROM users WHERE id = {})", root.0);
    let moved = format!("account = {}, version = {version}", root.0);
    changed(&plain, "sessions", &moved, async || {
        let attend =
            store.write(|tx| Box::pin(async move { tx.attend_console(&[1; 32], NOW).await })).await;
        assert_eq!(attend, Err(corrupt("sessions")));
        let renew =
            store.write(move |tx| Box::pin(async move { tx.renew_session(&renewal(root)).await }));
        assert_eq!(renew.await, Err(corrupt("sessions")));
    })
    .await;
}

fn renewal(account: AccountId) -> Renewal {
    let expires = NOW.saturating_add_ms(50_000);
    Renewal { account, old: [1; 32], new: [2; 32], at: NOW, expires }
}

async fn a_renewed_session_has_its_seal(database: Database) {
    let store = database.open().await;
    let alice = enrol(&store, "alice").await;
    let account = alice.account;
    open(&store, account, alice.version).await;
    assert!(
        does(&store, move |tx| Box::pin(async move { tx.renew_session(&renewal(account)).await }))
            .await
    );
    assert_eq!(session_of(&store, 1, NOW).await.unwrap().renewed, Some(NOW));
    assert_eq!(session_of(&store, 2, NOW).await.unwrap().account, account);
    // The token that was replaced stays so.
    database.plain().await.execute("UPDATE sessions SET renewed = NULL").await;
    assert_eq!(found(&store).await, Err(corrupt("sessions")));
}

fn key(byte: u8) -> DeviceKey {
    Identity::from_seed(Secret::new([byte; 32])).key()
}

async fn bind(store: &Store, account: AccountId) {
    let device = NewDevice {
        key: key(7),
        name: DeviceName::parse("laptop").ok(),
        mac: MacAddress::parse("00:1b:44:11:3a:b7").unwrap(),
        by: BoundBy::Registration,
        at: NOW,
        trusted_from: NOW,
    };
    let bound: Result<Bound, Error> = store
        .write(move |tx| Box::pin(async move { tx.bind_device(account, 1, &device).await }))
        .await;
    assert_eq!(bound, Ok(Bound::Yes));
}

/// True if a login as alice knows this key.
async fn knows(store: &Store, byte: u8) -> Result<bool, Error> {
    let (name, id) = (name("alice"), key(byte).id());
    let seeking = Seeking { device: Some(id), ..Seeking::by_name(&name) };
    Ok(record(store, seeking).await?.device.is_some())
}

fn hex(plain: &Plain, bytes: &[u8]) -> String {
    let digits = data_encoding::HEXLOWER.encode(bytes);
    match plain {
        Plain::Sqlite(_) => format!("x'{digits}'"),
        Plain::Postgres(_) => format!("'\\x{digits}'::bytea"),
    }
}

async fn a_device_with_a_changed_row_is_corrupt(database: Database) {
    let store = database.open().await;
    bind(&store, enrol(&store, "alice").await.account).await;
    let mallory = enrol(&store, "mallory").await.account;
    let plain = database.plain().await;
    let (id, public) = (hex(&plain, key(8).id().as_bytes()), hex(&plain, key(8).as_bytes()));
    assert_eq!(knows(&store, 7).await, Ok(true));
    let exchanged = format!("device_id = {id}, pubkey = {public}");
    changed(&plain, "devices", &exchanged, async || {
        assert_eq!(knows(&store, 8).await, Err(corrupt("devices")));
        // The control: with the defence off, the exchanged key counts.
        plain.execute("UPDATE devices SET row_seal = NULL").await;
        store.seal_devices().await.unwrap();
        assert_eq!(knows(&store, 8).await, Ok(true));
    })
    .await;
    for change in ["trusted_from = 0", "mac = '00:1b:44:11:3a:b8'", "row_seal = NULL"] {
        changed(&plain, "devices", change, async || {
            assert_eq!(knows(&store, 7).await, Err(corrupt("devices")), "{change}");
        })
        .await;
    }
    changed(&plain, "devices", &format!("account = {}", mallory.0), async || {
        assert_eq!(knows(&store, 7).await, Ok(false));
    })
    .await;
    // A device that was revoked stays so.
    let alice = store.user(&name("alice")).await.unwrap().unwrap().id;
    let revoked: Result<_, Error> =
        store.write(move |tx| Box::pin(tx.revoke_device(alice, None, "laptop", NOW))).await;
    assert!(revoked.unwrap().is_some());
    plain.execute("UPDATE devices SET revoked_at = NULL").await;
    assert_eq!(knows(&store, 7).await, Err(corrupt("devices")));
}

async fn a_request_with_another_key_is_corrupt(database: Database) {
    let store = database.open().await;
    let alice = enrol(&store, "alice").await;
    let (account, version) = (alice.account, alice.version);
    let number = RequestNumber::from_value(271_828);
    let request = DeviceRequest {
        number,
        key: key(7),
        name: DeviceName::parse("browser").unwrap(),
        peer: "192.0.2.1".into(),
        at: NOW,
        expires: NOW.saturating_add_ms(60_000),
    };
    let window = Window { over: NOW.saturating_add_ms(-1), latest: NOW };
    let pace = RequestPace { window, most: 3 };
    let asked: Result<Asked, Error> = store
        .write(move |tx| {
            Box::pin(async move { tx.ask_for_device(account, version, &request, pace).await })
        })
        .await;
    assert_eq!(asked, Ok(Asked::Yes));
    let plain = database.plain().await;
    let decide =
        || store.write(move |tx| Box::pin(tx.decide_request(account, version, number, NOW)));
    let public = hex(&plain, key(8).as_bytes());
    changed(&plain, "device_requests", &format!("pubkey = {public}"), async || {
        assert_eq!(decide().await, Err(corrupt("device_requests")));
        let listed = store.device_requests(account, NOW).await;
        assert_eq!(listed, Err(corrupt("device_requests")));
    })
    .await;
    assert_eq!(store.device_requests(account, NOW).await.map(|all| all.len()), Ok(1));
    assert_eq!(decide().await, Ok(Some(key(7))));
    assert_eq!(decide().await, Ok(None));
}

async fn a_gateway_of_another_program_is_ignored(database: Database) {
    let store = database.open().await;
    let portal = GatewayName::parse("portal").unwrap();
    let gateway = Gateway { name: portal.clone(), key: key(7), added_at: NOW };
    assert!(does(&store, move |tx| Box::pin(async move { tx.add_gateway(&gateway).await })).await);
    let plain = database.plain().await;
    let public = hex(&plain, key(8).as_bytes());
    changed(&plain, "gateways", &format!("pubkey = {public}"), async || {
        assert_eq!(store.gateway(&portal).await, Ok(None));
        assert_eq!(store.gateways().await, Ok(vec![]));
        // The control: with the defence off, the exchanged key counts.
        plain.execute("UPDATE gateways SET row_seal = NULL").await;
        store.seal_devices().await.unwrap();
        assert_eq!(store.gateway(&portal).await.unwrap().map(|one| one.key), Some(key(8)));
    })
    .await;
    assert_eq!(store.gateway(&portal).await.unwrap().map(|one| one.key), Some(key(7)));
}

/// What an earlier version stored of a code, and what a writer of the database can compute.
fn plain_hash(account: AccountId, code: &RecoveryCode) -> [u8; 32] {
    use sha2::{Digest as _, Sha256};
    let hash = Sha256::new().chain_update(b"fourauth-recovery-v1");
    hash.chain_update(account.0.to_be_bytes()).chain_update(code.as_bytes()).finalize().into()
}

async fn a_recovery_code_of_another_program_is_unknown(database: Database) {
    let store = database.open().await;
    let alice = enrol(&store, "alice").await.account;
    let plain = database.plain().await;
    let (code, later) = (RecoveryCode::from_bytes([7; 10]), RecoveryCode::from_bytes([8; 10]));
    for (code, keyed) in [(&code, 0), (&later, 1)] {
        let hash = hex(&plain, &plain_hash(alice, code));
        let sql = format!(
            "INSERT INTO recovery_codes (account, code_hash, keyed) VALUES ({}, {hash}, {keyed})",
            alice.0
        );
        plain.execute(&sql).await;
        assert_eq!(store.has_recovery_code(alice, code).await, Ok(false));
    }
    // The control: with the defence off, the added code counts.
    store.seal_devices().await.unwrap();
    assert_eq!(store.has_recovery_code(alice, &code).await, Ok(true));
    assert_eq!(store.has_recovery_code(alice, &later).await, Ok(false));
    assert!(
        does(&store, move |tx| {
            Box::pin(async move { tx.spend_recovery_code(alice, &code).await })
        })
        .await
    );
}

async fn devices_and_codes_of_an_earlier_version_are_sealed_once(database: Database) {
    let store = database.open().await;
    bind(&store, enrol(&store, "alice").await.account).await;
    assert_eq!(store.seal_devices().await, Ok(0));
    let plain = database.plain().await;
    plain.execute("UPDATE devices SET row_seal = NULL").await;
    assert_eq!(knows(&store, 7).await, Err(corrupt("devices")));
    assert_eq!(store.seal_devices().await, Ok(1));
    assert_eq!(knows(&store, 7).await, Ok(true));
    plain.execute("UPDATE devices SET trusted_from = 1").await;
    assert_eq!(store.seal_devices().await, Ok(0));
    assert_eq!(knows(&store, 7).await, Err(corrupt("devices")));
}
