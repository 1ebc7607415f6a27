//! What only administrators of the console need: their mark, the use of their sessions, and lists over
//! all accounts.

use crate::{
    account::{
        id::AccountId,
        session::MasterToken,
        user::{UserSummary, summary_columns},
    },
    audit::query::second,
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
    store::Store,
};
use fourauth_protocol::time::UnixMillis;

/// Most accounts in one page of a search.
const MOST_FOUND: u32 = 100;

/// A search for accounts.
#[derive(Debug, Clone, Default)]
pub struct AccountSearch {
    /// A part of the name, the mail address or the telephone number. The case of ASCII letters does
    /// not matter. Empty for all accounts.
    pub part: String,
    /// Only accounts with a name after this one: the next page.
    pub after: String,
    /// Only accounts with an invitation that was not accepted yet.
    pub invited: bool,
    /// Most accounts to return, never more than 100.
    pub limit: u32,
}

/// A number of audit rows of attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptCount {
    /// The hour, as rows begin with it: `2026-11-21T12`.
    pub hour: String,
    /// The door: `native`, `web`, `http` or `text`.
    pub door: String,
    /// True for attempts that succeeded.
    pub success: bool,
    /// How many.
    pub count: u64,
}

impl Tx {
    /// Makes an account an administrator of the console, or takes that away. `false` if there is no
    /// such account, or if it is so already.
    pub async fn set_administrator(
        &mut self,
        account: AccountId,
        administrator: bool,
    ) -> Result<bool, Error> {
        const SQL: &str =
            "UPDATE users SET administrator = $1 WHERE id = $2 AND administrator <> $1";

        let values = [Value::Int(administrator.into()), Value::Int(account.0)];
        self.change_account(account, SQL, &values).await
    }

    /// Records that a command of the console uses this session at `at`. `false` if the session has
    /// ended, or if its account is no administrator any more.
    pub async fn attend_console(
        &mut self,
        session: &MasterToken,
        at: UnixMillis,
    ) -> Result<bool, Error> {
        const SQL: &str = "UPDATE sessions SET console_seen = $1 WHERE master = $2 \
             AND (renewed IS NULL OR length(bound_key) > 0) \
             AND EXISTS (SELECT 1 FROM users WHERE id = sessions.account \
             AND version = sessions.version AND administrator = 1 AND disabled = 0)";

        let Some(account) = self.check_session(session).await? else { return Ok(false) };
        self.check_account(account).await?;
        let attends = self.changes(SQL, &[Value::Int(at.0), Value::Bytes(session)]).await?;
        self.seal_session(session).await?;
        Ok(attends)
    }
}

impl Store {
    /// The accounts that match, ordered by name.
    pub async fn find_users(&self, search: &AccountSearch) -> Result<Vec<UserSummary>, Error> {
        const SQL: &str = concat!(
            summary_columns!(),
            " WHERE username > $1 AND (LOWER(username) LIKE $2 ESCAPE '!' \
             OR LOWER(email) LIKE $2 ESCAPE '!' OR phone LIKE $2 ESCAPE '!') \
             AND ($4 = 0 OR invited_version IS NOT NULL) ORDER BY username LIMIT $3"
        );

        let part = pattern(&search.part);
        let values = [
            Value::Text(&search.after),
            Value::Text(&part),
            Value::Int(search.limit.min(MOST_FOUND).into()),
            Value::Int(search.invited.into()),
        ];
        self.rows(SQL, &values).await?.iter().map(UserSummary::read).collect()
    }

    /// Numbers of attempts since `since`, by hour, door and outcome. Summaries of refused commands and
    /// of uses of sessions are left out: their number is in their detail.
    pub async fn attempts_by_hour(&self, since: UnixMillis) -> Result<Vec<AttemptCount>, Error> {
        const SQL: &str = "SELECT substr(ts_utc, 1, 13) AS hour, success, \
             CASE WHEN detail LIKE '% door=web %' THEN 'web' \
             WHEN detail LIKE '% door=http %' THEN 'http' \
             WHEN detail LIKE '% door=text %' THEN 'text' ELSE 'native' END AS door, \
             COUNT(*) AS attempts FROM access_logs WHERE substr(ts_utc, 1, 19) >= $1 \
             AND action NOT IN ('limited', 'session_use') AND detail LIKE '%request=%' \
             GROUP BY 1, 2, 3 ORDER BY 1, 3, 2";

        let since = second(since);
        self.rows(SQL, &[Value::Text(&since)]).await?.iter().map(AttemptCount::read).collect()
    }
}

impl AttemptCount {
    fn read(row: &Row) -> Result<Self, Error> {
        const LOG: &str = "access_logs";
        Ok(Self {
            hour: row.text(LOG, "hour")?,
            door: row.text(LOG, "door")?,
            success: row.flag(LOG, "success")?,
            count: row.int(LOG, "attempts")?.unsigned_abs(),
        })
    }
}

/// The pattern for texts that contain `part`.
fn pattern(part: &str) -> String {
    let mut pattern = String::from("%");
    for c in part.to_ascii_lowercase().chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_a_pattern_are_searched_for_as_they_are() {
        assert_eq!(pattern(""), "%%");
        assert_eq!(pattern("Al_50%!"), "%al!_50!%!!%");
    }
}
