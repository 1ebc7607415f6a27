//! The health of a running server: checks of what it depends on, each with words that an operator can
//! act on.
//!
//! A check finds out and says so. It changes nothing, and no peer can cause more of them: `monitor`
//! shares one result among all that ask. Which peers may see the result is not decided here.

pub mod certificate;
mod checkpoints;
mod clock;
pub(crate) mod database;
pub mod disk;
mod outbox;

use fourauth_checkpoints::SinkProgress;
use fourauth_daemon::tls::Certificate;
use fourauth_store::{OutboxCensus, Store};
use fourauth_timekeeper::Reading;
use std::{fmt, path::PathBuf};

/// What a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The database answers and takes writes.
    Database,
    /// The disks of the data folder and of the database have room.
    Disk,
    /// The time can be trusted.
    Clock,
    /// The certificate is valid.
    Certificate,
    /// Every sink has the newest checkpoint.
    Checkpoints,
    /// No notice was given up.
    Outbox,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Nothing to do.
    Ok,
    /// It works, and an operator should act before it does not.
    Warning(String),
    /// It does not work.
    Failing(String),
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What it is about.
    pub subject: Subject,
    /// What it found.
    pub condition: Condition,
}

/// Every check, in the order of [`Subject`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    checks: Vec<Check>,
}

impl Subject {
    /// The name in answers and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Disk => "disk",
            Self::Clock => "clock",
            Self::Certificate => "certificate",
            Self::Checkpoints => "checkpoints",
            Self::Outbox => "outbox",
        }
    }

    /// True if the server is useless while this check fails: no command is granted, or no client
    /// connects. A full disk is not among them, because reads and checks of tokens still work, and
    /// the database is failing as soon as it refuses a write.
    #[must_use]
    pub const fn is_essential(self) -> bool {
        match self {
            Self::Database | Self::Clock | Self::Certificate => true,
            Self::Disk | Self::Checkpoints | Self::Outbox => false,
        }
    }
}

impl Condition {
    /// The word in answers.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning(_) => "warning",
            Self::Failing(_) => "failing",
        }
    }

    /// The words for an operator. `None` if there is nothing to do.
    #[must_use]
    pub fn words(&self) -> Option<&str> {
        match self {
            Self::Ok => None,
            Self::Warning(words) | Self::Failing(words) => Some(words),
        }
    }

    /// For metrics: 0 is ok, 1 a warning and 2 a failure.
    #[must_use]
    pub const fn severity(&self) -> u64 {
        match self {
            Self::Ok => 0,
            Self::Warning(_) => 1,
            Self::Failing(_) => 2,
        }
    }

    /// The worse of two, this one if they are equal.
    fn or_worse(self, other: Self) -> Self {
        if other.severity() > self.severity() { other } else { self }
    }
}

/// `ok`, or `warning: ` and the words.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.words() {
            None => f.write_str(self.word()),
            Some(words) => write!(f, "{}: {words}", self.word()),
        }
    }
}

impl Health {
    /// Every check.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// True unless a check fails that makes the server useless.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let is_fatal = |check: &Check| {
            check.subject.is_essential() && matches!(check.condition, Condition::Failing(_))
        };
        !self.checks.iter().any(is_fatal)
    }

    /// What the check about `subject` found.
    #[must_use]
    pub fn condition(&self, subject: Subject) -> Option<&Condition> {
        let check = self.checks.iter().find(|check| check.subject == subject)?;
        Some(&check.condition)
    }
}

/// What the checks look at.
pub(crate) struct Evidence<'a> {
    pub(crate) store: &'a Store,
    pub(crate) folders: &'a [PathBuf],
    pub(crate) time: Reading,
    /// True if time servers are asked.
    pub(crate) time_servers: bool,
    pub(crate) certificate: &'a Certificate,
    pub(crate) sinks: &'a SinkProgress,
    pub(crate) outbox: Option<OutboxCensus>,
}

/// Runs every check. Only that of the database waits, and not for long.
pub(crate) async fn check(evidence: Evidence<'_>) -> Health {
    let Evidence { store, folders, time, time_servers, certificate, sinks, outbox } = evidence;
    let checks = [
        (Subject::Database, database::check(store).await),
        (Subject::Disk, disk::check(folders)),
        (Subject::Clock, clock::check(time, time_servers)),
        (Subject::Certificate, certificate::check(certificate.fitness(time.now))),
        (Subject::Checkpoints, checkpoints::check(&sinks.behind())),
        (Subject::Outbox, outbox::check(outbox)),
    ];
    let checks = checks.map(|(subject, condition)| Check { subject, condition });
    Health { checks: checks.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failing(subject: Subject) -> Health {
        let condition = Condition::Failing("it is broken".to_owned());
        Health { checks: vec![Check { subject, condition }] }
    }

    #[test]
    fn only_what_makes_the_server_useless_ends_its_readiness() {
        for (subject, is_ready) in [
            (Subject::Database, false),
            (Subject::Clock, false),
            (Subject::Certificate, false),
            (Subject::Disk, true),
            (Subject::Checkpoints, true),
            (Subject::Outbox, true),
        ] {
            assert_eq!(failing(subject).is_ready(), is_ready, "{subject:?}");
        }
        let condition = Condition::Warning("it ends soon".to_owned());
        let subject = Subject::Certificate;
        assert!(Health { checks: vec![Check { subject, condition }] }.is_ready());
    }
}
