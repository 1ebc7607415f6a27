//! Codes that reset a forgotten password.
//!
//! A code is made and kept like a passcode: the message in the outbox has a number, and the account's
//! row an HMAC of the code. A code belongs to one version of its account, so that every change of a
//! factor makes it useless. The functions that write do the same work for an account that does not
//! exist. What a code is good for is decided elsewhere.

use crate::{
    account::{
        event::PasscodeNumber,
        id::AccountId,
        notice::Notice,
        row_seal::{self, sealed_columns},
    },
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
    limits::pace::Window,
    store::Store,
};
use fourauth_protocol::{reset_code::ResetCode, secret::Secret, time::UnixMillis};

const TABLE: &str = "reset_codes";

/// The HMAC of a code of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResetCodeMac(String);

impl ResetCodeMac {
    /// Takes the text of an HMAC.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text, to compare it in constant time.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// A new code.
#[derive(Debug, Clone)]
pub struct NewResetCode {
    /// The account. Nothing happens if no account has this id.
    pub account: AccountId,
    /// The version of the account that the code is for.
    pub version: i64,
    /// Its HMAC.
    pub mac: ResetCodeMac,
    /// Time of issue.
    pub at: UnixMillis,
    /// Time of expiry.
    pub expires: UnixMillis,
    /// The window of wrong codes that goes on.
    pub window: Window,
}

/// The code of an account, with the count of its window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResetCode {
    /// The version of the account that it is for.
    pub version: i64,
    /// Its HMAC; `None` if no code was issued, or once it was used.
    pub mac: Option<ResetCodeMac>,
    /// Time of expiry.
    pub expires: UnixMillis,
    /// Start of the window.
    pub since: UnixMillis,
    /// Wrong codes in the window.
    pub tries: u32,
}

/// What a decision about a code needs to know of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResetRecord {
    /// True if the account has a mail address.
    pub has_email: bool,
    /// True if the account has a telephone number.
    pub has_phone: bool,
    /// The code.
    pub code: StoredResetCode,
}

impl Tx {
    /// Replaces the code of an account and puts the message that carries it into the outbox. The
    /// count of wrong codes goes on, or begins again in a new window.
    pub async fn issue_reset_code(
        &mut self,
        new: &NewResetCode,
        message: &Notice,
    ) -> Result<(), Error> {
        const SQL: &str = "INSERT INTO reset_codes \
             (account, version, code_mac, expires, since, tries) \
             SELECT id, $2, $3, $4, $5, 0 FROM users WHERE id = $1 \
             ON CONFLICT (account) DO UPDATE SET version = excluded.version, \
             code_mac = excluded.code_mac, expires = excluded.expires, \
             tries = CASE WHEN reset_codes.since > $6 AND reset_codes.since <= $7 \
                     THEN reset_codes.tries ELSE 0 END, \
             since = CASE WHEN reset_codes.since > $6 AND reset_codes.since <= $7 \
                     THEN reset_codes.since ELSE excluded.since END";

        let NewResetCode { account, version, mac, at, expires, window } = new;
        let values = [
            Value::Int(account.0),
            Value::Int(*version),
            Value::Text(&mac.0),
            Value::Int(expires.0),
            Value::Int(at.0),
            Value::Int(window.over.0),
            Value::Int(window.latest.0),
        ];
        self.execute(SQL, &values).await?;
        self.put(message, Some(*expires), None).await
    }

    /// Spends a code in one statement, so that one of many commands with it wins. `false` if it is
    /// not the account's, was used or replaced, or if `tries` others were wrong before it.
    pub async fn spend_reset_code(
        &mut self,
        account: AccountId,
        version: i64,
        mac: &ResetCodeMac,
        tries: u32,
    ) -> Result<bool, Error> {
        const SQL: &str = "UPDATE reset_codes SET code_mac = NULL \
             WHERE account = $1 AND version = $2 AND code_mac = $3 AND tries < $4";

        let values = [
            Value::Int(account.0),
            Value::Int(version),
            Value::Text(&mac.0),
            Value::Int(tries.into()),
        ];
        self.changes(SQL, &values).await
    }

