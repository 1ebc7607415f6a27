//! Sessions whose level is raised: the row gets another token and more methods, and stays the same session.

use crate::{
    account::{
        id::AccountId,
        methods::Methods,
        session::{FamilyId, MasterToken, number},
    },
    engine::{driver::Value, tx::Tx},
    error::Error,
};
use fourauth_protocol::{device::DeviceId, time::UnixMillis};

/// A session that has proved more.
#[derive(Debug, Clone)]
pub struct RaisedSession {
    /// The account.
    pub account: AccountId,
    /// Version of the account when the proof was judged.
    pub version: i64,
    /// The session.
    pub family: FamilyId,
    /// The master token that was shown. It is of no use afterwards.
    pub old: MasterToken,
    /// The master token that takes its place.
    pub new: MasterToken,
    /// The methods that the session has proved by now.
    pub methods: Methods,
    /// The key that was proved, if one was.
    pub device: Option<DeviceId>,
    /// Current time.
    pub at: UnixMillis,
    /// Time of expiry of the new token.
    pub expires: UnixMillis,
}

impl Tx {
    /// Raises a session. Of several commands with the same token one succeeds: the statement names the token
    /// that it replaces. `false` for the others, and if the session has ended, was renewed or has expired, or
    /// if the account changed since `version`.
    ///
    /// Time and address of the login, the end of the session and the key of its browser stay. Earlier tokens
    /// of a session that is bound to a key, which could be used until they expire, end with it.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] if another program changed the session.
    pub async fn raise_session(&mut self, raised: &RaisedSession) -> Result<bool, Error> {
        const RAISE: &str = "UPDATE sessions SET master = $1, amr = $2, level = $3, device_id = $4, \
             created = $5, raised = $5, last_seen = $5, expires = $6 \
             WHERE master = $7 AND account = $8 AND version = $9 AND renewed IS NULL \
             AND expires > $5 AND ends > $5";
        const FORGET: &str = "DELETE FROM sessions WHERE family = $1 AND renewed IS NOT NULL \
             AND length(bound_key) > 0";

        let RaisedSession { account, version, family, old, new, methods, device, at, expires } =
            raised;
        self.check_session(old).await?;
        let words = methods.to_string();
        let values = [
            Value::Bytes(new),
            Value::Text(&words),
            Value::Int(number(methods.level())),
            Value::Bytes(device.as_ref().map_or(&[][..], |id| id.as_bytes())),
            Value::Int(at.0),
            Value::Int(expires.0),
            Value::Bytes(old),
            Value::Int(account.0),
            Value::Int(*version),
        ];
        if !self.changes(RAISE, &values).await? {
            return Ok(false);
        }
        self.seal_session(new).await?;
        self.execute(FORGET, &[Value::Bytes(&family.0)]).await?;
        Ok(true)
    }
}
