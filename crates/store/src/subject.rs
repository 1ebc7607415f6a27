//! The record an attempt is checked against: the account's own, or a decoy of the same shape.
//!
//! Read once, by one statement, and never changed afterwards. What it says may be out of date by
//! the time something is written; that is what `version` is for.

use crate::{
    account::{AccountId, TABLE},
    driver::{Row, Value},
    error::Error,
    seal::{Place, Sealer},
    store::Store,
};
use fourauth_factors::{
    face::Template,
    password,
    totp::{self, Step},
};
use fourauth_protocol::{mac_address::MacAddress, secret::Secret, username::Username};

/// Column of the sealed one-time code key.
pub(crate) const TOTP: &str = "totp_secret_enc";
/// Column of the sealed face template.
pub(crate) const TEMPLATE: &str = "face_template_enc";
/// Column of the sealed picture.
pub(crate) const IMAGE: &str = "face_image_enc";

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
    /// The newest step that has been spent. Only [`Tx::spend_step`](crate::Tx::spend_step) decides.
    pub totp_step: Step,
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
    pub(crate) fn seal(&self, sealer: &Sealer) -> Record {
        let Sealed { totp, template } =
            Sealed::new(sealer, self.account, &self.totp, &self.template);
        Record {
            standing: Standing::Unknown,
            account: self.account,
            version: 0,
            password: self.password.as_stored().clone(),
            totp,
            totp_step: 0,
            totp_confirmed: true,
            template,
            face_epoch: self.face_epoch,
            mac: self.mac.to_string(),
            must_change: false,
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
        sealer: &Sealer,
        account: AccountId,
        totp: &totp::Key,
        template: &Template,
    ) -> Self {
        Self {
            totp: sealer.seal(account.place(TOTP), totp.as_bytes()),
            template: sealer.seal(account.place(TEMPLATE), template.to_bytes().expose()),
        }
    }
}

impl AccountId {
    pub(crate) const fn place(self, column: &'static str) -> Place {
        Place { table: TABLE, row: self.0, column }
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
    totp_step: i64,
    totp_confirmed: bool,
    template: String,
    face_epoch: i64,
    mac: String,
    must_change: bool,
}

impl Store {
    /// Finds the record for `name`, or hands out the decoy. One statement, two openings, either way.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails or the row does not open. An unknown name is not a failure.
    pub async fn subject(&self, name: &Username) -> Result<Subject, Error> {
        const SQL: &str = "SELECT id, version, password_hash, totp_secret_enc, totp_step, \
             totp_confirmed, face_template_enc, face_epoch, mac_address, must_change, disabled \
             FROM users WHERE username = $1";

        let row = self.row(SQL, &[Value::Text(name.as_str())]).await?;
        let record = match row {
            Some(row) => Record::read(&row)?,
            None => self.decoy.clone(),
        };
        record.open(&self.sealer, name.clone())
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
            totp_step: row.int(TABLE, "totp_step")?,
            totp_confirmed: row.flag(TABLE, "totp_confirmed")?,
            template: row.text(TABLE, TEMPLATE)?,
            face_epoch: row.int(TABLE, "face_epoch")?,
            mac: row.text(TABLE, "mac_address")?,
            must_change: row.flag(TABLE, "must_change")?,
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
            totp_step: Step(u64::try_from(self.totp_step).map_err(|_| corrupt("totp_step"))?),
            totp_confirmed: self.totp_confirmed,
            template: Template::from_bytes(template.expose()).map_err(|_| corrupt(TEMPLATE))?,
            face_epoch: self.face_epoch,
            mac: MacAddress::parse(&self.mac).map_err(|_| corrupt("mac_address"))?,
            must_change: self.must_change,
        })
    }
}

const fn corrupt(column: &'static str) -> Error {
    Error::Corrupt { table: TABLE, column }
}
