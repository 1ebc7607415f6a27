//! A database with owners and notices, and a courier with a simulated clock.

use crate::record::template;
use fourauth_courier::{
    Courier, Limit, MailSettings, Quotas, Renderer, Round, Senders, Settings, SmsSettings,
};
use fourauth_factors::{
    password::{Cost, Hash, Memory, SALT_BYTES},
    password_rule::NewPassword,
    totp::Key,
};
use fourauth_locale::Tongue;
use fourauth_protocol::{
    contact::{Email, Phone},
    mac_address::MacAddress,
    request_id::RequestId,
    secret::Secret,
    time::UnixMillis,
    username::Username,
};
use fourauth_store::{
    AccountId, Added, Enrolled, Error, Event, EventContext, EventDevice, Keyring, Location,
    NewUser, Notice, OutboxEntry, RANDOM_BYTES, Recipient, Store,
};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// A number of messages that no test reaches.
const MANY: u32 = 1_000_000;

/// A database, and the time.
#[derive(Debug)]
pub struct PostOffice {
    /// The database.
    pub store: Arc<Store>,
    /// The settings of its couriers.
    pub settings: Settings,
    now: AtomicI64,
}

impl PostOffice {
    /// Opens a database, at `now`.
    ///
    /// # Panics
    ///
    /// If it cannot be opened.
    pub async fn open(location: &Location, now: UnixMillis) -> Self {
        let keyring = Keyring::generate(&Secret::new([1; RANDOM_BYTES]), now);
        let store = Store::open(location, Arc::new(keyring)).await.expect("a database");
        let unlimited = Limit { short: MANY, long: MANY };
        let settings = Settings {
            owner: "self".to_owned(),
            attempts: 16,
            deadline: Duration::from_mins(1),
            quotas: Quotas { owner: unlimited, block: unlimited },
        };
        Self { store: Arc::new(store), settings, now: AtomicI64::new(now.0) }
    }

    /// As [`open`](Self::open), on a SQLite file in `folder`.
    pub async fn in_folder(folder: &Path, now: UnixMillis) -> Self {
        Self::open(&Location::Sqlite(folder.join("fourauth.db")), now).await
    }

    /// The present time.
    #[must_use]
    pub fn now(&self) -> UnixMillis {
        UnixMillis(self.now.load(Ordering::SeqCst))
    }

    /// Sets the clock forward.
    pub fn advance(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.now.fetch_add(millis, Ordering::SeqCst);
    }

    /// Adds an account.
    ///
    /// # Panics
    ///
    /// If an argument is not valid, or the account exists.
    pub async fn owner(&self, name: &str, email: Option<&str>, phone: Option<&str>) -> AccountId {
        static NEXT: AtomicI64 = AtomicI64::new(1);
        let id = AccountId(NEXT.fetch_add(1, Ordering::Relaxed));
        let user = NewUser {
            email: email.map(|text| Email::parse(text).expect("a mail address")),
            phone: phone.map(|text| Phone::parse(text).expect("a phone number")),
            ..account(id, name, self.now())
        };
        let added: Result<Added, Error> =
            self.store.write(|tx| Box::pin(async move { tx.add_user(&user).await })).await;
        assert_eq!(added, Ok(Added::Yes));
        id
    }

    /// Puts a notice about an event that happens now into the outbox.
    ///
    /// # Panics
    ///
    /// If the database fails.
    pub async fn notify(&self, account: AccountId, event: Event) {
        let at = self.now();
        let context = EventContext {
            username: Username::parse("alice").expect("a name"),
            peer: [192, 0, 2, 7].into(),
            via: None,
            device: EventDevice::Address,
            request: RequestId::new(at, [7; 10]),
            at,
            settles: None,
        };
        let notice = Notice { account, recipient: Recipient::Owner, event, context };
        let put: Result<(), Error> =
            self.store.write(|tx| Box::pin(async move { tx.notify(&notice).await })).await;
        put.expect("the notice is written");
    }

    /// A courier with these senders.
    ///
    /// # Panics
    ///
    /// If it cannot be made.
    pub async fn courier(&self, mail: Option<MailSettings>, sms: Option<SmsSettings>) -> Courier {
        let senders = Senders::open(mail, sms, self.settings.deadline).expect("senders");
        let renderer = Renderer::new("4Auth", Tongue::En, None).expect("templates");
        let settings = self.settings.clone();
        let store = Arc::clone(&self.store);
        Courier::open(store, senders, renderer, settings).await.expect("a courier")
    }

    /// One round of a courier.
    ///
    /// # Panics
    ///
    /// If the database fails.
    pub async fn round(&self, courier: &mut Courier) -> Round {
        let clock = || self.now();
        courier.round(&clock, &CancellationToken::new()).await.expect("the database answers")
    }

    /// The notice with this number.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub async fn entry(&self, id: i64) -> OutboxEntry {
        self.store.outbox_entry(id).await.expect("the database answers").expect("the notice")
    }
}

/// An account without addresses.
fn account(id: AccountId, name: &str, now: UnixMillis) -> NewUser {
    let password =
        NewPassword::in_use(&Secret::new("violet-Ox-42".to_owned())).expect("a short password");
    let cost = Cost { memory_kib: 64, passes: 1 };
    let pepper = Secret::new([1; 32]);
    let hash = Hash::create(&password, [5; SALT_BYTES], cost, &pepper, &mut Memory::default());
    NewUser {
        id,
        username: Username::parse(name).expect("a name"),
        enrolled: Enrolled::ALL,
        password: hash.expect("a hash"),
        totp: Key::from_bytes(vec![0xaa; 20]).expect("a key"),
        template: template(id, 5),
        face_epoch: 1,
        image: None,
        mac: MacAddress::parse("00:1b:44:11:3a:b7").expect("an address"),
        email: None,
        phone: None,
        must_change: false,
        created: now,
    }
}
