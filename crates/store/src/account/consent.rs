//! On what the face that is held was enrolled: which notice its owner agreed to, when, and who says
//! so. Written in the transaction of the enrolment, and gone with the account.
//!
//! What was held before and is no longer has no row here; that it was enrolled is in the audit log.

use crate::{
    account::user::AccountId,
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
    store::Store,
};
use fourauth_protocol::{consent::Consent, time::UnixMillis};

const TABLE: &str = "consents";

/// What is held of a face.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// What is compared. Always.
    Template,
    /// The picture, for who agreed to that.
    Picture,
}

impl Held {
    /// The word for the database and for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::Picture => "picture",
        }
    }
}

/// What an enrolment rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConsent {
    /// The notice that was agreed to, if one was named.
    pub notice: Option<Consent>,
    /// Whether the picture is held as well.
    pub keeps_picture: bool,
    /// When.
    pub given: UnixMillis,
    /// Who says so: `self`, `import`, or `admin=` and a name.
    pub given_by: String,
    /// The command that brought it, as the audit log names it.
    pub request: Option<String>,
}

/// What one thing that is held rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consented {
    /// What is held.
    pub what: Held,
    /// The notice that was agreed to, if one was named.
    pub notice: Option<String>,
    /// When.
    pub given: UnixMillis,
    /// Who says so.
    pub given_by: String,
    /// The command that brought it.
    pub request: Option<String>,
}

impl Tx {
    /// Notes what the face rests on that was enrolled in this transaction; what the one before it
    /// rested on is forgotten with it.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn record_consent(
        &mut self,
        account: AccountId,
        consent: &NewConsent,
    ) -> Result<(), Error> {
        const FORGET: &str = "DELETE FROM consents WHERE account = $1";
        const SQL: &str = "INSERT INTO consents (account, what, notice, given, given_by, request) \
                           VALUES ($1, $2, $3, $4, $5, $6)";

        self.execute(FORGET, &[Value::Int(account.0)]).await?;
        let picture = consent.keeps_picture.then_some(Held::Picture);
        for what in [Some(Held::Template), picture].into_iter().flatten() {
            let values = [
                Value::Int(account.0),
                Value::Text(what.as_str()),
                Value::TextOrNull(consent.notice.as_ref().map(Consent::as_str)),
                Value::Int(consent.given.0),
                Value::Text(&consent.given_by),
                Value::TextOrNull(consent.request.as_deref()),
            ];
            self.execute(SQL, &values).await?;
        }
        Ok(())
    }
}

impl Store {
    /// What rests on what. Nothing for accounts that are older than the record.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn consents(&self, account: AccountId) -> Result<Vec<Consented>, Error> {
        const SQL: &str = "SELECT what, notice, given, given_by, request FROM consents \
                           WHERE account = $1 ORDER BY what DESC";

        self.rows(SQL, &[Value::Int(account.0)]).await?.iter().map(Consented::read).collect()
    }
}

impl Consented {
    fn read(row: &Row) -> Result<Self, Error> {
        let what = match row.text(TABLE, "what")?.as_str() {
            "template" => Held::Template,
            "picture" => Held::Picture,
            _ => return Err(Error::Corrupt { table: TABLE, column: "what" }),
        };
        Ok(Self {
            what,
            notice: row.text_or_null(TABLE, "notice")?,
            given: UnixMillis(row.int(TABLE, "given")?),
            given_by: row.text(TABLE, "given_by")?,
            request: row.text_or_null(TABLE, "request")?,
        })
    }
}
