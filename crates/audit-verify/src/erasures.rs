//! Checks that every erased row is recorded by the row of an erasure, and that the auditor knows of
//! each.
//!
//! Erased rows usually come before the row of the erasure. Only their ids are kept until then.

use crate::{
    finding::{Finding, Findings, Kind},
    options::Options,
    row::{Body, Row, Sealing},
    unreadable::Unreadable,
};
use data_encoding::HEXLOWER;
use fourauth_audit::{
    Hash,
    erasure::{self, signature_in},
    key::SIGNATURE,
};
use std::collections::BTreeMap;

/// Action of a row that records an erasure.
const ACTION: &str = "erase_audit";

/// Most rows, erased and erasing, that are kept while incomplete: at most 400 MiB.
const MAX_WAITING: usize = 4_000_000;

/// Erasures with rows not yet seen, by the id of the row that records the erasure.
#[derive(Debug, Default)]
pub(crate) struct Erasures {
    waiting: BTreeMap<i64, Erasure>,
    /// Rows that record an erasure of exactly the rows that were found.
    complete: BTreeMap<i64, Complete>,
    /// Number of row ids in both.
    kept: usize,
    /// Number of erased rows.
    pub(crate) rows: u64,
}

#[derive(Debug, Default)]
struct Erasure {
    /// Erased rows, with the hashes of their leaves.
    rows: Vec<(i64, Hash)>,
    told: Option<Told>,
}

/// What a row records of an erasure.
#[derive(Debug, Clone, Copy)]
struct Told {
    rows: u64,
    digest: Hash,
    signature: Option<[u8; SIGNATURE]>,
}

/// An erasure as it was recorded.
#[derive(Debug, Clone, Copy)]
struct Complete {
    erased: erasure::Erasure,
    signature: Option<[u8; SIGNATURE]>,
}

impl Erasures {
    /// Records a row that was erased or that records an erasure.
    ///
    /// # Errors
    ///
    /// [`Unreadable::TooMany`] if more than [`MAX_WAITING`] rows are incomplete.
    pub(crate) fn row(&mut self, row: &Row<'_>) -> Result<(), Unreadable> {
        if let Sealing::Erased { by, .. } = row.sealing {
            self.rows += 1;
            self.keep()?;
            self.waiting
                .entry(by)
                .or_default()
                .rows
                .push((row.id, row.leaf_hash.unwrap_or_default()));
        }
        if let Some(told) = told(row) {
            self.keep()?;
            let erasure = self.waiting.entry(row.id).or_default();
            erasure.told = Some(told);
            if let Some(complete) = erasure.complete() {
                self.kept -= erasure.rows.len();
                self.waiting.remove(&row.id);
                self.complete.insert(row.id, complete);
            }
        }
        Ok(())
    }

    fn keep(&mut self) -> Result<(), Unreadable> {
        self.kept += 1;
        if self.kept > MAX_WAITING {
            let what = "erased rows that no row accounts for yet";
            return Err(Unreadable::TooMany { what, limit: MAX_WAITING });
        }
        Ok(())
    }

    /// Reports every erasure that is still incomplete, and every other one that the auditor does not
    /// know of. A writer of the database can add both the row and its leaf, but cannot sign.
    pub(crate) fn finish(&mut self, options: &Options, findings: &mut Findings) {
        for (row, mut erasure) in std::mem::take(&mut self.waiting) {
            if let Some(complete) = erasure.complete() {
                self.complete.insert(row, complete);
            } else {
                let says = erasure.says(row);
                findings.add(Finding::new(Kind::ErasedWithoutRow, says).row(row));
                self.complete.remove(&row);
            }
        }
        for (row, Complete { erased, signature }) in &self.complete {
            let is_signed = signature.is_some_and(|it| erased.is_signed(&options.key, &it));
            if options.erasures.contains(row) || is_signed && options.signed_erasures {
                continue;
            }
            let (signed, or) = if is_signed {
                ("signed with the log's key", ", or --accept-signed-erasures for all signed ones")
            } else {
                ("not signed", "")
            };
            let says = format!(
                "row {row} records that rows were erased ({signed}); if the operator told you about \
                 it, use --accept-erasure {row}{or}"
            );
            findings.add(Finding::new(Kind::Erasure, says).row(*row));
        }
    }
}

impl Erasure {
    /// The erasure, if exactly the recorded rows were found.
    fn complete(&mut self) -> Option<Complete> {
        let Told { rows, digest, signature } = self.told?;
        // On PostgreSQL, the order of the tree is not the order of the ids.
        self.rows.sort_unstable();
        let erased = erasure::Erasure::of(&self.rows);
        let is_as_told = erased.rows == rows && erased.digest == digest;
        is_as_told.then_some(Complete { erased, signature })
    }

    fn says(&self, row: i64) -> String {
        let erased = self.rows.len();
        match self.told {
            None => format!("{erased} rows were erased under row {row}, which records no erasure"),
            Some(Told { rows, .. }) => format!(
                "row {row} records {rows} erased rows; found {erased}, or rows with other ids"
            ),
        }
    }
}

/// What a row records of an erasure: `rows=2 digest=…`, then perhaps `signature=…`, then any text.
fn told(row: &Row<'_>) -> Option<Told> {
    let (Body::Text(text), Sealing::Salted(_)) = (&row.body, row.sealing) else { return None };
    if text.action != ACTION || !text.success {
        return None;
    }
    let mut words = text.detail.split(' ');
    let count = words.next()?.strip_prefix("rows=")?;
    let digest = words.next()?.strip_prefix("digest=")?;
    let is_number = count.bytes().all(|byte| byte.is_ascii_digit());
    let digest = HEXLOWER.decode(digest.as_bytes()).ok()?.try_into().ok()?;
    let rows = count.parse().ok().filter(|_| is_number)?;
    Some(Told { rows, digest, signature: words.next().and_then(signature_in) })
}
