//! Builds logs like those of the server, with the server's schema.

use data_encoding::HEXLOWER;
use fourauth_audit::{
    Checkpoint, EpochKey, Erasure, ErasureSigner, Frontier, Hash, Leaf, Note, Salt, SigningKey,
    VerifyingKey, epoch::text_hash, leaf,
};
use fourauth_audit_verify::{Kind, Options, Report, verify};
use rusqlite::{Connection, ToSql, params};
use serde_json::json;
use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
    fs,
    path::PathBuf,
};

pub(crate) const ORIGIN: &str = "fourauth/00112233aabbccdd";

const SCHEMA: [&str; 2] = [
    include_str!("../../../../migrations/sqlite/0001_accounts.sql"),
    include_str!("../../../../migrations/sqlite/0004_evidence.sql"),
];

/// 2026-11-21T10:00:00Z.
const BEGIN: u64 = 36_000;

/// First key of the epochs.
pub(crate) const FIRST_KEY: [u8; 32] = [3; 32];

/// A log and the files of its auditor.
pub(crate) struct Log {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) database: Connection,
    tree: RefCell<Frontier>,
    ends: RefCell<HashMap<String, (i64, Hash)>>,
    pub(crate) epoch: RefCell<EpochKey>,
    /// The last checkpoint of the epoch, by its text.
    last: RefCell<Option<Hash>>,
    /// Rows of erasures that the operator told the auditor about.
    erasures: RefCell<BTreeSet<i64>>,
    pub(crate) key: SigningKey,
}

/// The instant `seconds` after the log began.
pub(crate) fn at(seconds: u64) -> String {
    let of_day = BEGIN + seconds;
    let (hours, minutes, seconds) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("2026-11-21T{hours:02}:{minutes:02}:{seconds:02}.5Z")
}

