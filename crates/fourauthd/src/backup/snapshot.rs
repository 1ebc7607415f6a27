//! Copies a SQLite database while a server writes to it, and reads the copy.

use super::manifest::Database;
use crate::step_limit::limit_steps;
use anyhow::{Context as _, bail, ensure};
use data_encoding::HEXLOWER;
use fourauth_audit::tree::Frontier;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use std::{
    fs::{self, OpenOptions},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    time::Duration,
};

/// Timeout for a server that holds a lock on the whole file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Version of the migration that added the tree of the audit log.
const EVIDENCE: i64 = 4;

/// Copies the database at one moment between two transactions. The copy contains every transaction
/// acknowledged before the call. No writer waits for it.
///
/// The copy contains no deleted data: <https://www.sqlite.org/lang_vacuum.html#vacuuminto>.
pub(super) fn take(from: &Path, to: &Path) -> anyhow::Result<()> {
    let cannot = || format!("cannot copy the database {}", from.display());
    // SQLite writes to an empty file and keeps its permissions.
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).with_context(cannot)?;
    let database = open(from).with_context(cannot)?;
    // SQLite would take a name that begins with `file:` for a URI.
    let to = Path::new(".").join(to);
    let to = to.to_str().context("the path of the data folder is not UTF-8")?;
    database.execute("VACUUM INTO ?1", [to]).with_context(cannot)?;
    Ok(())
}

/// Describes the database for the manifest.
pub(super) fn describe(path: &Path) -> anyhow::Result<Database> {
    let database = open(path)?;
    let schema = schema(&database)?;
    let tree = if schema < EVIDENCE { Frontier::default() } else { tree(&database)? };
    let tree_root = HEXLOWER.encode(&tree.root());
    Ok(Database { schema, tree_size: tree.size(), tree_root })
}

/// True if the database has a tree of the audit log.
pub(super) const fn has_tree(database: &Database) -> bool {
    database.schema >= EVIDENCE
}

/// True if the audit log was signed.
pub(super) fn is_signed(path: &Path) -> anyhow::Result<bool> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM audit_checkpoint) \
                       OR EXISTS (SELECT 1 FROM audit_tree WHERE vkey IS NOT NULL)";

    Ok(open(path)?.query_row(SQL, [], |row| row.get(0))?)
}

/// Sizes of the checkpoints that earlier restores gave up.
pub(super) fn given_up(path: &Path) -> anyhow::Result<Vec<u64>> {
    let database = open(path)?;
    let mut statement = database.prepare("SELECT size FROM audit_rollback")?;
    let sizes = statement.query_map([], |row| row.get::<_, i64>(0))?;
    let sizes = sizes.map(|size| Ok(u64::try_from(size?)?));
    sizes.collect()
}

/// Rows that record erasures. The operator is not asked about them again: an auditor is.
pub(super) fn erasures(path: &Path) -> anyhow::Result<Vec<i64>> {
    const SQL: &str = "SELECT id FROM access_logs WHERE action = 'erase_audit' AND success = 1";

    let database = open(path)?;
    let mut statement = database.prepare(SQL)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Checks that the database is intact, and has no triggers or views.
pub(super) fn check(path: &Path) -> anyhow::Result<()> {
    const ACTING: &str = "SELECT name FROM sqlite_master WHERE type IN ('trigger', 'view') LIMIT 1";

    let database = open_untrusted(path)?;
    let acting = database.query_row(ACTING, [], |row| row.get::<_, String>(0)).optional()?;
    if acting.is_some() {
        bail!("the database has triggers or views, which fourauth never creates");
    }
    let verdict =
        database.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0))?;
    ensure!(verdict == "ok", "the database is damaged: {verdict}");
    let orphan = database.query_row("PRAGMA foreign_key_check", [], |_| Ok(())).optional()?;
    ensure!(orphan.is_none(), "the database has rows that refer to missing rows");
    Ok(())
}

/// Opens a database that nothing has vouched for yet. Its pages and its constraints may be crafted.
fn open_untrusted(path: &Path) -> anyhow::Result<Connection> {
    let database = connect(path)?;
    limit_steps(&database, fs::metadata(path)?.len())?;
    database.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON")?;
    Ok(database)
}

fn open(path: &Path) -> anyhow::Result<Connection> {
    let database = connect(path)?;
    // The schema of an untrusted file may call functions.
    database.pragma_update(None, "trusted_schema", false)?;
    Ok(database)
}

fn connect(path: &Path) -> anyhow::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(Path::new(".").join(path), flags)?;
    database.busy_timeout(BUSY_TIMEOUT)?;
    Ok(database)
}

fn schema(database: &Connection) -> anyhow::Result<i64> {
    const NEWEST: &str = "SELECT MAX(version) FROM _sqlx_migrations";

    database.query_row(NEWEST, [], |row| row.get(0)).context("this is not a database of fourauth")
}

fn tree(database: &Connection) -> anyhow::Result<Frontier> {
    let (size, frontier) = database
        .query_row("SELECT size, frontier FROM audit_tree", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
        })
        .context("the database has no audit tree")?;
    let frontier = u64::try_from(size).ok().and_then(|size| Frontier::from_bytes(size, &frontier));
    frontier.context("the audit tree is invalid")
}
