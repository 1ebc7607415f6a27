//! `fourauthd audit export`: the whole log with its evidence, as `docs/AUDIT.md` describes it.
//!
//! The format is JSON Lines: a header, the rows in the order of the tree, the checkpoints, the
//! accepted rollbacks, and a last line that proves that the file is complete. The server may run
//! during an export.

use crate::local_store::LocalStore;
use anyhow::Context as _;
use data_encoding::HEXLOWER;
use fourauth_audit::key::VerifyingKey;
use fourauth_store::{EvidenceRow, LogSnapshot, MAX_EVIDENCE, Store};
use serde::Serialize;
use serde_json::json;
use std::{
    fs::{self, OpenOptions},
    io::{BufWriter, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

/// Version of the format.
const VERSION: u32 = 1;

/// Writes the export and prints its size.
pub(super) async fn run(audit_dir: &Path, local: &LocalStore, path: &Path) -> anyhow::Result<()> {
    let key = fourauth_checkpoints::public_key(audit_dir)
        .context("start `fourauthd` once to create the keys of the audit log")?;
    let Written { rows, checkpoints } = to_file(&local.store, &key, path).await?;
    print_out!("{rows} rows and {checkpoints} checkpoints are in {}", path.display())?;
    Ok(())
}

/// Number of rows and checkpoints written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Written {
    rows: u64,
    checkpoints: u64,
}

/// Writes a new file that only its owner may read, because the log contains personal data.
/// Removes the file if the export fails.
pub(super) async fn to_file(
    store: &Store,
    key: &VerifyingKey,
    path: &Path,
) -> anyhow::Result<Written> {
    let log = store.log_snapshot().await?;
    let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let file = created.with_context(|| format!("cannot create {}", path.display()))?;
    let mut export = Export { log, out: BufWriter::new(&file), rows: 0 };
    let written = export.write(key).await;
    drop(export);
    let synced = written.and_then(|written| Ok(file.sync_all().map(|()| written)?));
    if synced.is_err() {
        let _gone = fs::remove_file(path);
    }
    synced.with_context(|| format!("cannot export the audit log to {}", path.display()))
}

struct Export<W: Write> {
    log: LogSnapshot,
    out: W,
    rows: u64,
}

impl<W: Write> Export<W> {
    async fn write(&mut self, key: &VerifyingKey) -> anyhow::Result<Written> {
        self.line(&json!({
            "fourauth_audit": VERSION,
            "origin": key.name(),
            "vkey": key.to_string(),
        }))?;
        self.rows().await?;
        let checkpoints = self.checkpoints().await?;
        for rollback in self.log.rollbacks().await? {
            self.line(&Given { rollback: &rollback.note, log_id: rollback.row.0 })?;
        }
        let written = Written { rows: self.rows, checkpoints };
        self.line(&json!({ "end": written }))?;
        self.out.flush()?;
        Ok(written)
    }

    /// Writes every row with a position in the tree. If rows were deleted, the export has gaps,
    /// which the verifier reports.
    async fn rows(&mut self) -> anyhow::Result<()> {
        let mut next = Some(0);
        while let Some(from) = next {
            let page = self.log.evidence(from, MAX_EVIDENCE).await?;
            for row in &page {
                self.line(&Line::of(row))?;
                self.rows += 1;
            }
            // No row follows the largest position that an integer can hold.
            let after = page.last().and_then(|last| last.position.checked_add(1));
            next = after.and_then(|after| u64::try_from(after).ok());
        }
        Ok(())
    }

    /// Writes every checkpoint, even those of trees larger than the log: they show that rows were
    /// cut off.
    async fn checkpoints(&mut self) -> anyhow::Result<u64> {
        let (mut count, mut after) = (0, 0);
        loop {
            let page = self.log.checkpoints(after).await?;
            let Some(last) = page.last() else { return Ok(count) };
            after = last.size;
            for checkpoint in &page {
                self.line(&json!({ "checkpoint": checkpoint.note }))?;
                count += 1;
            }
        }
    }

    fn line(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        serde_json::to_writer(&mut self.out, value)?;
        Ok(self.out.write_all(b"\n")?)
    }
}

/// A row. Readers recognise it by its first key.
#[derive(Serialize)]
struct Line<'a> {
    position: i64,
    id: i64,
    ts_utc: &'a str,
    username: Option<&'a str>,
    action: &'a str,
    success: bool,
    detail: &'a str,
    node: &'a str,
    node_seq: i64,
    salt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    erased_by: Option<i64>,
    leaf_hash: String,
}

impl<'a> Line<'a> {
    fn of(row: &'a EvidenceRow) -> Self {
        Self {
            position: row.position,
            id: row.id,
            ts_utc: &row.ts_utc,
            username: row.username.as_deref(),
            action: row.action.as_str(),
            success: row.success,
            detail: &row.detail,
            node: &row.node,
            node_seq: row.node_seq,
            salt: row.salt.map(|salt| HEXLOWER.encode(&salt)),
            name_hash: row.name_hash.map(|hash| HEXLOWER.encode(&hash)),
            detail_hash: row.detail_hash.map(|hash| HEXLOWER.encode(&hash)),
            erased_by: row.erased_by,
            leaf_hash: HEXLOWER.encode(&row.leaf_hash),
        }
    }
}

/// An accepted rollback. Readers recognise it by its first key.
#[derive(Serialize)]
struct Given<'a> {
    rollback: &'a str,
    log_id: i64,
}
