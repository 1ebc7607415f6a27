//! Where checkpoints go so that whoever rewrites the database has not rewritten them: a file, a
//! collector of syslog messages, or a URL.
//!
//! What a checkpoint says, and how it is signed, is `fourauth-audit`'s business; when one is sent
//! again, the outlet's.

mod address;
mod file;
mod https;
mod syslog;
mod trust;

pub use address::{HostPort, NotASink, SinkAddress, Transport};
pub use trust::Trust;

use crate::{given_up::GivenUp, largest::Largest, largest::Seen};
use fourauth_audit::{
    checkpoint::{Checkpoint, parse_all},
    key::VerifyingKey,
};
use fourauth_store::SignedCheckpoint;
use std::{fmt, io, sync::Arc, time::Duration};
use tokio::time::timeout;

/// Longest that one checkpoint may take, from the name lookup to the last answer.
const DEADLINE: Duration = Duration::from_secs(10);

/// Longest that the reading of a file may take: that of many gigabytes, on a disk.
const READING: Duration = Duration::from_mins(2);

/// A place for checkpoints.
#[derive(Debug)]
pub struct Sink {
    /// Fit for a log.
    name: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    File(file::Notes),
    Syslog(syslog::Collector),
    Https(https::Receiver),
}

/// A checkpoint that a place shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// As it was signed.
    pub note: String,
}

/// Why a place did not do what it is for.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// It could not be reached, or did not take a checkpoint. Another time it may.
    #[error("{place}: {reason}")]
    Away {
        /// Which.
        place: String,
        /// What was wrong.
        reason: String,
    },
    /// It shows checkpoints, and none of them is of this log's key.
    #[error("{place} holds checkpoints, but none that the key of this log has signed")]
    Foreign {
        /// Which.
        place: String,
    },
}

/// What went wrong with one place, before it is said with which.
enum Fault {
    Away(String),
    Foreign,
}

impl Sink {
    /// Prepares a place. Nothing is sent and no file is made yet.
    ///
    /// # Errors
    ///
    /// [`SinkError::Away`] if it wants TLS and this machine trusts no authority.
    pub fn open(address: &SinkAddress, trust: &Trust) -> Result<Self, SinkError> {
        let name = address.to_string();
        let kind = match address {
            SinkAddress::File(path) => Ok(Kind::File(file::Notes::new(path.clone()))),
            SinkAddress::Syslog(transport, place) => {
                syslog::Collector::new(*transport, place.clone(), trust).map(Kind::Syslog)
            }
            SinkAddress::Https(url) => https::Receiver::new(url.clone(), trust).map(Kind::Https),
        };
        match kind {
            Ok(kind) => Ok(Self { name, kind }),
            Err(fault) => Err(fault.at(&name)),
        }
    }

    /// Hands a checkpoint over. A file has it on disk after that; a collector over UDP may have lost
    /// it; the others have taken it.
    ///
    /// # Errors
    ///
    /// [`SinkError::Away`], after ten seconds at the latest.
    pub async fn publish(&self, signed: &SignedCheckpoint) -> Result<(), SinkError> {
        let done = async {
            match &self.kind {
                Kind::File(notes) => notes.append(signed.note.clone()).await,
                Kind::Syslog(collector) => Ok(collector.send(signed).await?),
                Kind::Https(receiver) => receiver.post(&signed.note).await,
            }
        };
        in_time(DEADLINE, done).await.map_err(|fault| fault.at(&self.name))
    }

    /// The largest tree that the place shows a checkpoint of, but for those that are `given_up`.
    /// `None` if it has none, and for a collector, which cannot be asked.
    ///
    /// # Errors
    ///
    /// [`SinkError`]: of a URL after ten seconds at the latest, of a file after two minutes.
    pub async fn newest(
        &self,
        key: &VerifyingKey,
        given_up: &Arc<GivenUp>,
    ) -> Result<Option<Exported>, SinkError> {
        let seen = match &self.kind {
            Kind::File(notes) => in_time(READING, notes.largest(key, given_up)).await,
            Kind::Syslog(_) => return Ok(None),
            Kind::Https(receiver) => {
                let shown = in_time(DEADLINE, receiver.get()).await;
                shown.map(|text| largest_in(&text, key, given_up))
            }
        };
        let ours = seen.and_then(|seen| match seen {
            Seen { is_ours: false, notes: 1.., .. } => Err(Fault::Foreign),
            Seen { largest, .. } => Ok(largest),
        });
        ours.map_err(|fault| fault.at(&self.name))
    }
}

impl fmt::Display for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

fn largest_in(text: &str, key: &VerifyingKey, given_up: &GivenUp) -> Seen {
    let mut largest = Largest::new(key, given_up);
    let (notes, _torn) = parse_all(text);
    for note in &notes {
        largest.offer(note);
    }
    largest.finish()
}

async fn in_time<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    let late = |_| Fault::Away(format!("no answer in {} s", limit.as_secs()));
    timeout(limit, work).await.map_err(late)?
}

impl Fault {
    fn at(self, place: &str) -> SinkError {
        let place = place.to_owned();
        match self {
            Self::Away(reason) => SinkError::Away { place, reason },
            Self::Foreign => SinkError::Foreign { place },
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Away(error.to_string())
    }
}

#[cfg(test)]
mod tests;
