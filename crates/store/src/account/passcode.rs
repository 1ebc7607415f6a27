//! Passcodes: six characters that the courier sends, and that open a session together with a
//! password.
//!
//! A passcode is made from a random number and the pepper of the keyring. The message in the outbox
//! has the number, and the account's row an HMAC of the passcode, so a database without its keyring
//! reveals none.

use crate::{
    account::{delivery::Channel, event::PasscodeNumber, id::AccountId, notice::Notice},
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
    store::Store,
};
use fourauth_protocol::{passcode::Passcode, secret::Secret, time::UnixMillis};

const TABLE: &str = "passcodes";

/// The HMAC of a passcode of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasscodeMac(String);

impl PasscodeMac {
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

/// How many passcodes an account may get, and how many wrong ones it may be sent, in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasscodeWindow {
    /// A window that started at this time or earlier is over.
    pub over: UnixMillis,
    /// A window that started after this time is of a clock that was set back, and is over too.
    pub latest: UnixMillis,
    /// Most passcodes.
    pub issued: u32,
    /// Most wrong ones.
    pub tries: u32,
}

/// A new passcode.
#[derive(Debug, Clone)]
pub struct NewPasscode {
    /// Its HMAC.
    pub mac: PasscodeMac,
    /// What carries it.
    pub channel: Channel,
    /// Time of issue.
    pub at: UnixMillis,
    /// Time of expiry.
    pub expires: UnixMillis,
    /// The counts that allow it.
    pub window: PasscodeWindow,
}

/// The passcode of an account, with the counts of its window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPasscode {
    /// Its HMAC; `None` once it was used.
    pub mac: Option<PasscodeMac>,
    /// What carried it.
    pub channel: Channel,
    /// Time of expiry.
    pub expires: UnixMillis,
    /// Start of the window.
    pub since: UnixMillis,
    /// Passcodes in the window.
    pub issued: u32,
    /// Wrong passcodes in the window.
    pub tries: u32,
}

impl Tx {
    /// Replaces the passcode of an account. The counts go on, or begin again in a new window.
    /// `false` if the window allows no more.
    pub async fn issue_passcode(
        &mut self,
        account: AccountId,
        new: &NewPasscode,
    ) -> Result<bool, Error> {
        const SQL: &str = "INSERT INTO passcodes \
             (account, code_mac, channel, expires, since, issued, tries) \
             VALUES ($1, $2, $3, $4, $5, 1, 0) ON CONFLICT (account) DO UPDATE SET \
             code_mac = excluded.code_mac, channel = excluded.channel, \
             expires = excluded.expires, \
             issued = CASE WHEN passcodes.since > $6 AND passcodes.since <= $7 \
                      THEN passcodes.issued + 1 ELSE 1 END, \
             tries = CASE WHEN passcodes.since > $6 AND passcodes.since <= $7 \
                     THEN passcodes.tries ELSE 0 END, \
             since = CASE WHEN passcodes.since > $6 AND passcodes.since <= $7 \
                     THEN passcodes.since ELSE excluded.since END \
             WHERE passcodes.since <= $6 OR passcodes.since > $7 \
             OR (passcodes.issued < $8 AND passcodes.tries < $9)";

        let NewPasscode { mac, channel, at, expires, window } = new;
        let values = [
            Value::Int(account.0),
            Value::Text(&mac.0),
            Value::Text(channel.as_str()),
            Value::Int(expires.0),
            Value::Int(at.0),
            Value::Int(window.over.0),
            Value::Int(window.latest.0),
            Value::Int(window.issued.into()),
            Value::Int(window.tries.into()),
        ];
        self.changes(SQL, &values).await
    }

    /// Puts the message with a passcode into the outbox. It is not sent after `expires`.
    pub async fn send_passcode(
        &mut self,
        message: &Notice,
        expires: UnixMillis,
        source: &str,
    ) -> Result<(), Error> {
        self.put(message, Some(expires), Some(source)).await
    }

