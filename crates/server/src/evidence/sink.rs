//! Where checkpoints go so that whoever rewrites the database has not rewritten them: a file, a
//! collector of syslog messages, or a URL.
//!
//! What a checkpoint says, and how it is signed, is `fourauth-audit`'s business; when one is sent
//! again, the outlet's.

mod file;
mod https;
mod syslog;
mod trust;

pub use trust::Trust;

use crate::config::SinkAddress;
use fourauth_audit::{
    checkpoint::{Checkpoint, parse_all},
    key::VerifyingKey,
};
use fourauth_protocol::time::{NotAnInstant, UnixMillis};
use fourauth_store::SignedCheckpoint;
use std::{fmt, io, time::Duration};
use tokio::time::timeout;

/// Longest that one checkpoint may take, from the name lookup to the last answer.
const DEADLINE: Duration = Duration::from_secs(10);

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
        in_time(done).await.map_err(|fault| fault.at(&self.name))
    }

    /// The newest checkpoint that the place shows, of those that were signed after `given_up`.
    /// `None` if it has none, and for a collector, which cannot be asked.
    ///
    /// # Errors
    ///
    /// [`SinkError`], after ten seconds at the latest.
    pub async fn newest(
        &self,
        key: &VerifyingKey,
        given_up: Option<UnixMillis>,
    ) -> Result<Option<Exported>, SinkError> {
        let shown = async {
            match &self.kind {
                Kind::File(notes) => notes.tail(key.name().to_owned()).await,
                Kind::Syslog(_) => Ok(String::new()),
                Kind::Https(receiver) => receiver.get().await,
            }
        };
        let newest = in_time(shown).await.and_then(|text| newest_in(&text, key, given_up));
        newest.map_err(|fault| fault.at(&self.name))
    }
}

impl fmt::Display for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The largest tree that a valid checkpoint in `text` is about. Whoever may write there can repeat
/// an old checkpoint behind a new one, so the last one need not be the newest.
fn newest_in(
    text: &str,
    key: &VerifyingKey,
    given_up: Option<UnixMillis>,
) -> Result<Option<Exported>, Fault> {
    let (notes, _torn) = parse_all(text);
    let are_there = !notes.is_empty();
    let open = |note: String| {
        Checkpoint::open(&note, key).ok().map(|checkpoint| Exported { checkpoint, note })
    };
    let ours: Vec<Exported> = notes.into_iter().filter_map(open).collect();
    if ours.is_empty() && are_there {
        return Err(Fault::Foreign);
    }
    let is_in_force = |shown: &Exported| match UnixMillis::parse(&shown.checkpoint.at) {
        Ok(at) => given_up.is_none_or(|given_up| at > given_up),
        // The key has signed it, so it counts, whatever it says of the time.
        Err(NotAnInstant) => true,
    };
    Ok(ours.into_iter().filter(is_in_force).max_by_key(|shown| shown.checkpoint.size))
}

async fn in_time<T>(work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let late = |_| Fault::Away(format!("no answer in {} s", DEADLINE.as_secs()));
    timeout(DEADLINE, work).await.map_err(late)?
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
