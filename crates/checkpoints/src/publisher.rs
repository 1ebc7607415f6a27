//! Signs checkpoints and hands them to every configured sink.
//!
//! This module does not read the tree. [`signer`](crate::signer) decides when to sign, and which tree.

use crate::{
    entropy,
    epoch_file::{EpochError, EpochFile, first_key_is_here},
    exported::{Exported, leads_to},
    given_up::GivenUp,
    key_file::KeyFileError,
    keys::{Fresh, LogKeys},
    outlet::Outlet,
    progress::SinkProgress,
    sink::{Sink, SinkAddress, SinkError, Trust},
};
use fourauth_audit::{Hash, checkpoint::Checkpoint, key::VerifyingKey};
use fourauth_protocol::{secret::Secret, time::UnixMillis};
use fourauth_store::{Error, SignedCheckpoint, Store};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::time::Instant;

/// Longest wait for the export of the last checkpoint at shutdown.
const LAST_CHECKPOINT: Duration = Duration::from_secs(10);

/// Signs checkpoints and sends them to all configured sinks.
#[derive(Debug)]
pub struct Publisher {
    keys: LogKeys,
    epoch: EpochFile,
    outlets: Vec<Outlet>,
}

/// The folder of the keys and the sinks of one publisher.
#[derive(Debug, Clone)]
pub struct PublisherSettings {
    /// The folder with the keys of the audit log.
    pub folder: PathBuf,
    /// The sinks that checkpoints are sent to.
    pub sinks: Vec<SinkAddress>,
}

/// Reasons why checkpoints cannot be signed or sent.
#[derive(Debug, thiserror::Error)]
pub enum PublisherError {
    /// A key file is missing, exposed or damaged. The text says what to do.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// A sink cannot be opened.
    #[error(transparent)]
    Sink(#[from] SinkError),
}

impl Publisher {
    /// Opens the keys and the sinks.
    ///
    /// Creates missing keys unless the database has checkpoints: a new key could not prove them.
    ///
    /// # Errors
    ///
    /// [`PublisherError`] if a key file or a sink cannot be used.
    pub fn open(
        settings: &PublisherSettings,
        has_checkpoints: bool,
        now: UnixMillis,
    ) -> Result<Self, PublisherError> {
        let (folder, may_create) = (&settings.folder, !has_checkpoints);
        let fresh = Fresh { seed: Secret::new(entropy::bytes()), name: entropy::bytes() };
        let keys = LogKeys::open_or_create(folder, may_create, &fresh)?;
        let first_epoch = Secret::new(entropy::bytes());
        let epoch = EpochFile::open_or_create(folder, may_create, &first_epoch, now)?;
        let open = |address: &_| Sink::open(address, &Trust::System);
        let sinks: Vec<Sink> = settings.sinks.iter().map(open).collect::<Result<_, _>>()?;
        if first_key_is_here(folder) {
            tracing::warn!(
                folder = %folder.display(),
                "the first epoch key is still on this machine: give it to the auditor with \
                 `fourauthd audit epoch-key`"
            );
        }
        Ok(Self { keys, epoch, outlets: sinks.into_iter().map(Outlet::start).collect() })
    }

    /// Public key that verifies its checkpoints. The key's name is their origin.
    #[must_use]
    pub const fn verifying_key(&self) -> &VerifyingKey {
        self.keys.verifying()
    }

    /// How far each sink is behind, also while another task has the publisher.
    #[must_use]
    pub fn progress(&self) -> SinkProgress {
        self.outlets.iter().map(|outlet| outlet.progress().clone()).collect()
    }

    /// True if this log's key signed `told`, the tree in `store` contains it, and the columns
    /// stored with the note agree with it.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn has_signed(&self, told: &SignedCheckpoint, store: &Store) -> Result<bool, Error> {
        let Ok(checkpoint) = Checkpoint::open(&told.note, self.verifying_key()) else {
            return Ok(false);
        };
        let Checkpoint { size, at, epoch, .. } = &checkpoint;
        let columns_agree = (*size, at, *epoch) == (told.size, &told.ts_utc, told.epoch);
        Ok(columns_agree && leads_to(store, &checkpoint).await?)
    }

