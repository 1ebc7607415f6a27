//! Signs checkpoints and hands them to every configured sink.
//!
//! This module does not read the tree. [`signer`](crate::signer) decides when to sign, and which tree.

use crate::{
    chain::StoredNotes,
    claims::{Claims, claim},
    entropy,
    epoch_file::{EpochError, EpochFile},
    exported::{Exported, leads_to},
    first_key::untaken_first_keys,
    key_file::KeyFileError,
    keys::{Fresh, LogKeys},
    last_signed::{Growth, LastSigned},
    outlet::Outlet,
    progress::SinkProgress,
    read_so_far::{Place, ReadSoFar},
    sink::{Sink, SinkAddress, SinkError, Trust, Wanted},
};
use fourauth_audit::{Hash, checkpoint::Checkpoint, key::VerifyingKey, tree::Frontier};
use fourauth_protocol::{secret::Secret, time::UnixMillis};
use fourauth_store::{Error, SignedCheckpoint, Store};
use std::{collections::BTreeSet, path::PathBuf, sync::Arc, time::Duration};
use tokio::time::Instant;

/// Longest wait for the export of the last checkpoint at shutdown.
const LAST_CHECKPOINT: Duration = Duration::from_secs(10);

/// Signs checkpoints and sends them to all configured sinks.
#[derive(Debug)]
pub struct Publisher {
    folder: PathBuf,
    keys: LogKeys,
    epoch: EpochFile,
    last: LastSigned,
    pub(crate) read: ReadSoFar,
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

/// Reasons why a tree was not signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The key of the epoch cannot be used.
    #[error(transparent)]
    Epoch(#[from] EpochError),
    /// The checkpoint cannot be kept beside the keys, so it must not leave this machine.
    #[error(transparent)]
    Kept(#[from] KeyFileError),
    /// The database failed.
    #[error("the audit log cannot be read or written")]
    Store(#[from] Error),
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
        let epoch = if let Some(opened) = EpochFile::open(folder)? {
            opened
        } else {
            if has_checkpoints {
                tracing::warn!(
                    folder = %folder.display(),
                    "the epoch key is missing or of an earlier version, although the log was signed \
                     before: a new chain of epochs begins"
                );
            }
            EpochFile::begin(folder, now)?
        };
        let last = LastSigned::open(folder, keys.verifying())?;
        let read = ReadSoFar::open(folder)?;
        let open = |address: &_| Sink::open(address, &Trust::System);
        let sinks: Vec<Sink> = settings.sinks.iter().map(open).collect::<Result<_, _>>()?;
        let outlets = sinks.into_iter().map(Outlet::start).collect();
        let publisher = Self { folder: folder.clone(), keys, epoch, last, read, outlets };
        publisher.remind_of_first_key();
        Ok(publisher)
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

    fn remind_of_first_key(&self) {
        if !untaken_first_keys(&self.folder).is_empty() {
            tracing::warn!(
                folder = %self.folder.display(),
                "the first key of the epochs is still on this machine: give it to the auditor with \
                 `fourauthd audit epoch-key`"
            );
        }
    }

    /// Continues after the newest checkpoint that is in the database or was signed last, and sends
    /// it again. It may not have been exported: the process was killed, or no sink answered. Then
    /// advances to the epoch of `now`.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub(crate) async fn resume(&mut self, store: &Store, now: UnixMillis) -> Result<(), Error> {
        self.send_again(store).await?;
        self.settle_epoch(store, now).await;
        Ok(())
    }

    async fn send_again(&mut self, store: &Store) -> Result<(), Error> {
        let stored = self.newest_stored(store).await?;
        let kept = self.last.within(store).await?.cloned();
        let newest = stored.into_iter().chain(kept).max_by_key(|one| one.checkpoint.size);
        let Some(newest) = newest else { return Ok(()) };
        let signed = SignedCheckpoint::from(newest.clone());
        if self.last.kept() == Some(&newest) {
            let again = signed.clone();
            store.write(|tx| Box::pin(async move { tx.note_checkpoint(&again).await })).await?;
        } else if let Err(error) = self.last.keep(newest) {
            tracing::error!(%error, "the last checkpoint is not kept");
        }
        self.publish(&signed);
        Ok(())
    }

    /// The newest checkpoint in the database, if this log's key signed it, the tree contains it and
    /// the columns stored with it agree. Otherwise the database was changed, which is logged.
    async fn newest_stored(&self, store: &Store) -> Result<Option<Exported>, Error> {
        let Some(newest) = store.newest_checkpoint().await? else { return Ok(None) };
        let (size, note) = (newest.size, newest.note.clone());
        if let Ok(checkpoint) = Checkpoint::open(&note, self.verifying_key()) {
            let found = Exported { checkpoint, note };
            let columns_agree = SignedCheckpoint::from(found.clone()) == newest;
            if columns_agree && leads_to(store, &found.checkpoint).await? {
                return Ok(Some(found));
            }
        }
        tracing::error!(
            size,
            "the newest checkpoint in the database does not belong to this log: the database was \
             changed. Run `fourauthd audit verify`"
        );
        Ok(None)
    }

    /// Compares a tree in `store` with the checkpoint that was signed last.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub(crate) async fn growth(&self, tree: &Frontier, store: &Store) -> Result<Growth, Error> {
        self.last.growth(tree, store).await
    }

    /// The checkpoint that was signed last.
    pub(crate) fn last(&self) -> Option<&Checkpoint> {
        self.last.kept().map(|kept| &kept.checkpoint)
    }

    /// Accepts any tree as the next one: an operator has given up what was signed last, or has
    /// chosen to continue without it.
    pub(crate) fn forget_last(&mut self) {
        self.last.forget();
    }

    /// Largest wanted checkpoint that was signed last or that any sink returns, what all checkpoints
    /// in the sinks claim, and how far they were read.
    ///
    /// A sink elsewhere that does not answer is logged: it must not prevent the server from starting.
    /// What it returned at an earlier start counts.
    ///
    /// # Errors
    ///
    /// [`SinkError::Foreign`] if a sink holds checkpoints, but none signed with this log's key, and
    /// neither does any other place;
    /// [`SinkError::Unread`] if a file is there and cannot be read to its end.
    pub(crate) async fn exported(
        &self,
        wanted: &Wanted,
    ) -> Result<(Option<Exported>, Claims, Vec<Place>), SinkError> {
        let mut newest = self.last.kept().filter(|last| wanted.has(last)).cloned();
        let (mut claims, mut foreign) = (Claims::default(), None);
        let mut is_elsewhere = self.last.kept().is_some();
        let (key, mut places) = (self.verifying_key(), Vec::new());
        for sink in self.outlets.iter().map(Outlet::sink) {
            let known = self.read.of(sink, key, wanted);
            let before = known.and_then(|place| place.largest(key));
            newest = newest.into_iter().chain(before.clone()).max_by_key(|one| one.checkpoint.size);
            let seen = match sink.read_after(known, key, wanted).await {
                Ok(seen) => seen,
                Err(error @ SinkError::Foreign { .. }) => {
                    foreign = Some(error);
                    continue;
                }
                Err(error @ SinkError::Unread { .. }) => return Err(error),
                Err(error @ SinkError::Away { .. }) => {
                    tracing::error!(%error, "cannot read the newest checkpoint of a sink");
                    places.extend(known.cloned());
                    continue;
                }
            };
            is_elsewhere |= seen.largest.is_some();
            let largest =
                seen.largest.into_iter().chain(before).max_by_key(|it| it.checkpoint.size);
            places.extend(largest.clone().map(|it| sink.place(seen.end, it.note)));
            newest = newest.into_iter().chain(largest).max_by_key(|one| one.checkpoint.size);
            claims.join(seen.claims);
        }
        match foreign {
            Some(error) if !is_elsewhere => Err(error),
            Some(error) => {
                tracing::error!(%error, "a sink holds the checkpoints of another log");
                Ok((newest, claims, places))
            }
            None => Ok((newest, claims, places)),
        }
    }

    /// Advances to the epoch of `now` if that of the key in use is over, and destroys the key. Call
    /// it even if there is nothing to sign.
    pub(crate) async fn advance_epoch(&mut self, store: &Store, now: UnixMillis) {
        if self.epoch.is_over(now) {
            self.settle_epoch(store, now).await;
        }
    }

    /// Makes the key of the epoch the one that the stored checkpoints lead to, and that of `now`.
    /// The next key depends on them, so they are read from the database, where another command of
    /// this machine may have changed them. The text log says why if that fails.
    pub(crate) async fn settle_epoch(&mut self, store: &Store, now: UnixMillis) {
        if let Err(error) = self.try_settling(store, now).await {
            tracing::error!(%error, "the epoch key was not replaced");
        }
    }

    async fn try_settling(&mut self, store: &Store, now: UnixMillis) -> Result<(), SignError> {
        // A command that gave up a rollback may have begun a new chain.
        if let Some(newer) = EpochFile::open(&self.folder)?
            && !newer.has_key_of(&self.epoch)
        {
            self.epoch = newer;
        }
        if let Some(follows) = self.epoch.follows()
            && !follows.is_in(store).await?
        {
            self.epoch = EpochFile::begin(&self.folder, now)?;
            tracing::warn!(
                size = follows.size,
                "a checkpoint that the epoch key depends on is not in the database: a new chain of \
                 epochs begins"
            );
            self.remind_of_first_key();
        }
        let newest = self.last().map_or(u64::MAX, |last| last.size);
        let notes = StoredNotes::read(store, newest, self.epoch.current()).await?;
        self.epoch.advance(now, &notes)?;
        Ok(())
    }

    /// Signs a checkpoint of a tree with this size and root, in the current epoch. It is on disk
    /// beside the keys before it is returned.
    ///
    /// The caller has made sure that the tree grew from the one signed last.
    ///
    /// # Errors
    ///
    /// [`SignError::Epoch`] if the key could not be replaced for more than an epoch: auditors would
    /// doubt such a checkpoint.
    /// [`SignError::Kept`] if the checkpoint cannot be kept.
    pub fn sign(
        &mut self,
        size: u64,
        root: Hash,
        at: UnixMillis,
    ) -> Result<SignedCheckpoint, SignError> {
        if self.epoch.lags(at) {
            return Err(EpochError::Old.into());
        }
        let key = self.epoch.current();
        let origin = self.verifying_key().name().to_owned();
        let checkpoint = Checkpoint { origin, size, root, at: at.to_string(), epoch: key.number };
        let note = self.keys.sign(&checkpoint, key);
        let signed = Exported { checkpoint, note };
        self.last.keep(signed.clone())?;
        Ok(signed.into())
    }

    /// Signs the tree in `store` after an operator has given up what it lacks, and stores and sends
    /// the checkpoint. Only then does the row of the operator count.
    ///
    /// # Errors
    ///
    /// [`SignError`], also if the database fails.
    pub async fn sign_accepted(mut self, store: &Store, at: UnixMillis) -> Result<(), SignError> {
        store.integrate_all().await?;
        let tree = store.tree_head().await?.frontier;
        self.forget_last();
        self.try_settling(store, at).await?;
        let signed = self.sign(tree.size(), tree.root(), at)?;
        let kept = signed.clone();
        let _is_first: bool =
            store.write(|tx| Box::pin(async move { tx.note_checkpoint(&kept).await })).await?;
        self.publish(&signed);
        self.finish().await;
        Ok(())
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

impl Wanted {
    pub(crate) fn has(&self, shown: &Exported) -> bool {
        let claimed = claim(&shown.note, &shown.checkpoint.origin);
        let among = |among: &Arc<BTreeSet<_>>| claimed.is_some_and(|it| among.contains(&it));
        !self.given_up.covers(&shown.checkpoint) && self.among.as_ref().is_none_or(among)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given_up::GivenUp;
    use fourauth_audit::{checkpoint::parse_all, epoch::EpochMac, note::Note};
    use std::fs;

    const START: UnixMillis = UnixMillis(1_790_000_000_000);

    fn settings() -> (tempfile::TempDir, PublisherSettings) {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("audit");
        let sinks = vec![SinkAddress::File(folder.join("checkpoints.log"))];
        (data, PublisherSettings { folder, sinks })
    }

    async fn newest(publisher: &Publisher, given_up: GivenUp) -> Option<Checkpoint> {
        let wanted = Wanted { given_up: Arc::new(given_up), among: None };
        let (newest, ..) = publisher.exported(&wanted).await.unwrap();
        newest.map(|newest| newest.checkpoint)
    }

    fn seconds(seconds: i64) -> UnixMillis {
        START.saturating_add_ms(seconds * 1000)
    }

    #[tokio::test]
    async fn the_next_start_finds_the_published_checkpoint() {
        let (_data, settings) = settings();
        let mut publisher = Publisher::open(&settings, false, START).unwrap();
        assert_eq!(newest(&publisher, GivenUp::default()).await, None);
        let signed = publisher.sign(3, [9; 32], seconds(1)).unwrap();
        publisher.publish(&signed);
        publisher.finish().await;

        let next = Publisher::open(&settings, true, seconds(2)).unwrap();
        let found = newest(&next, GivenUp::default()).await.unwrap();
        assert_eq!((found.size, found.root), (3, [9; 32]));
        assert_eq!(found.origin, next.verifying_key().name());
        let mut given_up = GivenUp::default();
        given_up.add(&found, 2);
        assert_eq!(newest(&next, given_up).await, None);
    }

    #[tokio::test]
    async fn a_start_knows_the_last_checkpoint_without_any_sink() {
        let (_data, mut settings) = settings();
        settings.sinks.clear();
        let mut publisher = Publisher::open(&settings, false, START).unwrap();
        publisher.sign(3, [9; 32], seconds(1)).unwrap();
        let next = Publisher::open(&settings, true, seconds(2)).unwrap();
        assert_eq!(newest(&next, GivenUp::default()).await, publisher.last().cloned());
    }

    #[tokio::test]
    async fn foreign_checkpoints_matter_only_if_ours_are_nowhere() {
        let (data, settings) = settings();
        let file = data.path().join("shared");
        let elsewhere = PublisherSettings {
            folder: data.path().join("other"),
            sinks: vec![SinkAddress::File(file.clone())],
        };
        let mut other = Publisher::open(&elsewhere, false, START).unwrap();
        let signed = other.sign(7, [9; 32], seconds(1)).unwrap();
        other.publish(&signed);
        other.finish().await;

        let settings = PublisherSettings { sinks: vec![SinkAddress::File(file)], ..settings };
        let mut publisher = Publisher::open(&settings, false, START).unwrap();
        let shown = publisher.exported(&Wanted::default()).await;
        assert!(matches!(shown, Err(SinkError::Foreign { .. })));
        publisher.sign(3, [9; 32], seconds(1)).unwrap();
        let (newest, ..) = publisher.exported(&Wanted::default()).await.unwrap();
        assert_eq!(newest.map(|newest| newest.checkpoint.size), Some(3));
    }

    #[tokio::test]
    async fn a_checkpoint_that_cannot_be_kept_is_not_made() {
        let (data, settings) = settings();
        let mut publisher = Publisher::open(&settings, false, START).unwrap();
        fs::rename(&settings.folder, data.path().join("away")).unwrap();
        let signed = publisher.sign(3, [9; 32], seconds(1));
        assert!(matches!(signed, Err(SignError::Kept(KeyFileError::Io { .. }))));
        assert_eq!(publisher.last(), None);
    }

    #[tokio::test]
    async fn a_checkpoint_carries_the_mac_of_its_epoch() {
        let (_data, settings) = settings();
        let mut publisher = Publisher::open(&settings, false, START).unwrap();
        publisher.epoch.advance(seconds(16 * 60), &StoredNotes::default()).unwrap();
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
        // The epoch key cannot replace a folder.
        let (file, away) = (settings.folder.join("epoch.toml"), data.path().join("away"));
        fs::rename(&file, &away).unwrap();
        fs::create_dir_all(file.join("taken")).unwrap();
        for (minutes, epoch) in [(14, Some(0)), (29, Some(0)), (31, None), (600, None)] {
            let at = seconds(60 * minutes);
            let advanced = publisher.epoch.advance(at, &StoredNotes::default()).is_ok();
            assert_eq!(advanced, minutes < 15);
            let signed = publisher.sign(3, [9; 32], at);
            assert_eq!(signed.ok().map(|signed| signed.epoch), epoch, "{minutes}");
        }
        fs::remove_dir_all(&file).unwrap();
        fs::rename(&away, &file).unwrap();
        let at = seconds(60 * 31);
        publisher.epoch.advance(at, &StoredNotes::default()).unwrap();
        assert_eq!(publisher.sign(3, [9; 32], at).unwrap().epoch, 2);
    }
}
