//! Sinks for checkpoints: a file, a syslog collector or a URL. An attacker that rewrites the
//! database has not rewritten these as well.
//!
//! `fourauth-audit` defines and signs checkpoints. The outlet decides when one is sent again.

mod address;
mod file;
mod https;
mod syslog;
mod trust;

pub use address::{NotASink, SinkAddress, Transport};
pub use trust::Trust;

use crate::{
    given_up::GivenUp,
    largest::Largest,
    largest::Seen,
    read_so_far::{End, Place},
};
use fourauth_audit::{Hash, checkpoint::parse_all, key::VerifyingKey};
use fourauth_store::SignedCheckpoint;
use std::{collections::BTreeSet, fmt, io, sync::Arc, time::Duration};
use tokio::time::timeout;

/// Timeout for one checkpoint, from the name lookup to the last byte of the answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Timeout for reading a file: enough for fifty gigabytes on a disk.
const READ_TIMEOUT: Duration = Duration::from_mins(10);

/// A sink for checkpoints.
#[derive(Debug)]
pub struct Sink {
    /// Address without its secrets, for logs.
    name: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    File(file::Notes),
    Syslog(syslog::Collector),
    Https(https::Receiver),
}

/// Reasons why a sink cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The sink could not be reached, or did not take a checkpoint. A retry may succeed.
    #[error("{place}: {reason}")]
    Away {
        /// Address of the sink.
        place: String,
        /// Description of the failure.
        reason: String,
    },
    /// A file exists and was not read to its end. Its newest checkpoint may be in the rest.
    #[error(
        "{place} cannot be read to its end ({reason}): make it readable, or move it away and keep it \
         for the auditor"
    )]
    Unread {
        /// Address of the sink.
        place: String,
        /// Description of the failure.
        reason: String,
    },
    /// The sink holds checkpoints, but none signed with this log's key.
    #[error("{place} holds checkpoints, but this log's key signed none of them")]
    Foreign {
        /// Address of the sink.
        place: String,
    },
}

/// The checkpoints that are searched in a sink.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Checkpoints that do not count.
    pub given_up: Arc<GivenUp>,
    /// Sizes and roots that count. `None` if all do.
    pub among: Option<Arc<BTreeSet<(u64, Hash)>>>,
}

impl Wanted {
    fn search<'a>(&'a self, key: &'a VerifyingKey) -> Largest<'a> {
        Largest::new(key, &self.given_up).among(self.among.as_deref())
    }
}

/// A [`SinkError`] without the address of the sink.
enum Fault {
    Away(String),
    Foreign,
}

impl Sink {
    /// Opens a sink. Sends nothing and creates no file yet.
    ///
    /// # Errors
    ///
    /// [`SinkError::Away`] if the sink needs TLS and this machine trusts no authority.
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

    /// Sends a checkpoint. On success a file has it on disk, and a TCP collector or URL has
    /// accepted it. A UDP collector may have lost it.
    ///
    /// # Errors
    ///
    /// [`SinkError::Away`] if that fails or takes more than ten seconds.
    pub async fn publish(&self, signed: &SignedCheckpoint) -> Result<(), SinkError> {
        let done = async {
            match &self.kind {
                Kind::File(notes) => notes.append(signed.note.clone()).await,
                Kind::Syslog(collector) => Ok(collector.send(signed).await?),
                Kind::Https(receiver) => receiver.post(&signed.note).await,
            }
        };
        in_time(TIMEOUT, done).await.map_err(|fault| fault.at(&self.name))
    }

    /// Reads the sink for its largest checkpoint that is wanted. A syslog collector cannot be read
    /// and seems empty.
    ///
    /// # Errors
    ///
    /// [`SinkError`] if reading fails. The timeout is ten seconds for a URL and ten minutes for a
    /// file.
    pub async fn read(&self, key: &VerifyingKey, wanted: &Wanted) -> Result<Seen, SinkError> {
        self.read_after(None, key, wanted).await
    }

    /// The same, for a file that was read up to a place before.
    pub(crate) async fn read_after(
        &self,
        place: Option<&Place>,
        key: &VerifyingKey,
        wanted: &Wanted,
    ) -> Result<Seen, SinkError> {
        let seen = match &self.kind {
            Kind::File(notes) => in_time(READ_TIMEOUT, notes.largest(place, key, wanted)).await,
            Kind::Syslog(_) => Ok(wanted.search(key).finish()),
            Kind::Https(receiver) => {
                let shown = in_time(TIMEOUT, receiver.get()).await;
                shown.map(|text| largest_in(&text, key, wanted))
            }
        };
        let ours = seen.and_then(|seen| match seen {
            Seen { has_own_key: false, notes: 1.., .. } if wanted.among.is_none() => {
                Err(Fault::Foreign)
            }
            seen => Ok(seen),
        });
        ours.map_err(|fault| match (fault.at(&self.name), &self.kind) {
            (SinkError::Away { place, reason }, Kind::File(_)) => {
                SinkError::Unread { place, reason }
            }
            (error, _) => error,
        })
    }
}

impl Sink {
    /// What was read of this sink.
    pub(crate) fn place(&self, end: Option<End>, note: String) -> Place {
        Place { name: self.name.clone(), end, note }
    }
}

impl fmt::Display for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

fn largest_in(text: &str, key: &VerifyingKey, wanted: &Wanted) -> Seen {
    let mut largest = wanted.search(key);
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
