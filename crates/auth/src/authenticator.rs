//! What every command has at hand.

use crate::{
    admission::Admission,
    attempt::{Action, Attempt},
    compute::{Overload, Requester},
    entropy,
    error::Error,
    faces::Faces,
    hashing::Hasher,
    limits::Limits,
    profile::Profile,
    receipt::ReceiptKey,
    received::Received,
    undecided::Undecided,
};
use fourauth_factors::{
    face::Template,
    password_rule::PasswordRule,
    totp::{self, Key},
};
use fourauth_protocol::{
    answer::{FaceQuality, Gains},
    consent::Consent,
    mac_address::MacAddress,
    receipt::VerifyingKey,
    secret::Secret,
    username::Username,
};
use fourauth_store::{AccountId, Decoy, Store};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Pictures that serve a person best at enrolment.
pub const PICTURES_AT_ENROLMENT: u32 = 5;

/// Pictures that serve a person best at login.
pub const PICTURES_AT_LOGIN: u32 = 3;

/// The first epoch of an account's rotation.
pub const FIRST_EPOCH: i64 = 1;

/// Decides commands. One method a command, one file a method.
#[derive(Debug)]
pub struct Authenticator {
    pub(crate) store: Arc<Store>,
    pub(crate) hasher: Hasher,
    pub(crate) faces: Faces,
    pub(crate) settings: Settings,
    pub(crate) admission: Admission,
    pub(crate) receipts: ReceiptKey,
    pub(crate) undecided: Undecided,
    is_full: AtomicBool,
}

/// What an authenticator works with.
#[derive(Debug)]
pub struct Parts {
    /// Accounts and the audit log.
    pub store: Arc<Store>,
    /// Hashes passwords.
    pub hasher: Hasher,
    /// Looks at pictures.
    pub faces: Faces,
    /// What an operator has chosen.
    pub settings: Settings,
    /// Signs receipts.
    pub receipts: ReceiptKey,
    /// Hears of attempts that end without a decision.
    pub undecided: Undecided,
}

/// What an operator can choose.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How much a peer is told.
    pub profile: Profile,
    /// Which passwords may be taken.
    pub password_rule: PasswordRule,
    /// The name that authenticators show beside the code.
    pub issuer: String,
    /// How long a login lasts, in milliseconds.
    pub session_ms: i64,
    /// Whether the picture of an enrolment is kept, sealed, beside the template, for who has agreed.
    pub keep_image: bool,
    /// Whether the first login that proves everything else may bring the key of its device.
    pub trust_on_first_use: bool,
    /// Whether an address suffices for an account that has device keys.
    pub mac_only: bool,
    /// How often one may try.
    pub limits: Limits,
    /// How long a factor that was changed from an unknown device may not change another, in
    /// milliseconds.
    pub cooldown_ms: i64,
}

/// How much costly work has been done: equal for an unknown name and a wrong password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// Password hashes.
    pub hashes: u64,
    /// Pictures that were looked at.
    pub pictures: u64,
    /// Statements that the database ran.
    pub statements: u64,
}

impl Authenticator {
    /// Assembles an authenticator.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { store, hasher, faces, settings, receipts, undecided } = parts;
        let admission = Admission::new(settings.limits);
        let is_full = AtomicBool::new(false);
        Self { store, hasher, faces, settings, admission, receipts, undecided, is_full }
    }

    /// Says whether the database is as large as it may be. While it is, commands that
    /// [can wait](Action::can_wait) are not decided.
    pub fn set_full(&self, is_full: bool) {
        self.is_full.store(is_full, Ordering::Relaxed);
    }

    /// What services verify receipts with.
    #[must_use]
    pub const fn receipt_key(&self) -> VerifyingKey {
        self.receipts.public()
    }

    /// What peers have to bring although the protocol does not ask for it.
    #[must_use]
    pub fn requires(&self) -> Vec<String> {
        match self.settings.profile {
            Profile::Secure => Vec::new(),
            Profile::Strict => vec!["recovery_code".into(), "device_key".into()],
        }
    }

    /// How much costly work has been done since start.
    #[must_use]
    pub fn work(&self) -> Work {
        Work {
            hashes: self.hasher.hashes(),
            pictures: self.faces.looked_at(),
            statements: self.store.statements(),
        }
    }

    /// Opens an attempt, which is undecided at once if it can wait and there is no room.
    pub(crate) fn open(
        &self,
        action: Action,
        username: Option<&Username>,
        received: Received,
    ) -> Result<Attempt, Error> {
        let username = username.map(|name| name.as_str().to_owned());
        let (profile, undecided) = (self.settings.profile, self.undecided.clone());
        let attempt = Attempt::open(action, username, received, profile, undecided);
        let is_put_off = action.can_wait() && self.is_full.load(Ordering::Relaxed);
        if is_put_off { Err(Error::NoRoom) } else { Ok(attempt) }
    }

    /// A fresh secret for one-time codes.
    pub(crate) fn new_key() -> Key {
        let random = entropy::bytes::<{ totp::KEY_BYTES }>();
        Key::from_bytes(random.to_vec()).expect("a key of this length is allowed")
    }

    /// What a person needs to set up an authenticator.
    pub(crate) fn provisioning(&self, key: &Key, username: &Username) -> Gains {
        let uri = key.provisioning_uri(&self.settings.issuer, username.as_str()).ok();
        Gains {
            qr_png_b64: uri.as_ref().and_then(crate::qr::png_base64),
            provisioning_uri: uri,
            totp_confirmed: Some(false),
            ..Gains::default()
        }
    }

    /// The picture, if pictures are kept and the person has agreed to it.
    pub(crate) fn kept_image(
        &self,
        picture: Option<&[u8]>,
        consent: Option<&Consent>,
    ) -> Option<Secret<Vec<u8>>> {
        let is_kept = self.settings.keep_image && consent.is_some();
        picture.filter(|_| is_kept).map(|bytes| Secret::new(bytes.to_vec()))
    }
}

pub(crate) fn face_quality(pictures: u8) -> FaceQuality {
    FaceQuality { pictures: pictures.into(), recommended: PICTURES_AT_ENROLMENT }
}

/// Makes the record that unknown names are examined against: of the same shape and the same cost as
/// every real one, and matching nothing.
///
/// # Errors
///
/// [`Overload`] if no hash could be made.
///
/// # Panics
///
/// Never: 32 random bytes are a strong password.
pub async fn decoy(
    hasher: &Hasher,
    template: impl FnOnce(AccountId, i64) -> Template,
) -> Result<Decoy, Overload> {
    let unguessable = data_encoding::BASE64URL_NOPAD.encode(&entropy::bytes::<32>());
    let password = PasswordRule::default()
        .accept(&Secret::new(unguessable), "")
        .expect("32 random bytes are a strong password");
    let account = AccountId(entropy::positive_i64());
    Ok(Decoy {
        account,
        face_epoch: FIRST_EPOCH,
        password: hasher.create(password, Requester::this_machine()).await?,
        totp: Authenticator::new_key(),
        template: template(account, FIRST_EPOCH),
        mac: nobodys_address(),
    })
}

/// A locally administered address (IEEE 802 clause 8) that no device has been given.
fn nobodys_address() -> MacAddress {
    let mut octets = entropy::bytes::<6>();
    octets[0] = 0x02;
    MacAddress::from_octets(octets).expect("its first octet is neither 0 nor 255")
}
