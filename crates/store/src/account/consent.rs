//! Consent to store a face: the notice that the owner agreed to, the time, and the origin of that
//! statement. It is written in the transaction of the enrolment and deleted with the account.
//!
//! Only the stored face has rows here; earlier enrolments are in the audit log.

use crate::{
    account::id::AccountId,
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
    store::Store,
};
use fourauth_protocol::{consent::Consent, time::UnixMillis};

const TABLE: &str = "consents";

/// Stored data of a face.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// The template for comparison. Always stored.
    Template,
    /// The picture. Stored only with consent.
    Picture,
}

impl Held {
    /// The name in the database and in output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::Picture => "picture",
        }
    }
}

/// The consent for a new enrolment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConsent {
    /// The notice that the owner agreed to, if one was named.
    pub notice: Option<Consent>,
    /// True if the picture is stored as well.
    pub keeps_picture: bool,
    /// Time of the consent.
    pub given: UnixMillis,
    /// Origin of the statement: `self`, `import`, or `admin=` and a name.
    pub given_by: String,
    /// The command that recorded it, as the audit log names it.
    pub request: Option<String>,
}

/// The stored consent for one kind of face data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consented {
    /// The kind of face data.
    pub what: Held,
    /// The notice that the owner agreed to, if one was named.
    pub notice: Option<String>,
    /// Time of the consent.
    pub given: UnixMillis,
    /// Origin of the statement.
    pub given_by: String,
    /// The command that recorded it.
    pub request: Option<String>,
}

impl Tx {
    /// Records the consent for the face that this transaction enrols. Deletes the consent for the
    /// previous face.
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
    /// The consents of an account. Empty for accounts that are older than this record.
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
