//! A log as a server writes it: logins, erasures, a restored backup, rows from before the upgrade,
//! rows of other servers; and the checkpoints exported from it.

use super::{peer::Peer, signer::Signer};
use crate::{chance::Chance, disk::people};
use anyhow::{Context as _, ensure};
use data_encoding::HEXLOWER;
use fourauth_audit::{Checkpoint, Frontier, checkpoint::parse_all, note::signature_line};
use fourauth_audit_verify::Options;
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{
    AuditEntry, ErasedBy, ErasedRows, Error, Location, SignedCheckpoint, Store, Tx,
};
use rusqlite::{Connection, params};
use std::{
    collections::BTreeSet, fs, io::Write as _, ops::RangeInclusive, path::PathBuf, sync::Arc,
};
use tempfile::TempDir;

/// 2025-03-01T12:00:00Z.
const BEGIN: UnixMillis = UnixMillis(1_740_830_400_000);

/// A memory file system, where syncs are fast, on systems that have one.
const MEMORY: &str = "/dev/shm";

const NAMES: usize = 12;

/// A log and what its auditor knows. No file is open.
pub(super) struct Log {
    folder: TempDir,
    pub(super) signer: Signer,
    now: UnixMillis,
    /// Sizes of checkpoints that the operator told the auditor were lost.
    accepted: Vec<u64>,
    /// Rows of unsigned erasures that the operator told the auditor about.
    erasures: Vec<i64>,
    /// Rows that were not signed before a backup was made, which the operator told the auditor about.
    late: Vec<RangeInclusive<i64>>,
    /// Size of the largest exported tree that this log still contains.
    pub(super) exported_to: u64,
    /// Note of that tree.
    newest: Option<String>,
    /// Size of the tree in the older copy.
    copied: u64,
    /// True if the newest rows were left unsigned when others followed.
    is_behind: bool,
}

