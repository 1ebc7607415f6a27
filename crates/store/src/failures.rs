//! How often somebody was asked for in vain. Counted here so that a restart forgets nothing; what
//! follows from it is `fourauth-auth`'s business.
//!
//! Failures are counted by the name that was claimed, whether or not there is such an account, so
//! that being limited says nothing about that.

use crate::{
    driver::{Row, Value},
    error::Error,
    store::Store,
    tx::Tx,
};
use fourauth_protocol::{time::UnixMillis, username::Username};
use sha2::{Digest as _, Sha256};

const TABLE: &str = "failures";

/// Milliseconds of the minute that wrong one-time codes are counted by.
const MINUTE_MS: i64 = 60_000;

/// What attempts are counted by: a hash, so that names of any length take the same room, and are not
/// there to be read. (It has no key: whoever suspects a name can check it.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Target([u8; 32]);

impl Target {
    /// Everybody who claims this name.
    #[must_use]
    pub fn account(name: &Username) -> Self {
        Self::hash("account", name.as_str())
    }

    /// Everybody from this source who claims to be an administrator.
    #[must_use]
    pub fn admin(source: &str) -> Self {
        Self::hash("admin", source)
    }

    fn hash(kind: &str, text: &str) -> Self {
        let hash = Sha256::new().chain_update(kind).chain_update([0]).chain_update(text);
        Self(hash.finalize().into())
    }
}

/// Who is counted together. An attacker fills one lane and not the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Devices that have proved nothing.
    Unknown,
    /// Devices that the account has been used with.
    Known,
    /// Guesses at administrators' secrets.
    Admin,
}

impl Lane {
    /// The word for the database and the audit log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Known => "known",
            Self::Admin => "admin",
        }
    }
}

/// Consecutive failures of one lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// All of them.
    pub failures: i64,
    /// Of these, wrong one-time codes.
    pub totp: i64,
    /// Of these, wrong faces.
    pub face: i64,
    /// Wrong one-time codes within the minute of `totp_minute`.
    pub totp_recent: i64,
    /// A minute of Unix time.
    pub totp_minute: i64,
    /// When the newest was.
    pub last: UnixMillis,
}

impl Tally {
    /// Wrong one-time codes within the minute of `at`.
    #[must_use]
    pub const fn totp_within_the_minute(&self, at: UnixMillis) -> i64 {
        if self.totp_minute == minute(at) { self.totp_recent } else { 0 }
    }
}

/// The tallies of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tallies {
    /// [`Lane::Unknown`]
    pub unknown: Tally,
    /// [`Lane::Known`]
    pub known: Tally,
    /// [`Lane::Admin`]
    pub admin: Tally,
}

impl Tallies {
    /// The tally of one lane.
    #[must_use]
    pub const fn of(&self, lane: Lane) -> Tally {
        match lane {
            Lane::Unknown => self.unknown,
            Lane::Known => self.known,
            Lane::Admin => self.admin,
        }
    }
}

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

        let values = [
            Value::Bytes(&failure.target.0),
            Value::Text(failure.lane.as_str()),
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

        let values = [
            Value::Bytes(&target.0),
            Value::Text(lane.as_str()),
            Value::Int(keep.totp.into()),
            Value::Int(keep.face.into()),
        ];
        self.execute(SQL, &values).await.map(|_| ())
    }

    /// Forgets every failure; whether there was one.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn clear_failures(&mut self, target: Target) -> Result<bool, Error> {
        const SQL: &str = "DELETE FROM failures WHERE target = $1";

        Ok(self.execute(SQL, &[Value::Bytes(&target.0)]).await? > 0)
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

        let mut tallies = Tallies::default();
        for row in self.rows(SQL, &[Value::Bytes(&target.0)]).await? {
            let tally = Tally::read(&row)?;
            match row.text(TABLE, "lane")?.as_str() {
                "unknown" => tallies.unknown = tally,
                "known" => tallies.known = tally,
                "admin" => tallies.admin = tally,
                _ => return Err(Error::Corrupt { table: TABLE, column: "lane" }),
            }
        }
        Ok(tallies)
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

const fn minute(at: UnixMillis) -> i64 {
    at.0.div_euclid(MINUTE_MS)
}
