//! Sessions of successful logins. A token is stored as its hash. It is valid until it expires or
//! the account changes.

use crate::{
    account::id::AccountId,
    engine::{driver::Value, tx::Tx},
    error::Error,
    store::Store,
};
use fourauth_protocol::{level::Level, receipt::Method, time::UnixMillis};
use std::fmt;

const TABLE: &str = "sessions";

/// SHA-256 of a session's token. The token has enough entropy that a slower hash adds nothing.
pub type TokenHash = [u8; 32];

/// A new session.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Hash of the token.
    pub token: TokenHash,
    /// The account.
    pub account: AccountId,
    /// Version of the account when the login was judged.
    pub version: i64,
    /// Current time.
    pub created: UnixMillis,
    /// Time of expiry.
    pub expires: UnixMillis,
    /// The methods that the login proved.
    pub methods: Methods,
}

/// The methods that a login proved, in the words of its receipt.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Methods(pub Vec<Method>);

impl Methods {
    /// The level that they reach. `None` if no method counts, as in sessions of older versions.
    #[must_use]
    pub fn level(&self) -> Option<Level> {
        Level::of(&self.0)
    }

    /// Words of a newer version are left out: a server that does not know a method relies on none.
    fn parse(text: &str) -> Self {
        let methods = text.split_ascii_whitespace().map(Method::from);
        Self(methods.filter(|method| *method != Method::Unrecognised).collect())
    }
}

/// The words with spaces between them, as they are stored.
impl fmt::Display for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.0.iter().map(|method| method.as_str()).collect();
        f.write_str(&words.join(" "))
    }
}

/// A valid session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The account.
    pub account: AccountId,
    /// Name of the account.
    pub username: String,
    /// Start time.
    pub created: UnixMillis,
    /// Time of expiry.
    pub expires: UnixMillis,
    /// The methods that its login proved.
    pub methods: Methods,
}

impl Tx {
    /// Opens a session. `false` if the account changed since `version` or is disabled.
    pub async fn open_session(&mut self, session: &NewSession) -> Result<bool, Error> {
        const SQL: &str = "INSERT INTO sessions (token_hash, account, version, created, expires, amr) \
             SELECT $1, id, version, $2, $3, $6 FROM users \
             WHERE id = $4 AND version = $5 AND disabled = 0";

        let methods = session.methods.to_string();
        let values = [
            Value::Bytes(&session.token),
            Value::Int(session.created.0),
            Value::Int(session.expires.0),
            Value::Int(session.account.0),
            Value::Int(session.version),
            Value::Text(&methods),
        ];
        self.changes(SQL, &values).await
    }

    /// Ends every session of an account and returns their number.
    pub async fn end_sessions(&mut self, account: AccountId) -> Result<u64, Error> {
        const SQL: &str = "DELETE FROM sessions WHERE account = $1";

        self.execute(SQL, &[Value::Int(account.0)]).await
    }

    /// Ends every session of every account and returns their number.
    pub async fn end_all_sessions(&mut self) -> Result<u64, Error> {
        self.execute("DELETE FROM sessions", &[]).await
    }

    /// Deletes expired sessions and returns their number.
    pub async fn forget_expired_sessions(&mut self, now: UnixMillis) -> Result<u64, Error> {
        const SQL: &str = "DELETE FROM sessions WHERE expires <= $1";

        self.execute(SQL, &[Value::Int(now.0)]).await
    }
}

impl Store {
    /// The session of a token, if it is valid at `now`.
    ///
    /// The version is compared here and when the session opens: a login that is judged before a
    /// factor changes and committed after it must not leave a valid session.
    pub async fn session(
        &self,
        token: &TokenHash,
        now: UnixMillis,
    ) -> Result<Option<Session>, Error> {
        const SQL: &str = "SELECT s.account, u.username, s.created, s.expires, s.amr FROM sessions s \
             JOIN users u ON u.id = s.account AND u.version = s.version AND u.disabled = 0 \
             WHERE s.token_hash = $1 AND s.expires > $2";

        let Some(row) = self.row(SQL, &[Value::Bytes(token), Value::Int(now.0)]).await? else {
            return Ok(None);
        };
        Ok(Some(Session {
            account: AccountId(row.int(TABLE, "account")?),
            username: row.text("users", "username")?,
            created: UnixMillis(row.int(TABLE, "created")?),
            expires: UnixMillis(row.int(TABLE, "expires")?),
            methods: Methods::parse(&row.text(TABLE, "amr")?),
        }))
    }

    /// Number of valid sessions of an account.
    pub async fn sessions_of(&self, account: AccountId, now: UnixMillis) -> Result<u64, Error> {
        const SQL: &str = "SELECT COUNT(*) AS sessions FROM sessions s \
             JOIN users u ON u.id = s.account AND u.version = s.version \
             WHERE s.account = $1 AND s.expires > $2";

        let row = self.row(SQL, &[Value::Int(account.0), Value::Int(now.0)]).await?;
        let count = row.map_or(Ok(0), |row| row.int(TABLE, "sessions"))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}