impl Log {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            folder: tempfile::tempdir_in(MEMORY).or_else(|_| tempfile::tempdir())?,
            signer: Signer::new(1, BEGIN)?,
            now: BEGIN,
            accepted: Vec::new(),
            erasures: Vec::new(),
            late: Vec::new(),
            exported_to: 0,
            newest: None,
            copied: 0,
            is_behind: false,
        })
    }

    /// A log without rows.
    pub(super) async fn empty() -> anyhow::Result<Self> {
        let log = Self::new()?;
        log.open().await?.close().await;
        Ok(log)
    }

    /// Grows a log of random content.
    pub(super) async fn grow(chance: &mut Chance) -> anyhow::Result<Self> {
        let mut log = Self::new()?;
        let rows = chance.below(301);
        if chance.below(4) == 0 {
            log.begin_with_old_rows(chance).await?;
        }
        log.live(rows / 2, chance).await?;
        log.keep_a_copy().await?;
        log.live(rows - rows / 2, chance).await?;
        if chance.below(8) == 0 && log.exported_to > 0 {
            log.restore_the_copy(chance).await?;
        }
        if chance.below(4) == 0 {
            log.grow_elsewhere(chance).await?;
        }
        log.litter(chance)?;
        log.tell_of_erasures()?;
        Ok(log)
    }

    /// The operator tells the auditor of every erasure so far that is not signed.
    fn tell_of_erasures(&mut self) -> anyhow::Result<()> {
        let database = Connection::open(self.database())?;
        let mut rows = database.prepare(
            "SELECT id FROM access_logs \
             WHERE action = 'erase_audit' AND detail NOT LIKE '% signature=%'",
        )?;
        let rows = rows.query_map([], |row| row.get(0))?;
        self.erasures = rows.collect::<Result<_, _>>()?;
        Ok(())
    }

    /// Other programs write to the collector's file as well: text, checkpoints of other keys, line
    /// ends of another system, signatures of witnesses.
    fn litter(&self, chance: &mut Chance) -> anyhow::Result<()> {
        let Ok(text) = fs::read_to_string(self.exported()) else { return Ok(()) };
        let stranger = Signer::new(2, BEGIN)?.sign_again(&Frontier::default(), &BEGIN.to_string());
        let mut all = String::new();
        for note in parse_all(&text).0 {
            match chance.below(12) {
                0 => all += "collector restarted\n",
                1 => all += &stranger.note,
                2 => all += &note.replace('\n', "\r\n"),
                3 => all.extend([note.clone(), signature_line("witness", [7; 4], &[1; 8])]),
                _ => {}
            }
            all += &note;
        }
        Ok(fs::write(self.exported(), all)?)
    }

    /// When the log began.
    pub(super) const fn begin() -> UnixMillis {
        BEGIN
    }

    /// The time of the newest row.
    pub(super) const fn now(&self) -> UnixMillis {
        self.now
    }

    pub(super) fn database(&self) -> PathBuf {
        self.folder.path().join("users.db")
    }

    pub(super) fn exported(&self) -> PathBuf {
        self.folder.path().join("checkpoints.log")
    }

    pub(super) fn older_copy(&self) -> PathBuf {
        self.folder.path().join("backup.db")
    }

    /// What the auditor knows.
    pub(super) fn options(&self) -> Options {
        // The file is missing if nothing was exported.
        let exported = Some(self.exported()).filter(|file| file.exists());
        Options {
            key: self.signer.verifying_key(),
            checkpoints: exported.into_iter().collect(),
            epoch_keys: self.signer.first_epoch_keys(),
            handovers: Vec::new(),
            accepted: self.accepted.iter().copied().collect(),
            erasures: self.erasures.iter().copied().collect(),
            signed_erasures: true,
            clock_steps: BTreeSet::new(),
            late: self.late.clone(),
        }
    }

    async fn open(&self) -> anyhow::Result<Store> {
        let location = Location::Sqlite(self.database());
        let keyring = Arc::new(people::keyring());
        Ok(Store::open(&location, keyring).await?)
    }

    /// Writes `rows` rows in several commits, with checkpoints in between and an occasional
    /// erasure.
    async fn live(&mut self, mut rows: usize, chance: &mut Chance) -> anyhow::Result<()> {
        let store = self.open().await?;
        while rows > 0 {
            let at_once = (1 + chance.below(40)).min(rows);
            rows -= at_once;
            let entries: Vec<_> = (0..at_once).map(|_| self.entry(chance)).collect();
            store.write(|tx| Box::pin(append(tx, entries))).await?;
            if chance.below(5) == 0 {
                self.erase(&store, chance).await?;
            }
            // Not twice in a row: a server signs rows before they are older than an epoch.
            if chance.below(10) < 7 || self.is_behind {
                self.sign(&store).await?;
            } else {
                self.is_behind = true;
            }
            self.now = self.now.saturating_add_ms(millis(400_000, chance));
        }
        if chance.below(10) < 8 {
            self.sign(&store).await?;
        }
        store.close().await;
        Ok(())
    }

    fn entry(&mut self, chance: &mut Chance) -> AuditEntry {
        self.now = self.now.saturating_add_ms(millis(3000, chance));
        let username = (chance.below(10) > 0).then(|| name(chance));
        let action = ["login", "register", "recover_totp", "read_audit"][chance.below(4)];
        let detail = ["ok", "wrong password", "Gesicht: \u{e4}hnlich 0.71", ""][chance.below(4)];
        let success = chance.below(3) > 0;
        AuditEntry { at: self.now, username, action, success, detail: detail.to_owned() }
    }

    async fn erase(&self, store: &Store, chance: &mut Chance) -> anyhow::Result<()> {
        let (name, at) = (name(chance), self.now);
        let signer = match chance.below(2) {
            0 => None,
            _ => Some(Arc::new(self.signer.of_erasures()?)),
        };
        let by = ErasedBy { by: "console".to_owned(), signer };
        let erased = store
            .write(move |tx| Box::pin(async move { tx.erase_audit_rows(&name, at, &by).await }));
        let erased: Result<ErasedRows, Error> = erased.await;
        erased?;
        Ok(())
    }

    /// Signs the tree and exports the checkpoint.
    async fn sign(&mut self, store: &Store) -> anyhow::Result<()> {
        let tree = store.tree_head().await?.frontier;
        if tree.size() == 0 {
            return Ok(());
        }
        let signed = self.signer.sign(&tree, self.now)?;
        let (vkey, kept) = (self.signer.verifying_key().to_string(), signed.clone());
        let noted = store.write(move |tx| {
            Box::pin(async move {
                tx.claim_log(&vkey).await?;
                tx.note_checkpoint(&kept).await
            })
        });
        let is_new: Result<bool, Error> = noted.await;
        self.is_behind = false;
        if is_new? {
            self.signer.stored(&signed.note)?;
            self.export(&signed.note)?;
            self.exported_to = signed.size;
            self.newest = Some(signed.note);
        }
        Ok(())
    }

    /// Signs a tree that another program has written, and exports the checkpoint.
    pub(super) fn sign_tree(
        &mut self,
        tree: &Frontier,
        now: UnixMillis,
    ) -> anyhow::Result<SignedCheckpoint> {
        let signed = self.signer.sign(tree, now)?;
        self.signer.stored(&signed.note)?;
        self.export(&signed.note)?;
        Ok(signed)
    }

    fn export(&self, note: &str) -> anyhow::Result<()> {
        let mut file = fs::File::options().create(true).append(true).open(self.exported())?;
        Ok(file.write_all(note.as_bytes())?)
    }

    /// Starts like a database written by 4Auth: rows, and no leaves.
    async fn begin_with_old_rows(&self, chance: &mut Chance) -> anyhow::Result<()> {
        const ROW: &str = "INSERT INTO access_logs (ts_utc, username, action, success, detail) \
                           VALUES (?, ?, '100', 1, 'ok')";
        const OLD: &str = "UPDATE audit_tree SET legacy_to = \
                           (SELECT COALESCE(MAX(id), 0) FROM access_logs)";

        self.open().await?.close().await;
        let database = Connection::open(self.database())?;
        for second in 0..chance.below(30) {
            let ts_utc = format!("2019-03-01T12:00:{second:02}.123456+00:00");
            database.execute(ROW, params![ts_utc, name(chance)])?;
        }
        database.execute(OLD, [])?;
        Ok(())
    }

    async fn keep_a_copy(&mut self) -> anyhow::Result<()> {
        let store = self.open().await?;
        self.copied = store.tree_size().await?;
        store.close().await;
        ensure!(
            !journal(&self.database()).exists(),
            "the store left its journal after it was closed"
        );
        fs::copy(self.database(), self.older_copy())?;
        Ok(())
    }

    /// The operator restores a backup, accepts the rollback, and continues.
    async fn restore_the_copy(&mut self, chance: &mut Chance) -> anyhow::Result<()> {
        fs::copy(self.older_copy(), self.database())?;
        self.late.extend(self.unsigned()?);
        let store = self.open().await?;
        let note = self.newest.clone().context("no checkpoint was exported")?;
        let lost = Checkpoint::open(&note, &self.signer.verifying_key())?;
        if store.root_at(lost.size).await? == Some(lost.root) {
            // A start stores the checkpoint that was signed last if the database lacks it.
            let Checkpoint { size, at: ts_utc, epoch, .. } = lost;
            let kept = SignedCheckpoint { size, ts_utc, epoch, note };
            let again =
                store.write(move |tx| Box::pin(async move { tx.note_checkpoint(&kept).await }));
            let _is_new: Result<bool, Error> = again.await;
        } else {
            self.now = self.now.saturating_add_ms(1000);
            let entry = AuditEntry {
                at: self.now,
                username: None,
                action: "accept_rollback",
                success: true,
                detail: format!("size={} root={}", lost.size, HEXLOWER.encode(&lost.root)),
            };
            let (size, note) = (lost.size, note.clone());
            store
                .write(move |tx| {
                    Box::pin(async move { tx.accept_rollback(size, &note, &entry).await })
                })
                .await?;
            self.accepted.push(size);
            self.exported_to = 0;
            self.now = self.now.saturating_add_ms(1000);
            let has_checkpoints = store.newest_checkpoint().await?.is_some();
            self.signer.begin_again(self.now, has_checkpoints);
            self.sign(&store).await?;
        }
        store.close().await;
        self.live(chance.below(60), chance).await
    }

    /// The ids of the rows that no checkpoint of the log covers, from the first to the last.
    fn unsigned(&self) -> anyhow::Result<Option<RangeInclusive<i64>>> {
        const ENDS: &str = "SELECT MIN(log_id), MAX(log_id) FROM audit_leaf WHERE position >= \
             (SELECT COALESCE(MAX(size), 0) FROM audit_checkpoint)";

        let ends = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let database = Connection::open(self.database())?;
        let (first, last): (Option<i64>, Option<i64>) = database.query_row(ENDS, [], ends)?;
        Ok(first.zip(last).map(|(first, last)| first..=last))
    }

    /// Two other servers write, and then this one again.
    async fn grow_elsewhere(&mut self, chance: &mut Chance) -> anyhow::Result<()> {
        let mut peer = Peer::open(&self.database())?;
        for _ in 0..=chance.below(40) {
            let entry = self.entry(chance);
            peer.append(["host-a", "host-b"][chance.below(2)], &entry)?;
        }
        peer.close()?;
        let store = self.open().await?;
        self.sign(&store).await?;
        store.close().await;
        self.live(chance.below(20), chance).await
    }

    /// Note of the largest exported tree.
    pub(super) fn newest(&self) -> Option<&str> {
        self.newest.as_deref()
    }

    /// True if the older copy lacks something exported, and no rollback was accepted.
    pub(super) const fn has_telling_copy(&self) -> bool {
        self.accepted.is_empty() && self.copied < self.exported_to
    }
}

async fn append(tx: &mut Tx, entries: Vec<AuditEntry>) -> Result<(), Error> {
    for entry in &entries {
        tx.append(entry).await?;
    }
    Ok(())
}

/// A random number below `bound`.
fn millis(bound: usize, chance: &mut Chance) -> i64 {
    i64::try_from(chance.below(bound)).unwrap_or(0)
}

fn name(chance: &mut Chance) -> String {
    format!("person-{}", chance.below(NAMES))
}

pub(super) fn journal(database: &std::path::Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push("-wal");
    path.into()
}
