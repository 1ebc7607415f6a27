//! The record of an account as it is stored, and as an attempt is checked against it.

use crate::{
    account::{
        id::{AccountId, TABLE, TEMPLATE, TOTP},
        known_device::KnownDevice,
        login_location::LoginLocation,
        recovery::Settling,
    },
    engine::driver::Row,
    error::Error,
    keys::seal::Sealer,
};
use fourauth_factors::{
    face::Template,
    password,
    totp::{self, Step},
};
use fourauth_protocol::{
    device::DeviceId, mac_address::MacAddress, secret::Secret, time::UnixMillis, username::Username,
};

/// The claimed name, device and place of an attempt.
#[derive(Debug, Clone, Copy)]
pub struct Seeking<'a> {
    /// The claimed name.
    pub name: &'a Username,
    /// False if the name is known to belong to no account, so that only the decoy fits.
    pub may_exist: bool,
    /// The claimed device.
    pub device: Option<DeviceId>,
    /// The place of the peer, if its address identifies it.
    pub place: Option<LoginLocation>,
}

impl<'a> Seeking<'a> {
    /// A search only by name.
    #[must_use]
    pub fn by_name(name: &'a Username) -> Self {
        Self { name, may_exist: true, device: None, place: None }
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

/// The factors that an account has. It always has a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "factors that are independent of each other")]
pub struct Enrolled {
    /// A secret for one-time codes.
    pub totp: bool,
    /// A face.
    pub face: bool,
    /// A device, known by its MAC address or its key.
    pub device: bool,
    /// A device key, now or in the past. From then on, a MAC address alone does not suffice.
    pub key: bool,
}

/// How far a key of one-time codes has come into use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TotpStage {
    /// The account has no one-time codes yet, and a code of the key is to be confirmed.
    Proposed,
    /// No code of the key was used.
    Unconfirmed,
    /// A code of the key was used.
    Confirmed,
}

impl TotpStage {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(match (row.flag(TABLE, "totp_pending")?, row.flag(TABLE, "totp_confirmed")?) {
            (true, _) => Self::Proposed,
            (false, false) => Self::Unconfirmed,
            (false, true) => Self::Confirmed,
        })
    }
}

impl Enrolled {
    /// Every factor.
    pub const ALL: Self = Self { totp: true, face: true, device: true, key: true };

    /// A password only.
    pub const PASSWORD: Self = Self { totp: false, face: false, device: false, key: false };

    pub(crate) fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            totp: row.flag(TABLE, "has_totp")?,
            face: row.flag(TABLE, "has_face")?,
            device: row.flag(TABLE, "has_device")?,
            key: row.flag(TABLE, "keyed")?,
        })
    }
}

/// The record that one attempt is checked against. The value of a factor that the account does not
/// have matches nothing.
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
    /// The factors that the account has. The decoy has all.
    pub enrolled: Enrolled,
    /// Hash of the password.
    pub password: password::Hash,
    /// Key of the one-time codes.
    pub totp: totp::Key,
    /// The newest spent step.
    pub totp_step: Step,
    /// The newest step that was spent on a confirmation, which has its own watermark.
    pub totp_confirm_step: Step,
    /// How far that key has come into use.
    pub totp_stage: TotpStage,
    /// The face template.
    pub template: Template,
    /// Epoch of the rotation that the template was transformed with.
    pub face_epoch: i64,
    /// MAC address of the device that the account is bound to.
    pub mac: MacAddress,
    /// True if the password must be changed, because another person chose it.
    pub must_change: bool,
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
    pub totp_issued: Option<(UnixMillis, LoginLocation)>,
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

/// A subject as stored, with its values still sealed and unparsed.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) standing: Standing,
    pub(crate) account: AccountId,
    pub(crate) version: i64,
    pub(crate) enrolled: Enrolled,
    pub(crate) password: Secret<String>,
    pub(crate) totp: String,
    pub(crate) totp_step: Step,
    pub(crate) totp_confirm_step: Step,
    pub(crate) totp_stage: TotpStage,
    pub(crate) template: String,
    pub(crate) face_epoch: i64,
    pub(crate) mac: String,
    pub(crate) must_change: bool,
    pub(crate) device: Option<KnownDevice>,
    pub(crate) first_used: Option<UnixMillis>,
    pub(crate) been_here: Option<UnixMillis>,
    pub(crate) known_lanes: u32,
    pub(crate) settling: Settling,
    pub(crate) totp_issued: Option<(UnixMillis, LoginLocation)>,
}

impl Record {
    pub(crate) fn read(row: &Row) -> Result<Self, Error> {
        let account = AccountId(row.int(TABLE, "id")?);
        Ok(Self {
            standing: if row.flag(TABLE, "disabled")? {
                Standing::Disabled(account)
            } else {
                Standing::Active(account)
            },
            account,
            version: row.int(TABLE, "version")?,
            enrolled: Enrolled::read(row)?,
            password: Secret::new(row.text(TABLE, "password_hash")?),
            totp: row.text(TABLE, TOTP)?,
            totp_step: step(row, "totp_step")?,
            totp_confirm_step: step(row, "totp_confirm_step")?,
            totp_stage: TotpStage::read(row)?,
            template: row.text(TABLE, TEMPLATE)?,
            face_epoch: row.int(TABLE, "face_epoch")?,
            mac: row.text(TABLE, "mac_address")?,
            must_change: row.flag(TABLE, "must_change")?,
            device: KnownDevice::read(row)?,
            first_used: instant(row.int(TABLE, "first_used")?),
            been_here: instant(row.int(TABLE, "place_seen")?),
            known_lanes: u32::try_from(row.int(TABLE, "known_lanes")?).unwrap_or(u32::MAX),
            settling: Settling::read(row)?,
            totp_issued: issue(row)?,
        })
    }

    pub(crate) fn open(self, sealer: &Sealer, username: Username) -> Result<Subject, Error> {
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
            enrolled: self.enrolled,
            password: password::Hash::parse(self.password.expose().clone())
                .map_err(|_| corrupt("password_hash"))?,
            totp: totp::Key::from_bytes(totp.expose().clone()).map_err(|_| corrupt(TOTP))?,
            totp_step: self.totp_step,
            totp_confirm_step: self.totp_confirm_step,
            totp_stage: self.totp_stage,
            template: Template::from_bytes(template.expose()).map_err(|_| corrupt(TEMPLATE))?,
            face_epoch: self.face_epoch,
            mac: MacAddress::parse(&self.mac).map_err(|_| corrupt("mac_address"))?,
            must_change: self.must_change,
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

fn issue(row: &Row) -> Result<Option<(UnixMillis, LoginLocation)>, Error> {
    let at = instant(row.int(TABLE, "totp_issued")?);
    let to = row.bytes_or_null(TABLE, "totp_issued_to")?;
    let (Some(at), Some(to)) = (at, to) else { return Ok(None) };
    // Empty if the address does not identify a peer.
    if to.is_empty() {
        return Ok(None);
    }
    let to = to.try_into().map_err(|_| corrupt("totp_issued_to"))?;
    Ok(Some((at, LoginLocation::from_bytes(to))))
}

const fn corrupt(column: &'static str) -> Error {
    Error::Corrupt { table: TABLE, column }
}
