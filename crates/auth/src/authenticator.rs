//! The authenticator: the store, pools, keys and settings that every command uses.

use crate::{
    action::Action,
    admission::Admission,
    attempt::{Attempt, Journal, undecided::Undecided},
    command::Passcodes,
    compute::{Compute, Overload, Requester},
    delivery::Delivery,
    entropy,
    error::Error,
    faces::Faces,
    grant::Grants,
    hashing::Hasher,
    jwt::JwtKeys,
    limits::Limits,
    metrics::Metrics,
    policy::{Optional, Policy},
    profile::Profile,
    receipt_key::ReceiptKey,
    received::Received,
    recent::Recent,
    rules::identification::AddressRule,
    tokens::{Bound, Tokens},
};
use fourauth_factors::{face::Template, password_rule::PasswordRule};
use fourauth_protocol::{
    consent::Consent, device::DeviceId, mac_address::MacAddress, picture::Picture,
    receipt::VerifyingKey, secret::Secret, username::Username, words::Requirement,
};
use fourauth_store::{self as store, AccountId, Decoy, FaceCount, SealedDecoy, Store};
use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Recommended number of pictures at enrolment.
pub const PICTURES_AT_ENROLMENT: u32 = 5;

/// The first epoch of an account's template rotation.
pub const FIRST_EPOCH: i64 = 1;

/// Decides commands. Each command has one method, in a file of its own.
#[derive(Debug)]
pub struct Authenticator {
    pub(crate) store: Arc<Store>,
    pub(crate) decoy: SealedDecoy,
    pub(crate) hasher: Hasher,
    pub(crate) faces: Faces,
    pub(crate) settings: Settings,
    pub(crate) policy: Policy,
    pub(crate) admission: Admission,
    pub(crate) receipts: ReceiptKey,
    pub(crate) tokens: Tokens,
    pub(crate) journal: Journal,
    pub(crate) grants: Recent<Grants>,
    pub(crate) jwt_keys: Recent<JwtKeys>,
    is_full: AtomicBool,
}

/// The parts that an authenticator is made of.
#[derive(Debug)]
pub struct Parts {
    /// Accounts and the audit log.
    pub store: Arc<Store>,
    /// The record that unknown names are examined against.
    pub decoy: SealedDecoy,
    /// Hashes passwords.
    pub hasher: Hasher,
    /// Examines pictures.
    pub faces: Faces,
    /// The operator's settings.
    pub settings: Settings,
    /// Signs receipts.
    pub receipts: ReceiptKey,
    /// Makes tokens of sessions.
    pub tokens: Tokens,
    /// Receives reports about attempts that end without a decision.
    pub undecided: Undecided,
}

/// Settings that an operator can choose.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The security profile.
    pub profile: Profile,
    /// The rule for new passwords.
    pub password_rule: PasswordRule,
    /// The issuer name that authenticators show next to the code.
    pub issuer: String,
    /// The origin of the portal, if there is one: `https://auth.example.org`.
    pub portal: Option<String>,
    /// True to keep the encrypted picture of an enrolment with the template, if the user has
    /// consented.
    pub keep_image: bool,
    /// True if a login to an account without device keys may bind the key of its device.
    pub trust_on_first_use: bool,
    /// True if a MAC address alone is sufficient for an account that has device keys.
    pub mac_only: bool,
    /// How passcodes are sent, if they open sessions.
    pub passcodes: Option<Passcodes>,
    /// How codes are sent that reset forgotten passwords, if they do.
    pub resets: Option<Delivery>,
    /// What else is switched on.
    pub policy: Policy,
    /// Rate limits.
    pub limits: Limits,
    /// How long a factor that was changed without trust may not change another, in milliseconds.
    pub cooldown_ms: i64,
}

impl Settings {
    /// How the MAC address of a device counts that proves its key.
    pub(crate) const fn address_rule(&self) -> AddressRule {
        match self.profile {
            Profile::Secure if !self.mac_only => AddressRule::Label,
            Profile::Secure | Profile::Strict => AddressRule::Bound,
        }
    }

    /// What a session is bound to: the key of its device and, where that decides alone, no MAC
    /// address.
    pub(crate) fn bound(
        &self,
        mac: Option<MacAddress>,
        peer: IpAddr,
        device: Option<DeviceId>,
    ) -> Bound {
        let is_label = device.is_some() && self.address_rule() == AddressRule::Label;
        Bound { mac: mac.filter(|_| !is_label), peer, device }
    }
}

/// Counts of costly operations. An unknown name and a wrong password cost the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// Password hashes made or compared.
    pub hashes: u64,
    /// Pictures examined.
    pub pictures: u64,
    /// Database statements run.
    pub statements: u64,
}

