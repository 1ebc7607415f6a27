//! Administration of accounts: create, list, disable and erase. This module opens no secrets;
//! `subject` does that, and `factor` changes them.

use crate::{
    account::{
        groups::Groups,
        id::{AccountId, IMAGE, TABLE},
        invitation::OpenInvitation,
        record::Enrolled,
        sealed::Sealed,
    },
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::{Cause, Error},
    store::Store,
};
use fourauth_factors::{face::Template, password, totp};
use fourauth_protocol::{
    contact::{Email, Phone},
    mac_address::MacAddress,
    secret::Secret,
    time::UnixMillis,
    username::Username,
};

/// The version of an account that has never been changed.
pub const FIRST_VERSION: i64 = 1;

/// Most accounts in one page.
pub const MAX_PAGE: u32 = 500;

/// What [`UserSummary`] reads.
macro_rules! summary_columns {
    () => {
        "SELECT id, username, email, phone, mac_address, totp_confirmed, must_change, disabled, \
         version, group_names, created_utc, administrator, has_totp, has_face, has_device, keyed, \
         invited_version, invited_until FROM users"
    };
}
pub(crate) use summary_columns;

/// A new account.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// A random id.
    pub id: AccountId,
    /// The username.
    pub username: Username,
    /// The factors that the account has. The value of another one must match nothing.
    pub enrolled: Enrolled,
    /// The password.
    pub password: password::Hash,
    /// The key of the one-time codes.
    pub totp: totp::Key,
    /// The face template.
    pub template: Template,
    /// Epoch of the rotation that the template was transformed with.
    pub face_epoch: i64,
    /// The picture, if it should be stored.
    pub image: Option<Secret<Vec<u8>>>,
    /// MAC address of the device.
    pub mac: MacAddress,
    /// The email address.
    pub email: Option<Email>,
    /// The phone number.
    pub phone: Option<Phone>,
    /// True if the password must be changed, because another person chose it.
    pub must_change: bool,
    /// Time of creation.
    pub created: UnixMillis,
}

/// Result of [`Tx::add_user`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// The account was created.
    Yes,
    /// Another account has the username, or one that looks like it.
    NameTaken,
    /// Another account has the email address.
    EmailTaken,
    /// Another account has the phone number.
    PhoneTaken,
}

/// An account without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "facts that are independent of each other")]
pub struct UserSummary {
    /// The id.
    pub id: AccountId,
    /// The username.
    pub username: String,
    /// The email address.
    pub email: Option<String>,
    /// The phone number.
    pub phone: Option<String>,
    /// MAC address of the device.
    pub mac: String,
    /// True if a code of the current key was used.
    pub totp_confirmed: bool,
    /// True if the password must be changed, because another person chose it.
    pub must_change: bool,
    /// True if an administrator disabled the account.
    pub disabled: bool,
    /// Version of the account, from 1. It increases with every change of a factor.
    pub version: i64,
    /// Its groups.
    pub groups: Groups,
    /// The factors that it has.
    pub enrolled: Enrolled,
    /// True if it may use the console.
    pub is_administrator: bool,
    /// Its invitation, if that was not accepted yet.
    pub invitation: Option<OpenInvitation>,
    /// Time of creation.
    pub created: UnixMillis,
}