impl Log {
    /// A log without rows.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Connection::open(folder.path().join("users.db")).unwrap();
        let mode: String =
            database.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
        // The tests need no durability.
        database.execute_batch("PRAGMA synchronous = OFF").unwrap();
        for sql in SCHEMA {
            database.execute_batch(sql).unwrap();
        }
        Self {
            folder,
            database,
            tree: RefCell::default(),
            ends: RefCell::default(),
            epoch: RefCell::new(EpochKey::new(0, FIRST_KEY)),
            last: RefCell::default(),
            erasures: RefCell::default(),
            key: SigningKey::from_seed(&[1; 32]).unwrap(),
        }
    }

    /// A log of `rows` rows, one a second, with a checkpoint after every tenth row and at the end.
    pub(crate) fn of(rows: u64) -> Self {
        let log = Self::empty();
        for row in 1..=rows {
            log.append(row, Some(&format!("person-{}", row % 7)), "login", "ok");
            if row % 10 == 0 || row == rows {
                log.sign(row);
            }
        }
        log
    }

    pub(crate) fn run(&self, sql: &str, values: &[&dyn ToSql]) -> usize {
        self.database.execute(sql, values).unwrap()
    }

    /// Appends a row of the node `self` and returns its id.
    pub(crate) fn append(
        &self,
        seconds: u64,
        name: Option<&str>,
        action: &str,
        detail: &str,
    ) -> i64 {
        self.append_by("self", seconds, name, action, detail)
    }

    pub(crate) fn append_by(
        &self,
        node: &str,
        seconds: u64,
        name: Option<&str>,
        action: &str,
        detail: &str,
    ) -> i64 {
        const ROW: &str = "INSERT INTO access_logs (ts_utc, username, action, success, detail) \
                           VALUES (?, ?, ?, 1, ?)";

        let ts_utc = at(seconds);
        self.run(ROW, params![ts_utc, name, action, detail]);
        let id = self.database.last_insert_rowid();
        self.seal(id, node);
        id
    }

    /// Makes the leaf of a row.
    pub(crate) fn seal(&self, id: i64, node: &str) {
        const LEAF: &str = "INSERT INTO audit_leaf \
             (log_id, node, node_seq, leaf_hash, salt, position) VALUES (?, ?, ?, ?, ?, ?)";
        const END: &str = "INSERT OR REPLACE INTO audit_node VALUES (?, ?, ?)";

        let (hash, node_seq, salt) = self.leaf(id, node);
        let position = i64::try_from(self.tree.borrow().size()).unwrap();
        self.run(LEAF, params![id, node, node_seq, hash, salt, position]);
        self.run(END, params![node, node_seq, hash]);
        self.ends.borrow_mut().insert(node.to_owned(), (node_seq, hash));
        self.grow(hash);
    }

    fn leaf(&self, id: i64, node: &str) -> (Hash, i64, Salt) {
        const ROW: &str = "SELECT ts_utc, username, action, success, detail FROM access_logs \
                           WHERE id = ?";

        let salt: Salt = std::array::from_fn(|at| id.to_le_bytes()[at % 8]);
        let (newest, previous) = self.ends.borrow().get(node).copied().unwrap_or((0, leaf::FIRST));
        let row = |row: &rusqlite::Row<'_>| {
            let (ts_utc, name): (String, Option<String>) = (row.get(0)?, row.get(1)?);
            let (action, success, detail): (String, bool, String) =
                (row.get(2)?, row.get(3)?, row.get(4)?);
            let sealed = Leaf {
                id,
                ts_utc: &ts_utc,
                name: name.as_deref().map(|name| leaf::name_hash(&salt, name)),
                action: &action,
                success,
                detail: leaf::detail_hash(&salt, &detail),
                node,
                node_seq: newest + 1,
                previous,
            };
            Ok(sealed.hash())
        };
        (self.database.query_row(ROW, [id], row).unwrap(), newest + 1, salt)
    }

    fn grow(&self, hash: Hash) {
        let mut tree = self.tree.borrow_mut();
        tree.push(hash);
        for level in [8, 16] {
            if let Some(hash) = tree.perfect(level) {
                let number = i64::try_from((tree.size() >> level) - 1).unwrap();
                self.run("INSERT INTO audit_tile VALUES (?, ?, ?)", params![level, number, hash]);
            }
        }
        let size = i64::try_from(tree.size()).unwrap();
        let values = params![size, tree.to_bytes()];
        self.run("UPDATE audit_tree SET size = ?, frontier = ?", values);
    }

    /// Signs the tree, and stores and exports the checkpoint.
    pub(crate) fn sign(&self, seconds: u64) -> String {
        while self.epoch.borrow().number < seconds / 900 {
            let next = self.epoch.borrow().clone().next(self.last.take().as_ref());
            self.epoch.replace(next);
        }
        let note = self.sign_with(seconds, &self.key);
        let file = self.exported();
        let text = fs::read_to_string(&file).unwrap_or_default() + &note;
        fs::write(file, text).unwrap();
        note
    }

    /// Signs the tree and stores the checkpoint, without exporting it.
    pub(crate) fn sign_with(&self, seconds: u64, key: &SigningKey) -> String {
        let (tree, epoch) = (self.tree.borrow(), self.epoch.borrow());
        let (size, root) = (tree.size(), tree.root());
        let (origin, at) = (ORIGIN.to_owned(), at(seconds));
        let signed = Checkpoint { origin, size, root, at, epoch: epoch.number };
        let note = signed.sign(key, Some(&epoch));
        self.last.replace(Some(text_hash(Note::parse(&note).unwrap().text())));
        let size = i64::try_from(size).unwrap();
        let values = params![size, signed.at, i64::try_from(epoch.number).unwrap(), note];
        self.run("INSERT OR REPLACE INTO audit_checkpoint VALUES (?, ?, ?, ?)", values);
        note
    }

    /// Erases a name, as a server does that has no key to sign the erasure with.
    pub(crate) fn erase(&self, seconds: u64, name: &str) -> i64 {
        let told = self.erase_with(seconds, name, None);
        self.erasures.borrow_mut().insert(told);
        told
    }

    /// Erases a name, as the server does, without the auditor knowing of it.
    pub(crate) fn erase_with(
        &self,
        seconds: u64,
        name: &str,
        signer: Option<&ErasureSigner>,
    ) -> i64 {
        let mut found = self
            .database
            .prepare(
                "SELECT a.id, l.leaf_hash FROM access_logs a \
             JOIN audit_leaf l ON l.log_id = a.id WHERE a.username = ? ORDER BY a.id",
            )
            .unwrap();
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let rows: Vec<(i64, Hash)> =
            found.query_map([name], read).unwrap().collect::<Result<_, _>>().unwrap();
        let detail = format!("{} by=console", Erasure::of(&rows).detail(signer));
        let told = self.append(seconds, None, "erase_audit", &detail);
        for (id, _) in rows {
            self.erase_row(id, name, told);
        }
        told
    }

    pub(crate) fn erase_row(&self, id: i64, name: &str, told: i64) {
        const LEAF: &str = "UPDATE audit_leaf SET salt = NULL, name_hash = ?, detail_hash = ?, \
                            erased_by = ? WHERE log_id = ?";
        const ROW: &str = "UPDATE access_logs SET username = NULL, detail = '' WHERE id = ?";

        let salt: Salt = std::array::from_fn(|at| id.to_le_bytes()[at % 8]);
        let (name, detail) = (leaf::name_hash(&salt, name), leaf::detail_hash(&salt, "ok"));
        self.run(LEAF, params![name, detail, told, id]);
        self.run(ROW, params![id]);
    }

    /// Truncates the log to `size` rows, as an older backup would.
    pub(crate) fn set_back_to(&self, size: u64) {
        let limit = i64::try_from(size).unwrap();
        self.run("DELETE FROM access_logs WHERE id > ?", params![limit]);
        self.run("DELETE FROM audit_leaf WHERE position >= ?", params![limit]);
        self.run("DELETE FROM audit_checkpoint WHERE size > ?", params![limit]);
        self.run("DELETE FROM audit_tile", params![]);
        self.run("DELETE FROM audit_node", params![]);
        self.run("UPDATE sqlite_sequence SET seq = ? WHERE name = 'access_logs'", params![limit]);
        self.tree.replace(Frontier::default());
        self.ends.borrow_mut().clear();
        let mut leaves = self
            .database
            .prepare("SELECT node, node_seq, leaf_hash FROM audit_leaf ORDER BY position")
            .unwrap();
        let mut rows = leaves.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let (node, seq, hash): (String, i64, Hash) =
                (row.get(0).unwrap(), row.get(1).unwrap(), row.get(2).unwrap());
            let values = params![node, seq, hash];
            self.run("INSERT OR REPLACE INTO audit_node VALUES (?, ?, ?)", values);
            self.ends.borrow_mut().insert(node, (seq, hash));
            self.grow(hash);
        }
        if size == 0 {
            self.run("UPDATE audit_tree SET size = 0, frontier = x''", params![]);
        }
    }

    /// Records a rollback that gives up a lost checkpoint.
    pub(crate) fn accept_rollback(&self, seconds: u64, note: &str) -> (i64, u64) {
        let lost = Checkpoint::open(note, &self.verifying_key()).unwrap();
        let root = HEXLOWER.encode(&lost.root);
        let detail = format!("size={} root={root} by=console", lost.size);
        let row = self.append(seconds, None, "accept_rollback", &detail);
        let values = params![i64::try_from(lost.size).unwrap(), note, row];
        self.run("INSERT INTO audit_rollback VALUES (?, ?, ?)", values);
        (row, lost.size)
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("users.db")
    }

    pub(crate) fn exported(&self) -> PathBuf {
        self.folder.path().join("checkpoints.log")
    }

    pub(crate) fn verifying_key(&self) -> VerifyingKey {
        self.key.verifying_key(ORIGIN).unwrap()
    }

    /// The options of the auditor of this log.
    pub(crate) fn options(&self) -> Options {
        let exported = Some(self.exported()).filter(|file| file.exists());
        Options {
            key: SigningKey::from_seed(&[1; 32]).unwrap().verifying_key(ORIGIN).unwrap(),
            checkpoints: exported.into_iter().collect(),
            epoch_keys: vec![EpochKey::new(0, FIRST_KEY)],
            handovers: Vec::new(),
            accepted: BTreeSet::new(),
            erasures: self.erasures.borrow().clone(),
            signed_erasures: false,
            clock_steps: BTreeSet::new(),
            late: Vec::new(),
        }
    }

    pub(crate) fn report(&self) -> Report {
        verify(&self.file(), &self.options()).unwrap()
    }

    /// The kinds of findings without notes, each once.
    pub(crate) fn found(&self) -> Vec<&'static str> {
        kinds(&self.report())
    }

    /// Writes an export as the server does.
    pub(crate) fn export(&self) -> PathBuf {
        let mut lines = vec![
            json!({ "fourauth_audit": 1, "origin": ORIGIN, "vkey": self.verifying_key().to_string() })
                .to_string(),
        ];
        lines.extend(self.lines(
            "SELECT json_object('position', l.position, 'id', a.id, 'ts_utc', a.ts_utc, \
             'username', a.username, 'action', a.action, \
             'success', json(iif(a.success, 'true', 'false')), 'detail', a.detail, \
             'node', l.node, 'node_seq', l.node_seq, 'salt', lower(hex(l.salt)), \
             'leaf_hash', lower(hex(l.leaf_hash)), 'erased_by', l.erased_by, \
             'name_hash', lower(hex(l.name_hash)), 'detail_hash', lower(hex(l.detail_hash))) \
             FROM audit_leaf l JOIN access_logs a ON a.id = l.log_id ORDER BY l.position",
        ));
        let rows = lines.len() - 1;
        lines.extend(
            self.lines(
                "SELECT json_object('checkpoint', note) FROM audit_checkpoint ORDER BY size",
            ),
        );
        let checkpoints = lines.len() - 1 - rows;
        lines.extend(
            self.lines(
                "SELECT json_object('rollback', note, 'log_id', log_id) FROM audit_rollback",
            ),
        );
        lines.push(json!({ "end": { "rows": rows, "checkpoints": checkpoints } }).to_string());
        let file = self.folder.path().join("export.jsonl");
        // SQLite's hex of null is ''; the export has null.
        let text = lines.join("\n").replace(":\"\",\"leaf_hash\"", ":null,\"leaf_hash\"");
        let text = text.replace("_hash\":\"\"", "_hash\":null");
        fs::write(&file, text + "\n").unwrap();
        file
    }

    fn lines(&self, sql: &str) -> Vec<String> {
        let mut statement = self.database.prepare(sql).unwrap();
        let lines = statement.query_map([], |row| row.get(0)).unwrap();
        lines.collect::<Result<_, _>>().unwrap()
    }
}

pub(crate) fn kinds(report: &Report) -> Vec<&'static str> {
    let kinds: BTreeSet<Kind> = report.counts.keys().copied().collect();
    kinds.into_iter().filter(|kind| !kind.is_note()).map(Kind::name).collect()
}
