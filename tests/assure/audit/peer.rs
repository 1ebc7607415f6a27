//! Writes leaves without the store: as another server that shares the database does, or to make a
//! changed log consistent again, as an attacker with the machine's keys can.

use super::signer::Signer;
use anyhow::Context as _;
use fourauth_audit::{Frontier, Hash, Leaf, Salt, leaf};
use fourauth_store::AuditEntry;
use rusqlite::{Connection, OptionalExtension as _, params};
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, path::Path};

/// The hashes of every eighth level of the tree are stored.
const STEP: u32 = 8;

/// A connection with an open transaction, and the current tree.
pub(super) struct Peer {
    database: Connection,
    tree: Frontier,
}

/// A row to be hashed.
struct Entry {
    id: i64,
    ts_utc: String,
    username: Option<String>,
    action: String,
    success: bool,
    detail: String,
}

/// The rest of what goes into the leaf.
#[derive(Clone, Copy)]
enum Kept {
    Salt(Salt),
    Hashes(Option<Hash>, Hash),
}

impl Peer {
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        const TREE: &str = "SELECT size, frontier FROM audit_tree";

        let database = Connection::open(path)?;
        database.execute_batch("PRAGMA synchronous = OFF; BEGIN IMMEDIATE")?;
        let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?));
        let (size, frontier) = database.query_row(TREE, [], read)?;
        let tree = Frontier::from_bytes(size.try_into()?, &frontier)
            .context("audit_tree: the frontier is not valid")?;
        Ok(Self { database, tree })
    }

    pub(super) fn close(self) -> anyhow::Result<()> {
        self.keep_tree()?;
        self.database.execute_batch("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)")?;
        Ok(self.database.close().map_err(|(_, error)| error)?)
    }

    pub(super) const fn tree(&self) -> &Frontier {
        &self.tree
    }

    /// Appends a row and its leaf on behalf of `node`.
    pub(super) fn append(&mut self, node: &str, entry: &AuditEntry) -> anyhow::Result<i64> {
        const ROW: &str = "INSERT INTO access_logs (ts_utc, username, action, success, detail) \
                           VALUES (?, ?, ?, ?, ?)";
        const LEAF: &str = "INSERT INTO audit_leaf \
             (log_id, node, node_seq, leaf_hash, salt, position) VALUES (?, ?, ?, ?, ?, ?)";

        let AuditEntry { at, username, action, success, detail } = entry.clone();
        let (ts_utc, action) = (at.to_string(), action.to_owned());
        let mut row = self.database.prepare_cached(ROW)?;
        row.execute(params![ts_utc, username, action, success, detail])?;
        let id = self.database.last_insert_rowid();
        let entry = Entry { id, ts_utc, username, action, success, detail };
        let (newest, previous) = self.end(node)?;
        let salt = salt(id);
        let hash = entry.leaf(node, newest + 1, previous, Kept::Salt(salt));
        let position = i64::try_from(self.tree.size())?;
        let mut leaf = self.database.prepare_cached(LEAF)?;
        leaf.execute(params![id, node, newest + 1, hash, salt, position])?;
        drop((row, leaf));
        self.keep_end(node, newest + 1, hash)?;
        self.grow(hash)?;
        Ok(id)
    }

    /// Erases a row as the server does, under the row `by`.
    pub(super) fn erase(&self, id: i64, by: i64) -> anyhow::Result<()> {
        const ROW: &str = "SELECT a.username, a.detail, l.salt FROM audit_leaf l \
                           JOIN access_logs a ON a.id = l.log_id WHERE a.id = ?";
        const LEAF: &str = "UPDATE audit_leaf SET salt = NULL, name_hash = ?, detail_hash = ?, \
                            erased_by = ? WHERE log_id = ?";
        const TEXT: &str = "UPDATE access_logs SET username = NULL, detail = '' WHERE id = ?";

        let (name, detail) = self.database.query_row(ROW, [id], |row| {
            let (name, detail): (Option<String>, String) = (row.get(0)?, row.get(1)?);
            let salt: Salt = row.get(2)?;
            let name = name.map(|name| leaf::name_hash(&salt, &name));
            Ok((name, leaf::detail_hash(&salt, &detail)))
        })?;
        self.database.execute(LEAF, params![name, detail, by, id])?;
        self.database.execute(TEXT, [id])?;
        Ok(())
    }

    fn end(&self, node: &str) -> anyhow::Result<(i64, Hash)> {
        const END: &str = "SELECT node_seq, leaf_hash FROM audit_node WHERE node = ?";

        let mut end = self.database.prepare_cached(END)?;
        let end = end.query_row([node], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        Ok(end.unwrap_or((0, leaf::FIRST)))
    }

    fn keep_end(&self, node: &str, newest: i64, hash: Hash) -> anyhow::Result<()> {
        const END: &str = "INSERT OR REPLACE INTO audit_node VALUES (?, ?, ?)";

        self.database.prepare_cached(END)?.execute(params![node, newest, hash])?;
        Ok(())
    }

    fn grow(&mut self, hash: Hash) -> anyhow::Result<()> {
        const TILE: &str = "INSERT INTO audit_tile VALUES (?, ?, ?)";

        self.tree.push(hash);
        for level in (STEP..u64::BITS).step_by(STEP as usize) {
            let Some(hash) = self.tree.perfect(level) else { return Ok(()) };
            let number = i64::try_from((self.tree.size() >> level) - 1)?;
            self.database.prepare_cached(TILE)?.execute(params![level, number, hash])?;
        }
        Ok(())
    }

    fn keep_tree(&self) -> anyhow::Result<()> {
        const TREE: &str = "UPDATE audit_tree SET size = ?, frontier = ?";

        let size = i64::try_from(self.tree.size())?;
        self.database.execute(TREE, params![size, self.tree.to_bytes()])?;
        Ok(())
    }

    /// Stores a checkpoint of the current tree.
    pub(super) fn note(&self, signed: &fourauth_store::SignedCheckpoint) -> anyhow::Result<()> {
        const NOTE: &str = "INSERT OR REPLACE INTO audit_checkpoint VALUES (?, ?, ?, ?)";

        let (size, epoch) = (i64::try_from(signed.size)?, i64::try_from(signed.epoch)?);
        self.database.execute(NOTE, params![size, signed.ts_utc, epoch, signed.note])?;
        Ok(())
    }

    /// Recomputes leaves, chains, tiles and the tree from the current rows, and signs every
    /// remaining checkpoint again.
    pub(super) fn make_whole(&mut self, signer: &Signer) -> anyhow::Result<()> {
        self.rebuild(Some(signer))?;
        let vkey = signer.verifying_key().to_string();
        self.database.execute("UPDATE audit_tree SET vkey = ?", [vkey])?;
        Ok(())
    }

    /// The same without a key: the checkpoints from `size` on are deleted, the others stay.
    pub(super) fn make_whole_unsigned(&mut self, size: usize) -> anyhow::Result<()> {
        let size = i64::try_from(size)?;
        self.database.execute("DELETE FROM audit_checkpoint WHERE size > ?", [size])?;
        self.rebuild(None)
    }

    fn rebuild(&mut self, signer: Option<&Signer>) -> anyhow::Result<()> {
        self.database.execute_batch("DELETE FROM audit_node; DELETE FROM audit_tile")?;
        self.database.execute("UPDATE audit_leaf SET position = -1 - position", [])?;
        self.database.execute("UPDATE audit_leaf SET node_seq = -node_seq", [])?;
        self.tree = Frontier::default();
        let checkpoints = self.checkpoints()?;
        for (entry, node, kept) in self.entries()? {
            let (newest, previous) = self.end(&node)?;
            let hash = entry.leaf(&node, newest + 1, previous, kept);
            self.replace(entry.id, newest + 1, hash)?;
            self.keep_end(&node, newest + 1, hash)?;
            self.grow(hash)?;
            if let (Some(signer), Some(ts_utc)) = (signer, checkpoints.get(&self.tree.size())) {
                self.note(&signer.sign_again(&self.tree, ts_utc))?;
            }
        }
        let size = i64::try_from(self.tree.size())?;
        self.database.execute("DELETE FROM audit_checkpoint WHERE size > ?", [size])?;
        Ok(())
    }

    fn replace(&self, id: i64, node_seq: i64, hash: Hash) -> anyhow::Result<()> {
        const LEAF: &str = "UPDATE audit_leaf SET node_seq = ?, leaf_hash = ?, position = ? \
                            WHERE log_id = ?";

        let position = i64::try_from(self.tree.size())?;
        let mut leaf = self.database.prepare_cached(LEAF)?;
        leaf.execute(params![node_seq, hash, position, id])?;
        Ok(())
    }

    fn checkpoints(&self) -> anyhow::Result<BTreeMap<u64, String>> {
        let mut kept = self.database.prepare("SELECT size, ts_utc FROM audit_checkpoint")?;
        let kept = kept.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))?;
        let signed = |row: rusqlite::Result<(i64, String)>| {
            let (size, at) = row?;
            Ok((u64::try_from(size)?, at))
        };
        kept.map(signed).collect()
    }

    /// Rows in the order of the tree. Their positions have been negated.
    fn entries(&self) -> anyhow::Result<Vec<(Entry, String, Kept)>> {
        const ALL: &str = "SELECT a.id, a.ts_utc, a.username, a.action, a.success, a.detail, \
             l.node, l.salt, l.name_hash, l.detail_hash FROM audit_leaf l \
             JOIN access_logs a ON a.id = l.log_id ORDER BY l.position DESC";

        let mut all = self.database.prepare(ALL)?;
        let all = all.query_map([], |row| {
            let entry = Entry {
                id: row.get(0)?,
                ts_utc: row.get(1)?,
                username: row.get(2)?,
                action: row.get(3)?,
                success: row.get(4)?,
                detail: row.get(5)?,
            };
            let kept = match row.get(7)? {
                Some(salt) => Kept::Salt(salt),
                None => Kept::Hashes(row.get(8)?, row.get(9)?),
            };
            Ok((entry, row.get(6)?, kept))
        })?;
        Ok(all.collect::<Result<_, _>>()?)
    }
}

impl Entry {
    fn leaf(&self, node: &str, node_seq: i64, previous: Hash, kept: Kept) -> Hash {
        let (name, detail) = match kept {
            Kept::Hashes(name, detail) => (name, detail),
            Kept::Salt(salt) => {
                let name = self.username.as_deref().map(|name| leaf::name_hash(&salt, name));
                (name, leaf::detail_hash(&salt, &self.detail))
            }
        };
        let Self { id, ts_utc, action, success, .. } = self;
        let (id, success) = (*id, *success);
        Leaf { id, ts_utc, name, action, success, detail, node, node_seq, previous }.hash()
    }
}

/// Different for each row, but not random: nothing here is secret.
fn salt(id: i64) -> Salt {
    let digest = <Hash>::from(Sha256::digest(id.to_be_bytes()));
    std::array::from_fn(|at| digest[at])
}