impl Tx {
    /// Creates an account. The constraints of the table decide races, so exactly one of many
    /// registrations with one name returns [`Added::Yes`].
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails. [`Cause::Busy`] also if the id is taken or the conflicting
    /// account was just deleted: retry with another id.
    pub async fn add_user(&mut self, user: &NewUser) -> Result<Added, Error> {
        const SQL: &str = "INSERT INTO users (username, password_hash, face_template_enc, \
             face_image_enc, totp_secret_enc, mac_address, id, email, phone, face_epoch, \
             must_change, created_utc, has_totp, has_face, has_device, name_key, settled) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 1) \
             ON CONFLICT DO NOTHING";

        let seal = self.sealing().await?;
        let sealed = Sealed::new(&seal, user.id, &user.totp, &user.template);
        let place = user.id.place(IMAGE);
        let image = user.image.as_ref().map(|image| seal.seal(place, image.expose()));
        let (mac, created) = (user.mac.to_string(), user.created.to_string());
        let key = user.username.key();
        let values = [
            Value::Text(user.username.as_str()),
            Value::Text(user.password.as_stored().expose()),
            Value::Text(&sealed.template),
            Value::TextOrNull(image.as_deref()),
            Value::Text(&sealed.totp),
            Value::Text(&mac),
            Value::Int(user.id.0),
            Value::TextOrNull(user.email.as_ref().map(Email::as_str)),
            Value::TextOrNull(user.phone.as_ref().map(Phone::as_str)),
            Value::Int(user.face_epoch),
            Value::Int(user.must_change.into()),
            Value::Text(&created),
            Value::Int(user.enrolled.totp.into()),
            Value::Int(user.enrolled.face.into()),
            Value::Int(user.enrolled.device.into()),
            Value::Text(key.as_str()),
        ];
        if self.changes(SQL, &values).await? {
            self.seal_account(user.id).await?;
            return Ok(Added::Yes);
        }
        self.conflict(user).await
    }

    async fn conflict(&mut self, user: &NewUser) -> Result<Added, Error> {
        const SQL: &str = "SELECT username, name_key, email, phone FROM users \
             WHERE username = $1 OR email = $2 OR phone = $3 OR name_key = $4";

        let key = user.username.key();
        let email = user.email.as_ref().map(Email::as_str);
        let phone = user.phone.as_ref().map(Phone::as_str);
        let values = [
            Value::Text(user.username.as_str()),
            Value::TextOrNull(email),
            Value::TextOrNull(phone),
            Value::Text(key.as_str()),
        ];
        let mut taken = Err(Error::Unavailable(Cause::Busy));
        for row in self.rows(SQL, &values).await? {
            let same_key = row.text_or_null(TABLE, "name_key")?.as_deref() == Some(key.as_str());
            if same_key || row.text(TABLE, "username")? == user.username.as_str() {
                return Ok(Added::NameTaken);
            }
            let same_email =
                email.is_some() && row.text_or_null(TABLE, "email")?.as_deref() == email;
            taken = Ok(if same_email { Added::EmailTaken } else { Added::PhoneTaken });
        }
        taken
    }

    /// Disables or enables an account and ends its sessions. `false` if there is no such account.
    pub async fn set_disabled(
        &mut self,
        account: AccountId,
        disabled: bool,
    ) -> Result<bool, Error> {
        const SQL: &str = "UPDATE users SET disabled = $1, version = version + 1 WHERE id = $2";

        let values = [Value::Int(disabled.into()), Value::Int(account.0)];
        let changed = self.change_account(account, SQL, &values).await?;
        self.end_sessions(account).await?;
        Ok(changed)
    }

    /// Gives an account another name, and ends its sessions. `false` if there is no such account, or
    /// another one has that name or one that looks like it.
    pub async fn rename_user(
        &mut self,
        account: AccountId,
        name: &Username,
    ) -> Result<bool, Error> {
        const SQL: &str = "UPDATE users SET username = $1, name_key = $2, version = version + 1 \
             WHERE id = $3 AND NOT EXISTS (SELECT 1 FROM users WHERE id <> $3 \
             AND (username = $1 OR name_key = $2))";

        let key = name.key();
        let values = [Value::Text(name.as_str()), Value::Text(key.as_str()), Value::Int(account.0)];
        let renamed = self.change_account(account, SQL, &values).await?;
        if renamed {
            self.end_sessions(account).await?;
        }
        Ok(renamed)
    }

