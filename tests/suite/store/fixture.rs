//! A database of either kind, a store on it, and accounts to add.

use fourauth_factors::{
    password::{Cost, Hash, Memory, SALT_BYTES},
    password_rule::NewPassword,
    totp::Key,
};
use fourauth_private_file as private_file;
use fourauth_protocol::{
    contact::{Email, Phone},
    mac_address::MacAddress,
    receipt::Method,
    request_id::RequestId,
    secret::Secret,
    time::UnixMillis,
    username::Username,
};
use fourauth_store::{
    AccountId, Added, BoxFuture, Enrolled, Error, Event, EventContext, EventDevice, FamilyId,
    Keyring, Location, Methods, NewSession, NewUser, Notice, OpenError, RANDOM_BYTES, Recipient,
    Seeking, Session, Store, Subject, Tx,
};
pub(super) use fourauth_tests::record::template;
use fourauth_tests::{postgres, record::record};
use sqlx::{
    AssertSqlSafe, Executor as _, PgPool, Row as _, SqlitePool, sqlite::SqliteConnectOptions,
};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};
use tempfile::TempDir;

/// 2025-03-01T12:00:00Z.
pub(super) const NOW: UnixMillis = UnixMillis(1_740_830_400_000);

/// A database that only one test uses.
pub(super) struct Database {
    folder: TempDir,
    url: String,
}

/// A connection for plain SQL, without the store.
pub(super) enum Plain {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Database {
    pub(super) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("fourauth.db").display());
        Self { folder, url }
    }

    pub(super) async fn postgres() -> Self {
        let url = postgres::cluster().database().await;
        Self { folder: tempfile::tempdir().unwrap(), url }
    }

    pub(super) fn is_sqlite(&self) -> bool {
        self.url.starts_with("sqlite")
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn location(&self) -> Location {
        Location::parse(&self.url).unwrap()
    }

    pub(super) async fn open(&self) -> Arc<Store> {
        Arc::new(self.open_with(keyring(1)).await.unwrap())
    }

    pub(super) async fn open_with(&self, keyring: Keyring) -> Result<Store, OpenError> {
        Store::open(&self.location(), Arc::new(keyring)).await
    }

    pub(super) async fn plain(&self) -> Plain {
        if self.is_sqlite() {
            let Location::Sqlite(path) = self.location() else {
                unreachable!("the URL is one of SQLite")
            };
            // Private to its owner, as the server creates it.
            let _there = private_file::create(&path, b"", [0; 8]);
            let options = SqliteConnectOptions::new().filename(path);
            Plain::Sqlite(SqlitePool::connect_with(options).await.unwrap())
        } else {
            Plain::Postgres(PgPool::connect(&self.url).await.unwrap())
        }
    }
}

impl Plain {
    /// Runs a statement and returns the number of changed rows.
    pub(super) async fn execute(&self, sql: &str) -> u64 {
        let sql = AssertSqlSafe(sql);
        match self {
            Self::Sqlite(pool) => pool.execute(sql).await.unwrap().rows_affected(),
            Self::Postgres(pool) => pool.execute(sql).await.unwrap().rows_affected(),
        }
    }

    /// Runs any number of statements and returns the number of changed rows.
    pub(super) async fn script(&self, sql: &str) -> u64 {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql));
        match self {
            Self::Sqlite(pool) => sql.execute(pool).await.unwrap().rows_affected(),
            Self::Postgres(pool) => sql.execute(pool).await.unwrap().rows_affected(),
        }
    }

    /// The text in the first column of every row.
    pub(super) async fn texts(&self, sql: &str) -> Vec<String> {
        let sql = AssertSqlSafe(sql);
        match self {
            Self::Sqlite(pool) => {
                pool.fetch_all(sql).await.unwrap().iter().map(|row| row.get(0)).collect()
            }
            Self::Postgres(pool) => {
                pool.fetch_all(sql).await.unwrap().iter().map(|row| row.get(0)).collect()
            }
        }
    }

    /// The number in the first column of the first row.
    pub(super) async fn number(&self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql);
        match self {
            Self::Sqlite(pool) => pool.fetch_one(sql).await.unwrap().get(0),
            Self::Postgres(pool) => pool.fetch_one(sql).await.unwrap().get(0),
        }
    }

    /// The text in the first column of the first row.
    pub(super) async fn text(&self, sql: &str) -> String {
        let sql = AssertSqlSafe(sql);
        match self {
            Self::Sqlite(pool) => pool.fetch_one(sql).await.unwrap().get(0),
            Self::Postgres(pool) => pool.fetch_one(sql).await.unwrap().get(0),
        }
    }
}