    /// Largest checkpoint that any sink returns, without those in `given_up`.
    ///
    /// A sink that does not answer is logged and skipped: it must not prevent the server from
    /// starting.
    ///
    /// # Errors
    ///
    /// [`SinkError::Foreign`] if a sink holds checkpoints, but none signed with this log's key.
    pub(crate) async fn newest_exported(
        &self,
        given_up: &Arc<GivenUp>,
    ) -> Result<Option<Exported>, SinkError> {
        let mut newest: Option<Exported> = None;
        for outlet in &self.outlets {
            let shown = match outlet.sink().newest(self.verifying_key(), given_up).await {
                Ok(shown) => shown,
                Err(error @ SinkError::Foreign { .. }) => return Err(error),
                Err(error @ SinkError::Away { .. }) => {
                    tracing::error!(%error, "cannot read the newest checkpoint of a sink");
                    None
                }
            };
            newest = newest.into_iter().chain(shown).max_by_key(|one| one.checkpoint.size);
        }
        Ok(newest)
    }

    /// Advances to the epoch of `now`, and destroys the key of an epoch that is over. Call it even
    /// if there is nothing to sign.
    ///
    /// The first call in an epoch writes a file and blocks for a few milliseconds. The others are
    /// cheap.
    pub fn advance_epoch(&mut self, now: UnixMillis) {
        if let Err(error) = self.epoch.advance(now) {
            tracing::error!(%error, "the epoch key was not replaced");
        }
    }

    /// Signs a checkpoint of a tree with this size and root, in the epoch of `at`.
    ///
    /// # Errors
    ///
    /// [`EpochError`] if the key of that epoch cannot be written to its file and the key in use is
    /// more than one epoch older. Auditors would reject such a checkpoint permanently.
    pub fn sign(
        &mut self,
        size: u64,
        root: Hash,
        at: UnixMillis,
    ) -> Result<SignedCheckpoint, EpochError> {
        let turned = self.epoch.advance(at).map(|_| ());
        if self.epoch.lags(at) {
            turned?;
        }
        let key = self.epoch.current();
        let origin = self.verifying_key().name().to_owned();
        let checkpoint = Checkpoint { origin, size, root, at: at.to_string(), epoch: key.number };
        let note = self.keys.sign(&checkpoint, key);
        Ok(SignedCheckpoint { size, ts_utc: checkpoint.at, epoch: checkpoint.epoch, note })
    }

    /// Sends a checkpoint to every sink, in the background. A sink that fails is retried every
    /// second, with the checkpoint that is newest by then.
    ///
    /// The rows of the tree must be durable: an exported checkpoint cannot be withdrawn.
    pub fn publish(&self, signed: &SignedCheckpoint) {
        self.outlets.iter().for_each(|outlet| outlet.offer(signed));
    }

