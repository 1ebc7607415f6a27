//! The record an attempt is checked against: the account's own, or a decoy of the same shape.
//!
//! Read once, by one statement, and never changed afterwards. What it says may be out of date by
//! the time something is written; that is what `version` is for.

use crate::{
    account::{
        device::KnownDevice,
        place::Place,
        recovery::Settling,
        user::{AccountId, TABLE},
    },
    engine::driver::{Row, Value},
    error::Error,
    keys::{
        keyring::Keyring,
        seal::{self, Seal, Sealer},
    },
    store::Store,
};
use fourauth_factors::{
    face::Template,
    password,
    totp::{self, Step},
};
use fourauth_protocol::{
    device::DeviceId, mac_address::MacAddress, secret::Secret, time::UnixMillis, username::Username,
};
use std::sync::Arc;

/// Column of the sealed one-time code key.
pub(crate) const TOTP: &str = "totp_secret_enc";
/// Column of the sealed face template.
pub(crate) const TEMPLATE: &str = "face_template_enc";
/// Column of the sealed picture.
pub(crate) const IMAGE: &str = "face_image_enc";

/// Who is looked for, and what they say they come from.
#[derive(Debug, Clone, Copy)]
pub struct Seeking<'a> {
    /// The name.
    pub name: &'a Username,
    /// The device that they claim.
    pub device: Option<DeviceId>,
    /// Where they speak from, if that tells one peer from another.
    pub place: Option<Place>,
}

impl<'a> Seeking<'a> {
    /// Somebody of this name, of whom nothing else is known.
    #[must_use]
    pub fn by_name(name: &'a Username) -> Self {
        Self { name, device: None, place: None }
    }
}

/// Whose record the checks run against. The checks themselves cannot tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// An account that may log in.
    Active(AccountId),
    /// An account that an administrator has disabled.
    Disabled(AccountId),
    /// No such account: the record is the decoy.
    Unknown,
}

/// What one attempt is checked against.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Known to the judge alone.
    pub standing: Standing,
    /// The id that the template is bound to: the account's, or the decoy's.
    pub account: AccountId,
    /// The name that was asked for.
    pub username: Username,
    /// What every change must name, so that it is refused if another came first.
    pub version: i64,
    /// What the password is compared with.
    pub password: password::Hash,
    /// What makes the one-time codes.
    pub totp: totp::Key,
    /// The newest step that has been spent.
    pub totp_step: Step,
    /// The newest step that has been spent on a confirmation, which has a watermark of its own.
    pub totp_confirm_step: Step,
    /// Whether a code of the present key has been seen.
    pub totp_confirmed: bool,
    /// What the face is compared with.
    pub template: Template,
    /// Which rotation the template was turned by.
    pub face_epoch: i64,
    /// The device the account is bound to.
    pub mac: MacAddress,
    /// Whether somebody else chose the password.
    pub must_change: bool,
    /// Whether a device key was ever bound: then an address alone never suffices again.
    pub keyed: bool,
    /// The device that was claimed, if the account trusts it.
    pub device: Option<KnownDevice>,
    /// When somebody first logged in to it, if anybody has.
    pub first_used: Option<UnixMillis>,
    /// When the account was last used from the place that the peer speaks from, if ever.
    pub been_here: Option<UnixMillis>,
    /// How many devices the account trusts, or how many places it knows if it has no device key.
    pub known_lanes: u32,
    /// Which factors may not change another yet.
    pub settling: Settling,
    /// When and where to the present one-time code secret was sent.
    pub totp_issued: Option<(UnixMillis, Place)>,
}

impl Subject {
    /// The newest step of a one-time code that is worthless by now: of a confirmation, which has a
    /// watermark of its own, or of any other command. Two commands that race with one code are
    /// decided by [`Tx::spend_step`](crate::Tx::spend_step) and
    /// [`Tx::confirm_step`](crate::Tx::confirm_step).
    #[must_use]
    pub const fn newest_spent(&self, is_confirmation: bool) -> Step {
        if is_confirmation { self.totp_confirm_step } else { self.totp_step }
    }
}