    /// Spends a passcode in one statement, so that one of many commands with it wins. `false` if it
    /// is not the account's, was used or replaced, or if `tries` others were wrong before it.
    pub async fn spend_passcode(
        &mut self,
        account: AccountId,
        mac: &PasscodeMac,
        tries: u32,
    ) -> Result<bool, Error> {
        const SQL: &str = "UPDATE passcodes SET code_mac = NULL \
                           WHERE account = $1 AND code_mac = $2 AND tries < $3";

        let values = [Value::Int(account.0), Value::Text(&mac.0), Value::Int(tries.into())];
        self.changes(SQL, &values).await
    }

    /// Counts a wrong passcode.
    pub async fn count_wrong_passcode(&mut self, account: AccountId) -> Result<(), Error> {
        const SQL: &str = "UPDATE passcodes SET tries = tries + 1 WHERE account = $1";

        self.execute(SQL, &[Value::Int(account.0)]).await.map(|_| ())
    }

    /// Deletes the passcodes whose window began before `before`, and returns their number.
    pub async fn forget_passcodes(&mut self, before: UnixMillis) -> Result<u64, Error> {
        self.execute("DELETE FROM passcodes WHERE since < $1", &[Value::Int(before.0)]).await
    }
}

impl Store {
    /// The passcode of an account, if it got one lately.
    pub async fn passcode(&self, account: AccountId) -> Result<Option<StoredPasscode>, Error> {
        const SQL: &str = "SELECT COALESCE(code_mac, '') AS code_mac, channel, expires, since, \
                           issued, tries FROM passcodes WHERE account = $1";

        let row = self.row(SQL, &[Value::Int(account.0)]).await?;
        row.as_ref().map(StoredPasscode::read).transpose()
    }

    /// Number of passcodes that a source has requested since `since`.
    pub async fn passcodes_from(&self, source: &str, since: UnixMillis) -> Result<u32, Error> {
        const SQL: &str =
            "SELECT COUNT(*) AS requested FROM outbox WHERE source = $1 AND created > $2";

        let row = self.row(SQL, &[Value::Text(source), Value::Int(since.0)]).await?;
        let requested = row.map_or(Ok(0), |row| row.int(TABLE, "requested"))?;
        Ok(u32::try_from(requested).unwrap_or(u32::MAX))
    }

    /// The passcode of a number. Each account has others.
    ///
    /// # Panics
    ///
    /// Never: a digest has 64 hexadecimal digits.
    #[must_use]
    pub fn passcode_of(&self, account: AccountId, number: PasscodeNumber) -> Passcode {
        let value = Secret::new(format!("{} {number}", account.0));
        let digest = Secret::new(self.digest("passcode", &value));
        let half = u128::from_str_radix(&digest.expose()[..32], 16);
        Passcode::from_number(half.expect("a digest has hexadecimal digits"))
    }

    /// The HMAC of a passcode of one account. The same passcode of another account has another one.
    #[must_use]
    pub fn passcode_mac(&self, account: AccountId, passcode: &Passcode) -> PasscodeMac {
        let value = Secret::new(format!("{} {}", account.0, passcode.as_str()));
        PasscodeMac(self.digest("passcode-mac", &value))
    }
}

impl StoredPasscode {
    fn read(row: &Row) -> Result<Self, Error> {
        let count = |column| {
            u32::try_from(row.int(TABLE, column)?)
                .map_err(|_| Error::Corrupt { table: TABLE, column })
        };
        let mac = row.text(TABLE, "code_mac")?;
        let channel = Channel::read(&row.text(TABLE, "channel")?);
        Ok(Self {
            mac: (!mac.is_empty()).then_some(PasscodeMac(mac)),
            channel: channel.ok_or(Error::Corrupt { table: TABLE, column: "channel" })?,
            expires: UnixMillis(row.int(TABLE, "expires")?),
            since: UnixMillis(row.int(TABLE, "since")?),
            issued: count("issued")?,
            tries: count("tries")?,
        })
    }
}
