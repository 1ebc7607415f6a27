//! Sessions of browsers that are bound to a key: the binding, and the renewals that need a proof by that key.

use crate::{
    account::{
        id::AccountId,
        session::{FamilyId, MasterToken, TABLE, corrupt},
    },
    engine::{driver::Value, tx::Tx},
    error::Error,
};
use fourauth_protocol::{session_proof::SessionKey, time::UnixMillis};

/// Time that a replaced token stays in the database after its expiry, in milliseconds: 1 h.
const MARGIN_MS: i64 = 3_600_000;

/// The key that a session is bound to from now on.
#[derive(Debug, Clone, Copy)]
pub struct SessionBinding {
    /// The account.
    pub account: AccountId,
    /// The session.
    pub master: MasterToken,
    /// The key.
    pub key: SessionKey,
    /// Time of expiry of its token from now on, if it does not expire before.
    pub expires: UnixMillis,
}

/// The successor of a session that is bound to a key.
#[derive(Debug, Clone, Copy)]
pub struct BoundRenewal {
    /// The account.
    pub account: AccountId,
    /// The session.
    pub family: FamilyId,
    /// The key that has signed.
    pub key: SessionKey,
    /// Its master token.
    pub new: MasterToken,
    /// Current time.
    pub at: UnixMillis,
    /// Time of its expiry.
    pub expires: UnixMillis,
}

impl Tx {
    /// Binds a session to a key. `false` if it is bound already, was renewed or has ended: the first key
    /// stays. The caller has locked the account.
    pub async fn bind_session(&mut self, binding: &SessionBinding) -> Result<bool, Error> {
        const SQL: &str = "UPDATE sessions SET bound_key = $1, \
             expires = CASE WHEN expires < $2 THEN expires ELSE $2 END \
             WHERE master = $3 AND renewed IS NULL AND length(bound_key) = 0";

        let SessionBinding { key, master, expires, .. } = binding;
        let values = [Value::Bytes(key.as_bytes()), Value::Int(expires.0), Value::Bytes(master)];
        self.check_session(master).await?;
        let is_bound = self.changes(SQL, &values).await?;
        self.seal_session(master).await?;
        Ok(is_bound)
    }

    /// Renews a session that is bound to this key. `false` if it has ended. Each of several renewals at once
    /// makes a token, and all of them can be used. The caller has locked the account, so that no end of its
    /// sessions misses one of them.
    pub async fn renew_bound_session(&mut self, renewal: &BoundRenewal) -> Result<bool, Error> {
        const SUCCEED: &str = "INSERT INTO sessions (master, family, account, version, created, \
             expires, ends, amr, device_id, mac, peer, level, opened, console_seen, last_seen, \
             bound_key, raised) SELECT $1, family, account, version, $2, $3, ends, amr, device_id, mac, \
             peer, level, opened, console_seen, $2, bound_key, raised FROM sessions \
             WHERE family = $4 AND renewed IS NULL AND ends > $2 AND bound_key = $5";
        const CURRENT: &str = "SELECT master FROM sessions WHERE family = $1 AND renewed IS NULL";
        const REPLACE: &str = "UPDATE sessions SET renewed = $1 \
             WHERE family = $2 AND renewed IS NULL AND master <> $3";
        const FORGET: &str =
            "DELETE FROM sessions WHERE family = $1 AND renewed IS NOT NULL AND expires <= $2";

        let BoundRenewal { family, key, new, at, expires, .. } = renewal;
        let values = [
            Value::Bytes(new),
            Value::Int(at.0),
            Value::Int(expires.0),
            Value::Bytes(&family.0),
            Value::Bytes(key.as_bytes()),
        ];
        let mut current = Vec::new();
        for row in self.rows(CURRENT, &[Value::Bytes(&family.0)]).await? {
            let master = row.bytes(TABLE, "master")?.try_into().map_err(|_| corrupt("master"))?;
            self.check_session(&master).await?;
            current.push(master);
        }
        if !self.changes(SUCCEED, &values).await? {
            return Ok(false);
        }
        let values = [Value::Int(at.0), Value::Bytes(&family.0), Value::Bytes(new)];
        self.execute(REPLACE, &values).await?;
        for master in current.iter().chain([new]) {
            self.seal_session(master).await?;
        }
        let long_ago = at.saturating_add_ms(-MARGIN_MS);
        self.execute(FORGET, &[Value::Bytes(&family.0), Value::Int(long_ago.0)]).await?;
        Ok(true)
    }
}
