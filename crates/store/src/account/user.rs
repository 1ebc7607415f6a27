//! Accounts as an administrator sees them: made, listed, disabled, erased. Nothing here opens a
//! secret; that is `subject`'s business, and changing one is `factor`'s.

use crate::{
    account::subject::{IMAGE, Sealed},
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

pub(crate) const TABLE: &str = "users";

/// Most accounts of one page.
pub const MAX_PAGE: u32 = 500;

/// Names an account for good: random, so that nothing sealed for one ever opens for another, also
/// if the name is given to somebody else later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub i64);

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// A random id.
    pub id: AccountId,
    /// The name to log in with.
    pub username: Username,
    /// The password.
    pub password: password::Hash,
    /// The key of the one-time codes.
    pub totp: totp::Key,
    /// The face.
    pub template: Template,
    /// Which rotation the template was turned by.
    pub face_epoch: i64,
    /// The picture, if it is to be kept.
    pub image: Option<Secret<Vec<u8>>>,
    /// The device.
    pub mac: MacAddress,
    /// Where mail reaches the person.
    pub email: Option<Email>,
    /// Where messages reach the person.
    pub phone: Option<Phone>,
    /// Whether somebody else chose the password.
    pub must_change: bool,
    /// Now.
    pub created: UnixMillis,
}

/// What became of an account to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It is there.
    Yes,
    /// Somebody has that name.
    NameTaken,
    /// Somebody has that mail address.
    EmailTaken,
    /// Somebody has that number.
    PhoneTaken,
}

/// An account without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserSummary {
    /// Its id.
    pub id: AccountId,
    /// Its name.
    pub username: String,
    /// Where mail reaches the person.
    pub email: Option<String>,
    /// Where messages reach the person.
    pub phone: Option<String>,
    /// The device.
    pub mac: String,
    /// Whether a code of the present key has been seen.
    pub totp_confirmed: bool,
    /// Whether somebody else chose the password.
    pub must_change: bool,
    /// Whether an administrator has disabled it.
    pub disabled: bool,
    /// How often a factor has changed, from 1.
    pub version: i64,
    /// When it was made.
    pub created: UnixMillis,
}

impl Tx {
    /// Makes an account. Who comes first is decided by the constraints of the table, so of many
    /// registrations of one name exactly one is told [`Added::Yes`].
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails; [`Cause::Busy`] also if the id is taken or the account in
    /// the way has just gone: try again with another id.
    pub async fn add_user(&mut self, user: &NewUser) -> Result<Added, Error> {
        const SQL: &str = "INSERT INTO users (username, password_hash, face_template_enc, \
             face_image_enc, totp_secret_enc, mac_address, id, email, phone, face_epoch, \
             must_change, created_utc) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING";

        let seal = self.sealing().await?;
        let sealed = Sealed::new(&seal, user.id, &user.totp, &user.template);
        let place = user.id.place(IMAGE);
        let image = user.image.as_ref().map(|image| seal.seal(place, image.expose()));
        let (mac, created) = (user.mac.to_string(), user.created.to_string());
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
        ];
        if self.changes(SQL, &values).await? {
            return Ok(Added::Yes);
        }
        self.who_is_in_the_way(user).await
    }

    async fn who_is_in_the_way(&mut self, user: &NewUser) -> Result<Added, Error> {
        const SQL: &str = "SELECT username, email, phone FROM users \
             WHERE username = $1 OR email = $2 OR phone = $3";

        let email = user.email.as_ref().map(Email::as_str);
        let phone = user.phone.as_ref().map(Phone::as_str);
        let values = [
            Value::Text(user.username.as_str()),
            Value::TextOrNull(email),
            Value::TextOrNull(phone),
        ];
        let mut taken = Err(Error::Unavailable(Cause::Busy));
        for row in self.rows(SQL, &values).await? {
            if row.text(TABLE, "username")? == user.username.as_str() {
                return Ok(Added::NameTaken);
            }
            let same_email =
                email.is_some() && row.text_or_null(TABLE, "email")?.as_deref() == email;
            taken = Ok(if same_email { Added::EmailTaken } else { Added::PhoneTaken });
        }
        taken
    }

    /// Disables an account or enables it again, and ends its sessions. `false` if there is none.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn set_disabled(
        &mut self,
        account: AccountId,
        disabled: bool,
    ) -> Result<bool, Error> {
        const SQL: &str = "UPDATE users SET disabled = $1, version = version + 1 WHERE id = $2";

        let values = [Value::Int(disabled.into()), Value::Int(account.0)];
        let changed = self.changes(SQL, &values).await?;
        self.end_sessions(account).await?;
        Ok(changed)
    }

    /// Deletes an account, its secrets and its sessions. What the audit log says of it stays.
    /// `false` if there is none.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn erase_user(&mut self, account: AccountId) -> Result<bool, Error> {
        const SQL: &str = "DELETE FROM users WHERE id = $1";

        self.end_sessions(account).await?;
        self.changes(SQL, &[Value::Int(account.0)]).await
    }
}

impl Store {
    /// Accounts in the order of their names, from the first after `after`, at most `limit` and
    /// never more than [`MAX_PAGE`].
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn users(
        &self,
        after: Option<&Username>,
        limit: u32,
    ) -> Result<Vec<UserSummary>, Error> {
        const SQL: &str = "SELECT id, username, email, phone, mac_address, totp_confirmed, \
             must_change, disabled, version, created_utc FROM users \
             WHERE username > $1 ORDER BY username LIMIT $2";

        let after = after.map_or("", Username::as_str);
        let values = [Value::Text(after), Value::Int(limit.min(MAX_PAGE).into())];
        self.rows(SQL, &values).await?.iter().map(UserSummary::read).collect()
    }

    /// One account, if there is one of this name.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn user(&self, name: &Username) -> Result<Option<UserSummary>, Error> {
        const SQL: &str = "SELECT id, username, email, phone, mac_address, totp_confirmed, \
             must_change, disabled, version, created_utc FROM users WHERE username = $1";

        let row = self.row(SQL, &[Value::Text(name.as_str())]).await?;
        row.as_ref().map(UserSummary::read).transpose()
    }
}

impl UserSummary {
    fn read(row: &Row) -> Result<Self, Error> {
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
            created: UnixMillis::parse(&created)
                .map_err(|_| Error::Corrupt { table: TABLE, column: "created_utc" })?,
        })
    }
}
