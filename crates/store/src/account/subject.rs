//! The record that an attempt is checked against: the account's, or a decoy of the same shape.
//!
//! It is read once, by one statement, and never changes. It may be outdated when the attempt
//! writes; every write therefore compares `version`.

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

/// The claimed name, device and place of an attempt.
#[derive(Debug, Clone, Copy)]
pub struct Seeking<'a> {
    /// The claimed name.
    pub name: &'a Username,
    /// The claimed device.
    pub device: Option<DeviceId>,
    /// The place of the peer, if its address identifies it.
    pub place: Option<Place>,
}

impl<'a> Seeking<'a> {
    /// A search only by name.
    #[must_use]
    pub fn by_name(name: &'a Username) -> Self {
        Self { name, device: None, place: None }
    }
}

/// The kind of record. The checks run on every kind alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// An account that may log in.
    Active(AccountId),
    /// An account that an administrator disabled.
    Disabled(AccountId),
    /// An unknown account; the record is the decoy.
    Unknown,
}

/// The record that one attempt is checked against.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The kind of record. The checks do not read it.
    pub standing: Standing,
    /// The id that the template is bound to, of the account or of the decoy.
    pub account: AccountId,
    /// The claimed name.
    pub username: Username,
    /// Version of the account. A change must name it and is refused if another change came first.
    pub version: i64,
    /// Hash of the password.
    pub password: password::Hash,
    /// Key of the one-time codes.
    pub totp: totp::Key,
    /// The newest spent step.
    pub totp_step: Step,
    /// The newest step that was spent on a confirmation, which has its own watermark.
    pub totp_confirm_step: Step,
    /// True if a code of the current key was used.
    pub totp_confirmed: bool,
    /// The face template.
    pub template: Template,
    /// Epoch of the rotation that the template was transformed with.
    pub face_epoch: i64,
    /// MAC address of the device that the account is bound to.
    pub mac: MacAddress,
    /// True if the password must be changed, because another person chose it.
    pub must_change: bool,
    /// True if a device key was ever bound. From then on, a MAC address alone does not suffice.
    pub keyed: bool,
    /// The claimed device, if the account trusts it.
    pub device: Option<KnownDevice>,
    /// Time of the first login, if any.
    pub first_used: Option<UnixMillis>,
    /// Time when the account was last used from the place of the peer, if ever.
    pub been_here: Option<UnixMillis>,
    /// Number of trusted devices, or of known places if the account never had a device key.
    pub known_lanes: u32,
    /// Times until which a factor may not change another one.
    pub settling: Settling,
    /// Time and recipient of the current one-time code secret.
    pub totp_issued: Option<(UnixMillis, Place)>,
}

impl Subject {
    /// The newest spent step for a confirmation, which has its own watermark, or for any other
    /// command. [`Tx::spend_step`](crate::Tx::spend_step) and
    /// [`Tx::confirm_step`](crate::Tx::confirm_step) decide races between commands.
    #[must_use]
    pub const fn newest_spent(&self, is_confirmation: bool) -> Step {
        if is_confirmation { self.totp_confirm_step } else { self.totp_step }
    }
}

/// Stands in for the record of an account that does not exist.
#[derive(Debug, Clone)]
pub struct Decoy {
    /// The id that its template is bound to.
    pub account: AccountId,
    /// Hash of an unknown password, with the current cost parameters.
    pub password: password::Hash,
    /// An unknown key.
    pub totp: totp::Key,
    /// A template that belongs to no face.
    pub template: Template,
    /// The epoch of new templates.
    pub face_epoch: i64,
    /// An address that no device has.
    pub mac: MacAddress,
}

impl Decoy {
    /// Seals the decoy like a row, so that opening it takes the same time as opening a row.
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

/// A subject as stored, with its values still sealed and unparsed.
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
    /// The record of the claimed name, or the decoy. Both take one statement and two openings.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails or a value does not open. An unknown name is not an error.
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

        // Empty bytes match no device id and no place.
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

/// Zero means never.
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
    // Empty if the address does not identify a peer.
    if to.is_empty() {
        return Ok(None);
    }
    let to = to.try_into().map_err(|_| corrupt("totp_issued_to"))?;
    Ok(Some((at, Place::from_bytes(to))))
}

const fn corrupt(column: &'static str) -> Error {
    Error::Corrupt { table: TABLE, column }
}