    /// Counts a wrong code.
    pub async fn count_wrong_reset_code(&mut self, account: AccountId) -> Result<(), Error> {
        const SQL: &str = "UPDATE reset_codes SET tries = tries + 1 WHERE account = $1";

        self.execute(SQL, &[Value::Int(account.0)]).await.map(|_| ())
    }

    /// Makes the passcode and the code of an account useless. The counts of their windows stay.
    pub async fn void_sent_codes(&mut self, account: AccountId) -> Result<(), Error> {
        const PASSCODE: &str = "UPDATE passcodes SET code_mac = NULL WHERE account = $1";
        const RESET_CODE: &str = "UPDATE reset_codes SET code_mac = NULL WHERE account = $1";

        self.execute(PASSCODE, &[Value::Int(account.0)]).await?;
        self.execute(RESET_CODE, &[Value::Int(account.0)]).await.map(|_| ())
    }

    /// Deletes the codes of windows that began before `before`, and returns their number.
    pub async fn forget_reset_codes(&mut self, before: UnixMillis) -> Result<u64, Error> {
        const SQL: &str = "DELETE FROM reset_codes WHERE since < $1";

        self.execute(SQL, &[Value::Int(before.0)]).await
    }
}

impl Store {
    /// What a decision about a code needs to know of an account. One statement, also for an account
    /// that does not exist: it has nothing.
    pub async fn reset_record(&self, account: AccountId) -> Result<ResetRecord, Error> {
        const SQL: &str = concat!(
            "SELECT ",
            sealed_columns!(),
            ", COALESCE(r.version, 0) AS version, COALESCE(r.code_mac, '') AS code_mac, COALESCE(r.expires, 0) AS expires, \
             COALESCE(r.since, 0) AS since, COALESCE(r.tries, 0) AS tries \
             FROM users u LEFT JOIN reset_codes r ON r.account = u.id WHERE u.id = $1"
        );

        let row = self.row(SQL, &[Value::Int(account.0)]).await?;
        let Some(row) = row else { return Ok(ResetRecord::NONE) };
        row_seal::check(account, &row, &self.sealer.keyring())?;
        ResetRecord::read(&row)
    }

    /// The code of a number. Each account has others.
    ///
    /// # Panics
    ///
    /// Never: a digest has 64 hexadecimal digits.
    #[must_use]
    pub fn reset_code_of(&self, account: AccountId, number: PasscodeNumber) -> ResetCode {
        let value = Secret::new(format!("{} {number}", account.0));
        let digest = Secret::new(self.digest("reset-code", &value));
        let half = u128::from_str_radix(&digest.expose()[..32], 16);
        ResetCode::from_number(half.expect("a digest has hexadecimal digits"))
    }

    /// The HMAC of a code of one account. The same code of another account has another one.
    #[must_use]
    pub fn reset_code_mac(&self, account: AccountId, code: &ResetCode) -> ResetCodeMac {
        let value = Secret::new(format!("{} {}", account.0, code.as_str()));
        ResetCodeMac(self.digest("reset-code-mac", &value))
    }
}

impl ResetRecord {
    /// That of an account which does not exist.
    const NONE: Self = Self {
        has_email: false,
        has_phone: false,
        code: StoredResetCode {
            version: 0,
            mac: None,
            expires: UnixMillis(0),
            since: UnixMillis(0),
            tries: 0,
        },
    };

    fn read(row: &Row) -> Result<Self, Error> {
        let mac = row.text(TABLE, "code_mac")?;
        let tries = u32::try_from(row.int(TABLE, "tries")?);
        Ok(Self {
            has_email: row.text_or_null("users", "email")?.is_some(),
            has_phone: row.text_or_null("users", "phone")?.is_some(),
            code: StoredResetCode {
                version: row.int(TABLE, "version")?,
                mac: (!mac.is_empty()).then_some(ResetCodeMac(mac)),
                expires: UnixMillis(row.int(TABLE, "expires")?),
                since: UnixMillis(row.int(TABLE, "since")?),
                tries: tries.map_err(|_| Error::Corrupt { table: TABLE, column: "tries" })?,
            },
        })
    }
}
