//! Opens a database found after a power failure, as a server would, and reports what is wrong.
//!
//! Only the running script is known. The database's own audit log says which operations are in it,
//! and every other table must agree.

use super::{
    evidence, people,
    platter::Image,
    script::{Expected, Operation},
};
use anyhow::Context as _;
use fourauth_store::{AuditEntry, Keyring, Location, Store};
use sqlx::{
    ConnectOptions as _, Connection as _, Row as _, SqliteConnection, sqlite::SqliteConnectOptions,
};
use std::{
    collections::BTreeSet,
    fs::OpenOptions,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    sync::Arc,
};
use tempfile::TempDir;

/// Name of the database's file.
pub(crate) const DATABASE: &str = "a.db";

/// The parts that are the same for every database.
#[derive(Debug)]
pub(crate) struct Inquest {
    script: Vec<Operation>,
    keyring: Arc<Keyring>,
}

/// Result of examining one database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The operations that have rows in the log.
    pub(crate) operations: BTreeSet<usize>,
    pub(crate) wrong: Vec<Wrong>,
}

/// Possible faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wrong {
    /// A server would not start on it.
    NotOpened,
    /// SQLite's own check fails.
    Damaged,
    /// Tables contradict the log: a change is there in part, or twice.
    HalfDone,
    /// The rows of the log do not match the leaves of its tree.
    Evidence,
    /// The store accepts no further write.
    Closed,
}

/// A folder in memory where the system has one: thousands of databases need no disk.
pub(crate) fn folder() -> anyhow::Result<TempDir> {
    let shared = Path::new("/dev/shm");
    Ok(if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() }?)
}

/// Writes the files of `image` into a folder, readable by their owner only, as the server does.
pub(crate) fn lay_out(image: &Image, folder: &Path) -> io::Result<()> {
    for (name, content) in image {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        options.open(folder.join(&**name))?.write_all(content)?;
    }
    Ok(())
}

impl Inquest {
    /// For databases that this script was run on.
    pub(crate) fn new(script: Vec<Operation>) -> Self {
        Self { script, keyring: Arc::new(people::keyring()) }
    }

    /// Writes the files of `image` into a folder and examines them.
    pub(crate) async fn hold(&self, image: &Image) -> anyhow::Result<Finding> {
        let folder = folder()?;
        lay_out(image, folder.path())?;
        Ok(self.look(&folder.path().join(DATABASE)).await)
    }

    async fn look(&self, path: &Path) -> Finding {
        let only = |wrong| Finding { wrong: vec![wrong], ..Finding::default() };
        let location = Location::Sqlite(path.to_owned());
        let opened = Store::open(&location, Arc::clone(&self.keyring)).await;
        let Ok(store) = opened else { return only(Wrong::NotOpened) };
        // A database that cannot be read to its end counts as damaged.
        let finding = self.examine(&store, path).await.unwrap_or_else(|_| only(Wrong::Damaged));
        store.close().await;
        finding
    }

    async fn examine(&self, store: &Store, path: &Path) -> anyhow::Result<Finding> {
        let mut plain = SqliteConnectOptions::new().filename(path).connect().await?;
        let done = self.done(&mut plain).await?;
        let operations: BTreeSet<_> = done.iter().map(|operation| operation.number).collect();
        let tables = texts(&mut plain, TABLES).await?;
        let is_whole = operations.len() == done.len()
            && Expected::after(&done).is_ok_and(|expected| expected.rows() == tables);
        let checks = [
            (Wrong::Damaged, texts(&mut plain, INTEGRITY).await? == ["ok"]),
            (Wrong::HalfDone, is_whole),
            (Wrong::Evidence, evidence::is_whole(store).await.unwrap_or(false)),
            (Wrong::Closed, store.append(last_word()).await.is_ok()),
        ];
        plain.close().await?;
        let wrong = checks.into_iter().filter_map(|(wrong, is_right)| (!is_right).then_some(wrong));
        Ok(Finding { operations, wrong: wrong.collect() })
    }

    /// The operations that have rows in the log, in its order.
    async fn done(&self, plain: &mut SqliteConnection) -> anyhow::Result<Vec<Operation>> {
        let details = texts(plain, "SELECT detail FROM access_logs ORDER BY id").await?;
        let numbers = details.iter().filter_map(|detail| detail.strip_prefix("operation="));
        let operation = |number: &str| self.script.get(number.parse::<usize>().ok()?).copied();
        numbers
            .map(|number| {
                operation(number).context("the log has an operation that is not in the script")
            })
            .collect()
    }
}

const INTEGRITY: &str = "PRAGMA integrity_check";

/// Selects the same lines as [`Expected::rows`] from the tables.
const TABLES: &str = "SELECT username || ' ' || version || ' ' || totp_step || ' ' || mac_address \
     FROM users UNION ALL \
     SELECT u.username || ' ' || s.version || ' ' || lower(hex(s.master)) \
     FROM sessions s JOIN users u ON u.id = s.account ORDER BY 1";

async fn texts(plain: &mut SqliteConnection, sql: &'static str) -> sqlx::Result<Vec<String>> {
    let rows = sqlx::query(sql).fetch_all(plain).await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

/// A row that a server writes after a start.
fn last_word() -> AuditEntry {
    let detail = "after the power came back".to_owned();
    AuditEntry { at: people::NOON, username: None, action: "start", success: true, detail }
}
