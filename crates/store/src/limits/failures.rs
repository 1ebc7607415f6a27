//! How often somebody was asked for in vain. Counted here so that a restart forgets nothing; what
//! follows from it is `fourauth-auth`'s business.
//!
//! Failures are counted by the name that was claimed, whether or not there is such an account, so
//! that being limited says nothing about that.

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

/// What a success leaves counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keep {
    /// Wrong one-time codes.
    pub totp: bool,
    /// Wrong faces.
    pub face: bool,
}

/// One failure, to be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// Who was asked for.
    pub target: Target,
    /// Who is counted together.
    pub lane: Lane,
    /// Whether the one-time code was wrong.
    pub totp: bool,
    /// Whether the face was another's.
    pub face: bool,
    /// When the attempt arrived.
    pub at: UnixMillis,
}

impl Tx {
    /// Counts a failure: one statement, so that none of many at once is lost.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
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

    /// Forgets the failures of one lane, but for those of a factor that has not been shown to be
    /// right since.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
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

    /// Forgets all of one lane: its device has gone for good.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn forget_lane(&mut self, target: Target, lane: Lane) -> Result<(), Error> {
        const SQL: &str = "DELETE FROM failures WHERE target = $1 AND lane = $2";

        let lane = lane.to_column();
        let values = [Value::Bytes(target.as_bytes()), Value::Text(&lane)];
        self.execute(SQL, &values).await.map(|_| ())
    }

    /// Forgets every failure; whether there was one.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn clear_failures(&mut self, target: Target) -> Result<bool, Error> {
        const SQL: &str = "DELETE FROM failures WHERE target = $1";

        Ok(self.execute(SQL, &[Value::Bytes(target.as_bytes())]).await? > 0)
    }

    /// Forgets what failed last before `before`, of accounts and of names that are none alike: who
    /// could tell one from the other by waiting would know which names are accounts.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn forget_failures(&mut self, before: UnixMillis) -> Result<u64, Error> {
        const SQL: &str = "DELETE FROM failures WHERE last_failure < $1";

        self.execute(SQL, &[Value::Int(before.0)]).await
    }
}

impl Store {
    /// The failures of a target. One statement, whether or not there is such an account.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn tallies(&self, target: Target) -> Result<Tallies, Error> {
        const SQL: &str = "SELECT lane, failures, totp, face, totp_minute, totp_recent, \
             last_failure FROM failures WHERE target = $1";

        let rows = self.rows(SQL, &[Value::Bytes(target.as_bytes())]).await?;
        let tally = |row: &Row| {
            // A server of an earlier version that still runs counts in a lane that there is no more.
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