/// What stands in for the record of an account that does not exist.
#[derive(Debug, Clone)]
pub struct Decoy {
    /// The id its template is bound to.
    pub account: AccountId,
    /// A hash at today's cost of a password that nobody knows.
    pub password: password::Hash,
    /// A key that nobody knows.
    pub totp: totp::Key,
    /// A template of no face.
    pub template: Template,
    /// The epoch that new templates have.
    pub face_epoch: i64,
    /// An address that no device has.
    pub mac: MacAddress,
}

impl Decoy {
    /// Seals it like a row, so that opening it costs what opening a row costs.
    pub(crate) fn seal(&self, keyring: &Keyring) -> Record {
        let seal = Seal::new(Arc::clone(keyring.newest()));
        let Sealed { totp, template } =
            Sealed::new(&seal, self.account, &self.totp, &self.template);
        Record {
            standing: Standing::Unknown,
            account: self.account,
            version: 0,
            password: self.password.as_stored().clone(),
            totp,
            totp_step: Step(0),
            totp_confirm_step: Step(0),
            totp_confirmed: true,
            template,
            face_epoch: self.face_epoch,
            mac: self.mac.to_string(),
            must_change: false,
            keyed: false,
            device: None,
            first_used: None,
            been_here: None,
            known_lanes: 0,
            settling: Settling::default(),
            totp_issued: None,
        }
    }
}

/// The sealed values that every account has.
pub(crate) struct Sealed {
    pub(crate) totp: String,
    pub(crate) template: String,
}

impl Sealed {
    pub(crate) fn new(
        seal: &Seal,
        account: AccountId,
        totp: &totp::Key,
        template: &Template,
    ) -> Self {
        Self {
            totp: seal.seal(account.place(TOTP), totp.as_bytes()),
            template: seal.seal(account.place(TEMPLATE), template.to_bytes().expose()),
        }
    }
}

impl AccountId {
    pub(crate) const fn place(self, column: &'static str) -> seal::Place {
        seal::Place { table: TABLE, row: self.0, column }
    }
}

/// A subject as it is stored: nothing opened, nothing parsed.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    standing: Standing,
    account: AccountId,
    version: i64,
    password: Secret<String>,
    totp: String,
    totp_step: Step,
    totp_confirm_step: Step,
    totp_confirmed: bool,
    template: String,
    face_epoch: i64,
    mac: String,
    must_change: bool,
    keyed: bool,
    device: Option<KnownDevice>,
    first_used: Option<UnixMillis>,
    been_here: Option<UnixMillis>,
    known_lanes: u32,
    settling: Settling,
    totp_issued: Option<(UnixMillis, Place)>,
}

impl Store {
    /// Finds the record of who is looked for, or hands out the decoy. One statement, two openings,
    /// either way.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails or the row does not open. An unknown name is not a failure.
    pub async fn subject(&self, seeking: Seeking<'_>) -> Result<Subject, Error> {
        const SQL: &str = "SELECT u.id, u.version, u.password_hash, u.totp_secret_enc, \
             u.totp_step, u.totp_confirm_step, u.totp_confirmed, u.face_template_enc, u.face_epoch, u.mac_address, \
             u.must_change, u.disabled, u.keyed, u.first_used, u.password_settles, u.totp_settles, \
             u.face_settles, u.device_settles, u.totp_issued, u.totp_issued_to, \
             d.pubkey AS device_key, d.mac AS device_mac, \
             COALESCE(d.trusted_from, 0) AS device_trusted_from, \
             COALESCE(p.last_seen, 0) AS place_seen, \
             CASE WHEN u.keyed = 1 THEN (SELECT COUNT(*) FROM devices k WHERE k.account = u.id \
             AND k.revoked_at IS NULL) ELSE (SELECT COUNT(*) FROM places k \
             WHERE k.account = u.id) END AS known_lanes FROM users u \
             LEFT JOIN devices d ON d.account = u.id AND d.device_id = $2 \
             AND d.revoked_at IS NULL \
             LEFT JOIN places p ON p.account = u.id AND p.place = $3 WHERE u.username = $1";

        // No device has an empty id, and no place an empty hash.
        let device = seeking.device.as_ref().map_or(&[][..], |id| id.as_bytes());
        let place = seeking.place.as_ref().map_or(&[][..], Place::as_bytes);
        let values =
            [Value::Text(seeking.name.as_str()), Value::Bytes(device), Value::Bytes(place)];
        let record = match self.row(SQL, &values).await? {
            Some(row) => Record::read(&row)?,
            None => self.decoy(),
        };
        record.open(&self.sealer, seeking.name.clone())
    }
}

