//! The last requests for a name and from a source, for commands that anybody may send: a few a minute,
//! whatever comes of them.
//!
//! The table has the name of its first use, which were the requests for reset codes. Registrations are
//! counted in it as well, under targets of their own.

use crate::{
    engine::{driver::Value, tx::Tx},
    error::Error,
    limits::lane::Target,
    store::Store,
};
use fourauth_protocol::time::UnixMillis;

const TABLE: &str = "reset_requests";

/// A span of time in which something is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// What happened at this time or earlier no longer counts.
    pub over: UnixMillis,
    /// What happened after this time is of a clock that was set back, and does not count either.
    pub latest: UnixMillis,
}

/// What a request is counted under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestedBy {
    /// The name or address in the request.
    pub named: Target,
    /// The source, unless many clients share it.
    pub source: Option<Target>,
}

impl Tx {
    /// Counts a request, and another one from its source. `false` if either has had three in the
    /// window; the caller rolls back.
    ///
    /// Each is one statement, so that no more than three of many concurrent requests are counted.
    pub async fn count_request(
        &mut self,
        by: RequestedBy,
        at: UnixMillis,
        window: Window,
    ) -> Result<bool, Error> {
        const SQL: &str = "INSERT INTO reset_requests (target, newest, middle, oldest) \
             VALUES ($1, $2, 0, 0) ON CONFLICT (target) DO UPDATE SET \
             oldest = reset_requests.middle, middle = reset_requests.newest, \
             newest = excluded.newest \
             WHERE reset_requests.oldest <= $3 OR reset_requests.oldest > $4";

        // Names first, in every transaction: otherwise two could wait for each other.
        for target in [Some(by.named), by.source].into_iter().flatten() {
            let values = [
                Value::Bytes(target.as_bytes()),
                Value::Int(at.0),
                Value::Int(window.over.0),
                Value::Int(window.latest.0),
            ];
            if !self.changes(SQL, &values).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Deletes the requests for a name or address. A transaction that also changes an account does so
    /// afterwards, as a request does.
    pub async fn forget_requests(&mut self, named: Target) -> Result<(), Error> {
        const SQL: &str = "DELETE FROM reset_requests WHERE target = $1";

        self.execute(SQL, &[Value::Bytes(named.as_bytes())]).await.map(|_| ())
    }

    /// Deletes the requests that were the last of their target before `before`, and returns their number.
    pub async fn forget_old_requests(&mut self, before: UnixMillis) -> Result<u64, Error> {
        const SQL: &str = "DELETE FROM reset_requests WHERE newest < $1";

        self.execute(SQL, &[Value::Int(before.0)]).await
    }
}

impl Store {
    /// The time of the last request but two, by its name or its source: the later of both, if it is
    /// in the window.
    pub async fn third_last_request(
        &self,
        by: RequestedBy,
        window: Window,
    ) -> Result<Option<UnixMillis>, Error> {
        const SQL: &str = "SELECT COALESCE(MAX(oldest), 0) AS oldest FROM reset_requests \
             WHERE (target = $1 OR target = $2) AND oldest > $3 AND oldest <= $4";

        let values = [
            Value::Bytes(by.named.as_bytes()),
            Value::Bytes(by.source.as_ref().unwrap_or(&by.named).as_bytes()),
            Value::Int(window.over.0),
            Value::Int(window.latest.0),
        ];
        let row = self.row(SQL, &values).await?;
        let oldest = row.map_or(Ok(0), |row| row.int(TABLE, "oldest"))?;
        Ok((oldest > 0).then_some(UnixMillis(oldest)))
    }
}
