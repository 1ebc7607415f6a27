//! `fourauthd audit export`: the whole log with its evidence, as `docs/AUDIT.md` describes it.
//!
//! JSON Lines: what log it is, its rows in the order of the tree, its checkpoints, the rollbacks that
//! were accepted, and a last line without which it is not whole. The server may run meanwhile.

use crate::{config::Config, evidence, local::LocalStore};
use anyhow::Context as _;
use data_encoding::HEXLOWER;
use fourauth_audit::key::VerifyingKey;
use fourauth_store::{EvidenceRow, MAX_EVIDENCE, Store};
use serde::Serialize;
use serde_json::json;
use std::{
    collections::BTreeSet,
    fs::{self, OpenOptions},
    io::{BufWriter, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

/// The version of the format.
const VERSION: u32 = 1;

/// The action of rows that say which rows were erased.
const ERASURE: &str = "erase_audit";

/// Writes the export and says how much it is.
pub(super) async fn run(config: &Config, local: &LocalStore, path: &Path) -> anyhow::Result<()> {
    let key = evidence::public_key(&config.audit_dir())
        .context("start `fourauthd` once, so that there is something to export")?;
    let Written { rows, checkpoints } = to_file(&local.store, &key, path).await?;
    println!("{rows} rows and {checkpoints} checkpoints are in {}", path.display());
    Ok(())
}

/// How much has been written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Written {
    rows: u64,
    checkpoints: u64,
}

/// Writes a new file that only its owner may read: it has all that the log says of people. What
/// cannot be finished is removed.
pub(super) async fn to_file(
    store: &Store,
    key: &VerifyingKey,
    path: &Path,
) -> anyhow::Result<Written> {
    let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let file = created.with_context(|| format!("cannot make {}", path.display()))?;
    let mut export = Export { store, out: BufWriter::new(&file), rows: 0, places: 0 };
    let written = export.write(key).await;
    drop(export);
    let synced = written.and_then(|written| Ok(file.sync_all().map(|()| written)?));
    if synced.is_err() {
        let _gone = fs::remove_file(path);
    }
    synced.with_context(|| format!("the export to {} is not finished", path.display()))
}

struct Export<'a, W: Write> {
    store: &'a Store,
    out: W,
    rows: u64,
    /// Places of the tree that were gone through.
    places: u64,
}

impl<W: Write> Export<'_, W> {
    async fn write(&mut self, key: &VerifyingKey) -> anyhow::Result<Written> {
        self.line(&json!({
            "fourauth_audit": VERSION,
            "origin": key.name(),
            "vkey": key.to_string(),
        }))?;
        self.rows().await?;
        let checkpoints = self.checkpoints().await?;
        for rollback in self.store.rollbacks().await? {
            self.line(&Given { rollback: &rollback.note, log_id: rollback.row.0 })?;
        }
        let written = Written { rows: self.rows, checkpoints };
        self.line(&json!({ "end": written }))?;
        self.out.flush()?;
        Ok(written)
    }

    /// All rows that are in the tree now. If one of them was erased while this went on, the row that
    /// says so has come later, so then it goes on to what the tree has become.
    async fn rows(&mut self) -> anyhow::Result<()> {
        let mut erasures = Erasures::default();
        self.rows_below(self.store.tree_size().await?, &mut erasures).await?;
        if !erasures.are_told() {
            self.rows_below(self.store.tree_size().await?, &mut erasures).await?;
        }
        Ok(())
    }

    async fn rows_below(&mut self, end: u64, erasures: &mut Erasures) -> anyhow::Result<()> {
        while self.places < end {
            let page = self.store.evidence(self.places, MAX_EVIDENCE).await?;
            let place = |row: &EvidenceRow| u64::try_from(row.position).unwrap_or(u64::MAX);
            for row in page.iter().filter(|row| place(row) < end) {
                erasures.see(row);
                self.line(&Line::of(row))?;
                self.rows += 1;
            }
            // A log that somebody has thinned out has gaps, and they are for the verifier to name.
            self.places = page.last().map_or(end, |last| end.min(place(last).saturating_add(1)));
        }
        Ok(())
    }

    /// Those of trees that are not larger than what was written.
    async fn checkpoints(&mut self) -> anyhow::Result<u64> {
        let (mut count, mut after, places) = (0, 0, self.places);
        loop {
            let page = self.store.checkpoints(after).await?;
            let Some(last) = page.last() else { return Ok(count) };
            after = last.size;
            for checkpoint in page.iter().filter(|checkpoint| checkpoint.size <= places) {
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

/// Which erasures rows speak of, and which have a row of their own.
#[derive(Default)]
struct Erasures {
    spoken_of: BTreeSet<i64>,
    told: BTreeSet<i64>,
}

impl Erasures {
    fn see(&mut self, row: &EvidenceRow) {
        self.spoken_of.extend(row.erased_by);
        if row.action == ERASURE {
            self.told.insert(row.id);
        }
    }

    fn are_told(&self) -> bool {
        self.spoken_of.is_subset(&self.told)
    }
}

/// A row. Readers know it by its first key.
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
            action: &row.action,
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

/// A rollback that was accepted. Readers know it by its first key.
#[derive(Serialize)]
struct Given<'a> {
    rollback: &'a str,
    log_id: i64,
}