impl Record {
    fn read(row: &Row) -> Result<Self, Error> {
        let account = AccountId(row.int(TABLE, "id")?);
        Ok(Self {
            standing: if row.flag(TABLE, "disabled")? {
                Standing::Disabled(account)
            } else {
                Standing::Active(account)
            },
            account,
            version: row.int(TABLE, "version")?,
            password: Secret::new(row.text(TABLE, "password_hash")?),
            totp: row.text(TABLE, TOTP)?,
            totp_step: step(row, "totp_step")?,
            totp_confirm_step: step(row, "totp_confirm_step")?,
            totp_confirmed: row.flag(TABLE, "totp_confirmed")?,
            template: row.text(TABLE, TEMPLATE)?,
            face_epoch: row.int(TABLE, "face_epoch")?,
            mac: row.text(TABLE, "mac_address")?,
            must_change: row.flag(TABLE, "must_change")?,
            keyed: row.flag(TABLE, "keyed")?,
            device: KnownDevice::read(row)?,
            first_used: instant(row.int(TABLE, "first_used")?),
            been_here: instant(row.int(TABLE, "place_seen")?),
            known_lanes: u32::try_from(row.int(TABLE, "known_lanes")?).unwrap_or(u32::MAX),
            settling: Settling::read(row)?,
            totp_issued: issue(row)?,
        })
    }

    fn open(self, sealer: &Sealer, username: Username) -> Result<Subject, Error> {
        let open = |column, envelope: &str| {
            sealer.open(self.account.place(column), envelope).map_err(|_| corrupt(column))
        };
        let totp = open(TOTP, &self.totp)?;
        let template = open(TEMPLATE, &self.template)?;
        Ok(Subject {
            standing: self.standing,
            account: self.account,
            username,
            version: self.version,
            password: password::Hash::parse(self.password.expose().clone())
                .map_err(|_| corrupt("password_hash"))?,
            totp: totp::Key::from_bytes(totp.expose().clone()).map_err(|_| corrupt(TOTP))?,
            totp_step: self.totp_step,
            totp_confirm_step: self.totp_confirm_step,
            totp_confirmed: self.totp_confirmed,
            template: Template::from_bytes(template.expose()).map_err(|_| corrupt(TEMPLATE))?,
            face_epoch: self.face_epoch,
            mac: MacAddress::parse(&self.mac).map_err(|_| corrupt("mac_address"))?,
            must_change: self.must_change,
            keyed: self.keyed,
            device: self.device,
            first_used: self.first_used,
            been_here: self.been_here,
            known_lanes: self.known_lanes,
            settling: self.settling,
            totp_issued: self.totp_issued,
        })
    }
}

/// Zero is never.
fn instant(millis: i64) -> Option<UnixMillis> {
    (millis > 0).then_some(UnixMillis(millis))
}

fn step(row: &Row, column: &'static str) -> Result<Step, Error> {
    u64::try_from(row.int(TABLE, column)?).map(Step).map_err(|_| corrupt(column))
}

fn issue(row: &Row) -> Result<Option<(UnixMillis, Place)>, Error> {
    let at = instant(row.int(TABLE, "totp_issued")?);
    let to = row.bytes_or_null(TABLE, "totp_issued_to")?;
    let (Some(at), Some(to)) = (at, to) else { return Ok(None) };
    // Empty where it was sent to an address that tells nothing.
    if to.is_empty() {
        return Ok(None);
    }
    let to = to.try_into().map_err(|_| corrupt("totp_issued_to"))?;
    Ok(Some((at, Place::from_bytes(to))))
}

const fn corrupt(column: &'static str) -> Error {
    Error::Corrupt { table: TABLE, column }
}
