//! Invitations that were not accepted yet. The grant that accepts one is in no place here: the row says which
//! version of the account it opens, and until when.

use crate::{
    account::id::{AccountId, TABLE},
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
};
use fourauth_protocol::time::UnixMillis;

/// An invitation that was not accepted yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenInvitation {
    /// When its link expires.
    pub until: UnixMillis,
    /// False if the account changed since the link was made, so that the link opens nothing.
    pub is_current: bool,
}

impl OpenInvitation {
    /// True if its link opens the account at `now`.
    #[must_use]
    pub fn is_valid(&self, now: UnixMillis) -> bool {
        self.is_current && now < self.until
    }

    /// Reads the columns of an invitation, if the account has an open one.
    pub(crate) fn read(row: &Row) -> Result<Option<Self>, Error> {
        let Some(version) = row.int_or_null(TABLE, "invited_version")? else { return Ok(None) };
        let until = row.int_or_null(TABLE, "invited_until")?;
        let until = until.ok_or(Error::Corrupt { table: TABLE, column: "invited_until" })?;
        let is_current = row.int(TABLE, "version")? == version;
        Ok(Some(Self { until: UnixMillis(until), is_current }))
    }
}

impl Tx {
    /// Records the invitation to a new account.
    pub async fn record_invitation(
        &mut self,
        account: AccountId,
        until: UnixMillis,
    ) -> Result<(), Error> {
        const SQL: &str =
            "UPDATE users SET invited_version = version, invited_until = $1 WHERE id = $2";

        self.execute(SQL, &[Value::Int(until.0), Value::Int(account.0)]).await.map(|_| ())
    }

    /// Records another invitation, with which every earlier one expires. `false` if the account changed
    /// since `version`, is disabled, or has no open invitation.
    pub async fn invite_again(
        &mut self,
        account: AccountId,
        version: i64,
        until: UnixMillis,
    ) -> Result<bool, Error> {
        const SQL: &str = "UPDATE users SET invited_version = version + 1, invited_until = $1, \
             version = version + 1 WHERE id = $2 AND version = $3 AND disabled = 0 \
             AND invited_version IS NOT NULL AND must_change = 1 \
             AND has_totp = 0 AND has_face = 0 AND has_device = 0";

        let values = [Value::Int(until.0), Value::Int(account.0), Value::Int(version)];
        self.change_account(account, SQL, &values).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_ends_in_time_or_with_a_change() {
        let until = UnixMillis(10);
        let open = OpenInvitation { until, is_current: true };
        assert!(open.is_valid(UnixMillis(9)) && !open.is_valid(until));
        assert!(!OpenInvitation { is_current: false, ..open }.is_valid(UnixMillis(9)));
    }
}