    /// Deletes an account with its secrets and sessions. Its rows in the audit log stay. `false` if
    /// there is no such account.
    pub async fn erase_user(&mut self, account: AccountId) -> Result<bool, Error> {
        const SQL: &str = "DELETE FROM users WHERE id = $1";

        self.end_sessions(account).await?;
        self.changes(SQL, &[Value::Int(account.0)]).await
    }
}

impl Store {
    /// Accounts ordered by name, starting after `after`, at most `limit` and [`MAX_PAGE`].
    pub async fn users(
        &self,
        after: Option<&Username>,
        limit: u32,
    ) -> Result<Vec<UserSummary>, Error> {
        const SQL: &str =
            concat!(summary_columns!(), " WHERE username > $1 ORDER BY username LIMIT $2");

        let after = after.map_or("", Username::as_str);
        let values = [Value::Text(after), Value::Int(limit.min(MAX_PAGE).into())];
        self.rows(SQL, &values).await?.iter().map(UserSummary::read).collect()
    }

    /// The account with this name, if any.
    pub async fn user(&self, name: &Username) -> Result<Option<UserSummary>, Error> {
        const SQL: &str = concat!(summary_columns!(), " WHERE username = $1");

        let row = self.row(SQL, &[Value::Text(name.as_str())]).await?;
        row.as_ref().map(UserSummary::read).transpose()
    }

    /// True if an account has this name, or one that looks like it.
    pub async fn is_name_taken(&self, name: &Username) -> Result<bool, Error> {
        const SQL: &str = "SELECT 1 FROM users WHERE username = $1 OR name_key = $2";

        let key = name.key();
        let values = [Value::Text(name.as_str()), Value::Text(key.as_str())];
        Ok(self.row(SQL, &values).await?.is_some())
    }

    /// The name of the account with this mail address, and this telephone number if one is given.
    pub async fn name_by_email(
        &self,
        email: &Email,
        phone: Option<&Phone>,
    ) -> Result<Option<Username>, Error> {
        const SQL: &str = "SELECT username, phone FROM users WHERE email = $1";

        let Some(row) = self.row(SQL, &[Value::Text(email.as_str())]).await? else {
            return Ok(None);
        };
        let has = row.text_or_null(TABLE, "phone")?;
        if phone.is_some_and(|phone| has.as_deref() != Some(phone.as_str())) {
            return Ok(None);
        }
        name(&row).map(Some)
    }

    /// The name of the account with this telephone number.
    pub async fn name_by_phone(&self, phone: &Phone) -> Result<Option<Username>, Error> {
        const SQL: &str = "SELECT username FROM users WHERE phone = $1";

        let row = self.row(SQL, &[Value::Text(phone.as_str())]).await?;
        row.as_ref().map(name).transpose()
    }
}

fn name(row: &Row) -> Result<Username, Error> {
    let corrupt = |_| Error::Corrupt { table: TABLE, column: "username" };
    Username::parse(&row.text(TABLE, "username")?).map_err(corrupt)
}

impl UserSummary {
    pub(super) fn read(row: &Row) -> Result<Self, Error> {
        let created = row.text(TABLE, "created_utc")?;
        Ok(Self {
            id: AccountId(row.int(TABLE, "id")?),
            username: row.text(TABLE, "username")?,
            email: row.text_or_null(TABLE, "email")?,
            phone: row.text_or_null(TABLE, "phone")?,
            mac: row.text(TABLE, "mac_address")?,
            totp_confirmed: row.flag(TABLE, "totp_confirmed")?,
            must_change: row.flag(TABLE, "must_change")?,
            disabled: row.flag(TABLE, "disabled")?,
            version: row.int(TABLE, "version")?,
            groups: Groups::read(row)?,
            enrolled: Enrolled::read(row)?,
            is_administrator: row.flag(TABLE, "administrator")?,
            invitation: OpenInvitation::read(row)?,
            created: UnixMillis::parse(&created)
                .map_err(|_| Error::Corrupt { table: TABLE, column: "created_utc" })?,
        })
    }
}