    /// Waits until every sink has the newest checkpoint, at most ten seconds.
    pub async fn finish(self) {
        let deadline = Instant::now() + LAST_CHECKPOINT;
        let endings: Vec<_> = self.outlets.into_iter().map(Outlet::end).collect();
        for ending in endings {
            ending.wait(deadline).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_audit::{checkpoint::parse_all, epoch::EpochMac, note::Note};
    use std::fs;

    const START: UnixMillis = UnixMillis(1_790_000_000_000);

    fn settings() -> (tempfile::TempDir, PublisherSettings) {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("audit");
        let sinks = vec![SinkAddress::File(folder.join("checkpoints.log"))];
        (data, PublisherSettings { folder, sinks })
    }

    fn seconds(seconds: i64) -> UnixMillis {
        START.saturating_add_ms(seconds * 1000)
    }

    #[tokio::test]
    async fn the_next_start_finds_the_published_checkpoint() {
        let (_data, settings) = settings();
        let mut publisher = Publisher::open(&settings, false, START).unwrap();
        assert_eq!(publisher.newest_exported(&Arc::default()).await.unwrap(), None);
        let signed = publisher.sign(3, [9; 32], seconds(1)).unwrap();
        publisher.publish(&signed);
        publisher.finish().await;

        let next = Publisher::open(&settings, true, seconds(2)).unwrap();
        let newest = next.newest_exported(&Arc::default()).await.unwrap().unwrap().checkpoint;
        assert_eq!((newest.size, newest.root), (3, [9; 32]));
        assert_eq!(newest.origin, next.verifying_key().name());
        let mut given_up = GivenUp::default();
        given_up.add(&newest, 2);
        assert_eq!(next.newest_exported(&Arc::new(given_up)).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_checkpoint_carries_the_mac_of_its_epoch() {
        let (_data, settings) = settings();
        let mut publisher = Publisher::open(&settings, false, START).unwrap();
        let signed = publisher.sign(3, [9; 32], seconds(16 * 60)).unwrap();
        assert_eq!(signed.epoch, 1);
        let note = Note::parse(&signed.note).unwrap();
        assert!(note.is_signed_by(publisher.verifying_key()));
        let mac = EpochMac::of(&note, publisher.verifying_key().name()).unwrap();
        assert!(publisher.epoch.current().made(note.text(), &mac));
    }

    #[tokio::test]
    async fn a_sink_that_fails_does_not_delay_the_others() {
        let (data, mut settings) = settings();
        let path = data.path().join("log");
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sinks = [
            format!("http://{}/", silent.local_addr().unwrap()),
            format!("file:{}/none/log", data.path().display()),
            format!("file:{}", path.display()),
        ];
        settings.sinks = sinks.iter().map(|sink| sink.parse().unwrap()).collect();
        let mut publisher = Publisher::open(&settings, false, START).unwrap();
        let signed = publisher.sign(3, [9; 32], seconds(1)).unwrap();
        publisher.publish(&signed);
        drop(silent);
        publisher.finish().await;
        assert_eq!(fs::read_to_string(path).unwrap(), signed.note);
    }

    #[tokio::test(start_paused = true)]
    async fn a_sink_that_recovers_gets_the_newest_checkpoint() {
        let (data, mut settings) = settings();
        let away = data.path().join("mnt");
        let sink = format!("file:{}/log", away.display());
        settings.sinks = vec![sink.parse().unwrap()];
        let mut publisher = Publisher::open(&settings, false, START).unwrap();
        for size in [3, 4] {
            let signed = publisher.sign(size, [9; 32], seconds(1)).unwrap();
            publisher.publish(&signed);
            // The clock is paused, so the sleep ends once the attempts of the sink have failed.
            tokio::time::sleep(Duration::from_mins(2)).await;
            assert!(!away.exists());
        }
        fs::create_dir(&away).unwrap();
        publisher.finish().await;
        let (notes, torn) = parse_all(&fs::read_to_string(away.join("log")).unwrap());
        assert!(!torn && notes.last().unwrap().contains("\n4\n"));
    }

    #[tokio::test]
    async fn missing_keys_are_not_replaced_once_the_log_was_signed() {
        let (_data, settings) = settings();
        assert!(matches!(
            Publisher::open(&settings, true, START),
            Err(PublisherError::Key(KeyFileError::Missing { .. }))
        ));
        assert!(!settings.folder.exists());
    }

    #[tokio::test]
    async fn an_epoch_key_that_is_two_epochs_old_signs_nothing() {
        let (data, settings) = settings();
        let mut publisher = Publisher::open(&settings, false, START).unwrap();
        // The epoch key cannot be written without its folder.
        let away = data.path().join("away");
        fs::rename(&settings.folder, &away).unwrap();
        for (minutes, epoch) in [(14, Some(0)), (29, Some(0)), (31, None), (600, None)] {
            let signed = publisher.sign(3, [9; 32], seconds(60 * minutes));
            assert_eq!(signed.ok().map(|signed| signed.epoch), epoch, "{minutes}");
        }
        fs::rename(&away, &settings.folder).unwrap();
        assert_eq!(publisher.sign(3, [9; 32], seconds(60 * 31)).unwrap().epoch, 2);
    }
}