impl Authenticator {
    /// Assembles an authenticator.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { store, decoy, hasher, faces, settings, receipts, tokens, undecided } = parts;
        let admission = Admission::new(settings.limits);
        let is_full = AtomicBool::new(false);
        let journal = Journal { undecided, metrics: Arc::default() };
        let policy = settings
            .policy
            .with(Optional::Passcodes, settings.passcodes.is_some())
            .with(Optional::Resets, settings.resets.is_some());
        Self {
            store,
            decoy,
            hasher,
            faces,
            settings,
            policy,
            admission,
            receipts,
            tokens,
            journal,
            grants: Recent::default(),
            jwt_keys: Recent::default(),
            is_full,
        }
    }

    /// Sets whether the database has reached its size limit. While it has, commands that
    /// [can wait](Action::can_wait) are not decided.
    pub fn set_full(&self, is_full: bool) {
        self.is_full.store(is_full, Ordering::Relaxed);
    }

    /// The public key that services verify receipts with.
    #[must_use]
    pub const fn receipt_key(&self) -> VerifyingKey {
        self.receipts.public()
    }

    /// Recommended number of pictures at login.
    #[must_use]
    pub fn pictures_at_login(&self) -> u32 {
        self.faces.pictures_at_login()
    }

    /// Proofs that the profile requires although the protocol makes them optional.
    #[must_use]
    pub fn requires(&self) -> Vec<Requirement> {
        match self.settings.profile {
            Profile::Secure => Vec::new(),
            Profile::Strict => vec![Requirement::RecoveryCode, Requirement::DeviceKey],
        }
    }

    /// Counts about all commands since the server started.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.journal.metrics
    }

    /// The compute pool.
    #[must_use]
    pub const fn compute(&self) -> &Compute {
        self.hasher.compute()
    }

    /// Counts the accounts with a face, and those with one that the model pack in use cannot compare.
    ///
    /// # Errors
    ///
    /// [`store::Error`] if the database fails.
    pub async fn count_faces(&self) -> Result<FaceCount, store::Error> {
        self.store.count_faces(|template| self.faces.can_compare(template)).await
    }

    /// Counts of costly operations since the server started.
    #[must_use]
    pub fn work(&self) -> Work {
        Work {
            hashes: self.hasher.hashes(),
            pictures: self.faces.pictures_examined(),
            statements: self.store.statements(),
        }
    }

    /// Opens an attempt. If the database is full and the action can wait, it ends undecided.
    pub(crate) fn open(
        &self,
        action: Action,
        username: Option<&Username>,
        received: Received,
    ) -> Result<Attempt, Error> {
        let username = username.map(|name| name.as_str().to_owned());
        let (profile, journal) = (self.settings.profile, self.journal.clone());
        let attempt = Attempt::open(action, username, received, profile, journal);
        let is_put_off = action.can_wait() && self.is_full.load(Ordering::Relaxed);
        if is_put_off { Err(Error::DatabaseFull) } else { Ok(attempt) }
    }

    /// True if a person may register without an administrator.
    #[must_use]
    pub const fn offers_registration(&self) -> bool {
        self.policy.has(Optional::SelfRegistration)
    }

    /// The picture, if pictures are kept and the user has consented.
    pub(crate) fn kept_image(
        &self,
        picture: &Picture,
        consent: Option<&Consent>,
    ) -> Option<Secret<Vec<u8>>> {
        let is_kept = self.settings.keep_image && consent.is_some();
        is_kept.then(|| Secret::new(picture.bytes().to_vec()))
    }
}

/// Creates the record that unknown names are examined against. It has the same form and cost as a
/// real record, and matches nothing.
///
/// # Errors
///
/// [`Overload`] if no hash could be made.
///
/// # Panics
///
/// Never: the password rule accepts 32 random bytes.
pub async fn decoy(
    hasher: &Hasher,
    template: impl FnOnce(AccountId, i64) -> Template,
) -> Result<Decoy, Overload> {
    let unguessable = data_encoding::BASE64URL_NOPAD.encode(&entropy::bytes::<32>());
    let password = PasswordRule::default()
        .accept(&Secret::new(unguessable), "")
        .expect("the password rule accepts 32 random bytes");
    let account = AccountId(entropy::positive_i64());
    Ok(Decoy {
        account,
        face_epoch: FIRST_EPOCH,
        password: hasher.create(password, Requester::this_machine()).await?,
        totp: Authenticator::new_key(),
        template: template(account, FIRST_EPOCH),
        mac: unassigned_address(),
    })
}

/// A random locally administered address (IEEE 802 clause 8), which no manufacturer assigns.
pub(crate) fn unassigned_address() -> MacAddress {
    let mut octets = entropy::bytes::<6>();
    octets[0] = 0x02;
    MacAddress::from_octets(octets).expect("the first octet is neither 0 nor 255")
}