/// A keyring that differs for each `seed`.
pub(super) fn keyring(seed: u8) -> Keyring {
    Keyring::generate(&Secret::new([seed; RANDOM_BYTES]), NOW)
}

pub(super) fn name(text: &str) -> Username {
    Username::parse(text).unwrap()
}

/// A cheap hash of `text`.
pub(super) fn hash(text: &str) -> Hash {
    let password = NewPassword::in_use(&Secret::new(text.to_owned())).unwrap();
    let cost = Cost { memory_kib: 64, passes: 1 };
    let pepper = Secret::new([1; 32]);
    Hash::create(&password, [5; SALT_BYTES], cost, &pepper, &mut Memory::default()).unwrap()
}

pub(super) fn key(byte: u8) -> Key {
    Key::from_bytes(vec![byte; 20]).unwrap()
}

pub(super) fn mac(last: u8) -> MacAddress {
    MacAddress::parse(&format!("00:1b:44:11:3a:{last:02x}")).unwrap()
}

/// An account with its own id, name, mail address and phone number.
pub(super) fn new_user(username: &str) -> NewUser {
    static NEXT: AtomicI64 = AtomicI64::new(1);
    let id = AccountId(NEXT.fetch_add(1, Ordering::Relaxed));
    NewUser {
        enrolled: Enrolled::ALL,
        id,
        username: name(username),
        password: hash("Tr0ub4dor&3"),
        totp: key(0xaa),
        template: template(id, 5),
        face_epoch: 1,
        image: None,
        mac: mac(0xb7),
        email: Email::parse(&format!("user{}@mail.example", id.0)).ok(),
        phone: Phone::parse(&format!("+4420{:08}", id.0)).ok(),
        must_change: false,
        created: NOW,
    }
}

pub(super) async fn add(store: &Store, user: NewUser) -> Result<Added, Error> {
    store.write(move |tx| Box::pin(async move { tx.add_user(&user).await })).await
}

/// Adds the account and reads it back.
pub(super) async fn enrol(store: &Store, username: &str) -> Subject {
    assert_eq!(add(store, new_user(username)).await.unwrap(), Added::Yes);
    record(store, Seeking::by_name(&name(username))).await.unwrap()
}

/// The answer of a write that says whether it changed anything.
pub(super) async fn does(
    store: &Store,
    job: impl for<'a> FnOnce(&'a mut Tx) -> BoxFuture<'a, Result<bool, Error>> + Send + 'static,
) -> bool {
    store.write(job).await.unwrap()
}

/// A notice about an event at `at`, caused from 192.0.2.7 without a device key.
pub(super) fn notice(account: AccountId, event: Event, at: UnixMillis) -> Notice {
    let context = EventContext {
        username: name("alice"),
        peer: [192, 0, 2, 7].into(),
        via: None,
        device: EventDevice::Address,
        request: RequestId::new(at, [7; 10]),
        at,
        settles: None,
    };
    Notice { account, recipient: Recipient::Owner, event, context }
}

/// A session that lasts a minute.
pub(super) fn new_session(account: AccountId, version: i64, number: u8) -> NewSession {
    let expires = NOW.saturating_add_ms(60_000);
    NewSession {
        master: [number; 32],
        family: FamilyId([number; 16]),
        account,
        version,
        created: NOW,
        expires,
        ends: expires,
        methods: Methods(vec![Method::Password, Method::OneTimeCode]),
        device: None,
        mac: None,
        peer: "192.0.2.1".parse().unwrap(),
    }
}

/// The session of this number, if it can be used or renewed.
pub(super) async fn session_of(store: &Store, number: u8, at: UnixMillis) -> Option<Arc<Session>> {
    store.session([&[number; 32], &[0; 32]], at).await.unwrap()
}
