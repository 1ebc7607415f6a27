//! Counts of failed attempts. They are in the database, so that a restart keeps them;
//! `fourauth-auth` derives rate limits from them.
//!
//! Failures are counted by the claimed name, even if there is no such account, so that a rate limit
//! does not reveal whether the account exists.

use crate::{
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
    limits::lane::{Lane, Tallies, Tally, Target, minute},
    store::Store,
};
use fourauth_protocol::time::UnixMillis;

const TABLE: &str = "failures";

/// Counts that a success does not clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keep {
    /// Wrong one-time codes.
    pub totp: bool,
    /// Wrong faces.
    pub face: bool,
}

/// One failure to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// The target of the attempt.
    pub target: Target,
    /// The lane of the attempt.
    pub lane: Lane,
    /// True if the one-time code was wrong.
    pub totp: bool,
    /// True if the face did not match.
    pub face: bool,
    /// Arrival time of the attempt.
    pub at: UnixMillis,
}

impl Tx {
    /// Counts a failure in one statement, so that concurrent failures are all counted.
    pub async fn count_failure(&mut self, failure: &Failure) -> Result<(), Error> {
        const SQL: &str = "INSERT INTO failures \
             (target, lane, failures, totp, face, totp_minute, totp_recent, last_failure) \
             VALUES ($1, $2, 1, $3, $4, $5, $3, $6) ON CONFLICT (target, lane) DO UPDATE SET \
             failures = failures.failures + 1, totp = failures.totp + $3, \
             face = failures.face + $4, last_failure = $6, totp_minute = $5, totp_recent = $3 + \
             CASE WHEN failures.totp_minute = $5 THEN failures.totp_recent ELSE 0 END";

        let lane = failure.lane.to_column();
        let values = [
            Value::Bytes(failure.target.as_bytes()),
            Value::Text(&lane),
            Value::Int(failure.totp.into()),
            Value::Int(failure.face.into()),
            Value::Int(minute(failure.at)),
            Value::Int(failure.at.0),
        ];
        self.execute(SQL, &values).await.map(|_| ())
    }

    /// Clears the failures of one lane, except those of the factors in `keep`, which were not
    /// proved since.
    pub async fn clear_lane(
        &mut self,
        target: Target,
        lane: Lane,
        keep: Keep,
    ) -> Result<(), Error> {
        const SQL: &str = "UPDATE failures SET totp = totp * $3, totp_recent = totp_recent * $3, \
             face = face * $4, failures = totp * $3 + face * $4 WHERE target = $1 AND lane = $2";

        let lane = lane.to_column();
        let values = [
            Value::Bytes(target.as_bytes()),
            Value::Text(&lane),
            Value::Int(keep.totp.into()),
            Value::Int(keep.face.into()),
        ];
        self.execute(SQL, &values).await.map(|_| ())
    }

    /// Deletes the lane of a device that was removed permanently.
    pub async fn forget_lane(&mut self, target: Target, lane: Lane) -> Result<(), Error> {
        const SQL: &str = "DELETE FROM failures WHERE target = $1 AND lane = $2";

        let lane = lane.to_column();
        let values = [Value::Bytes(target.as_bytes()), Value::Text(&lane)];
        self.execute(SQL, &values).await.map(|_| ())
    }

    /// Deletes every failure of a target. `true` if there was one.
    pub async fn clear_failures(&mut self, target: Target) -> Result<bool, Error> {
        const SQL: &str = "DELETE FROM failures WHERE target = $1";

        Ok(self.execute(SQL, &[Value::Bytes(target.as_bytes())]).await? > 0)
    }

    /// Counts the failures of one target under another one, which has none.
    pub(crate) async fn move_failures(&mut self, from: Target, to: Target) -> Result<(), Error> {
        const SQL: &str = "UPDATE failures SET target = $1 WHERE target = $2 \
             AND NOT EXISTS (SELECT 1 FROM failures WHERE target = $1)";

        let values = [Value::Bytes(to.as_bytes()), Value::Bytes(from.as_bytes())];
        self.execute(SQL, &values).await.map(|_| ())
    }

    /// Deletes lanes with the last failure before `before`. Known and unknown accounts are treated
    /// alike; otherwise waiting would reveal if an account exists.
    pub async fn forget_failures(&mut self, before: UnixMillis) -> Result<u64, Error> {
        const SQL: &str = "DELETE FROM failures WHERE last_failure < $1";

        self.execute(SQL, &[Value::Int(before.0)]).await
    }
}

impl Store {
    /// The failures of a target. One statement for known and unknown accounts.
    pub async fn tallies(&self, target: Target) -> Result<Tallies, Error> {
        const SQL: &str = "SELECT lane, failures, totp, face, totp_minute, totp_recent, \
             last_failure FROM failures WHERE target = $1";

        let rows = self.rows(SQL, &[Value::Bytes(target.as_bytes())]).await?;
        let tally = |row: &Row| {
            // A running server of an earlier version may count in a lane that no longer exists.
            let Some(lane) = Lane::from_column(&row.text(TABLE, "lane")?) else { return Ok(None) };
            Ok(Some((lane, Tally::read(row)?)))
        };
        rows.iter().filter_map(|row| tally(row).transpose()).collect()
    }
}

impl Tally {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            failures: row.int(TABLE, "failures")?,
            totp: row.int(TABLE, "totp")?,
            face: row.int(TABLE, "face")?,
            totp_recent: row.int(TABLE, "totp_recent")?,
            totp_minute: row.int(TABLE, "totp_minute")?,
            last: UnixMillis(row.int(TABLE, "last_failure")?),
        })
    }
}
