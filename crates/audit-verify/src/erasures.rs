//! Checks that every erased row is recorded by the row of an erasure, and that the auditor knows of
//! each.
//!
//! Erased rows usually come before the row of the erasure. Only their ids are kept until then.

use crate::{
    finding::{Finding, Findings, Kind},
    row::{Body, Row, Sealing},
    unreadable::Unreadable,
};
use data_encoding::HEXLOWER;
use fourauth_audit::{Hash, leaf::erasure_digest};
use std::collections::{BTreeMap, BTreeSet};

/// Action of a row that records an erasure.
const ACTION: &str = "erase_audit";

/// Most rows, erased and erasing, that are kept while incomplete: at most 200 MiB.
const MAX_WAITING: usize = 4_000_000;

/// Erasures with rows not yet seen, by the id of the row that records the erasure.
#[derive(Debug, Default)]
pub(crate) struct Erasures {
    waiting: BTreeMap<i64, Erasure>,
    /// Rows that record an erasure of exactly the rows that were found.
    complete: BTreeSet<i64>,
    /// Number of row ids in both.
    kept: usize,
    /// Number of erased rows.
    pub(crate) rows: u64,
}

#[derive(Debug, Default)]
struct Erasure {
    rows: Vec<i64>,
    /// Number of erased rows and digest of their ids, as recorded.
    told: Option<(u64, Hash)>,
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
            self.waiting.entry(by).or_default().rows.push(row.id);
        }
        if let Some(told) = told(row) {
            self.keep()?;
            let erasure = self.waiting.entry(row.id).or_default();
            erasure.told = Some(told);
            if erasure.is_as_told() {
                self.kept -= erasure.rows.len();
                self.waiting.remove(&row.id);
                self.complete.insert(row.id);
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
    /// know of. A writer of the database can add both the row and its leaf.
    pub(crate) fn finish(&mut self, accepted: &BTreeSet<i64>, findings: &mut Findings) {
        for (row, mut erasure) in std::mem::take(&mut self.waiting) {
            if erasure.is_as_told() {
                self.complete.insert(row);
            } else {
                let says = erasure.says(row);
                findings.add(Finding::new(Kind::ErasedWithoutRow, says).row(row));
                self.complete.remove(&row);
            }
        }
        for row in self.complete.difference(accepted) {
            let says = format!(
                "row {row} records that rows were erased; if the operator told you about it, use \
                 --accept-erasure {row}"
            );
            findings.add(Finding::new(Kind::Erasure, says).row(*row));
        }
    }
}

impl Erasure {
    fn is_as_told(&mut self) -> bool {
        // On PostgreSQL, the order of the tree is not the order of the ids.
        self.rows.sort_unstable();
        self.told.is_some_and(|(count, digest)| {
            u64::try_from(self.rows.len()) == Ok(count)
                && erasure_digest(self.rows.iter().copied()) == digest
        })
    }

    fn says(&self, row: i64) -> String {
        let erased = self.rows.len();
        match self.told {
            None => format!("{erased} rows were erased under row {row}, which records no erasure"),
            Some((count, _)) => format!(
                "row {row} records {count} erased rows; found {erased}, or rows with other ids"
            ),
        }
    }
}

/// Count and digest that a row records for an erasure: `rows=2 digest=…`, then optional text.
fn told(row: &Row<'_>) -> Option<(u64, Hash)> {
    let (Body::Text(text), Sealing::Salted(_)) = (&row.body, row.sealing) else { return None };
    if text.action != ACTION || !text.success {
        return None;
    }
    let mut words = text.detail.split(' ');
    let count = words.next()?.strip_prefix("rows=")?;
    let digest = words.next()?.strip_prefix("digest=")?;
    let is_number = count.bytes().all(|byte| byte.is_ascii_digit());
    let digest = HEXLOWER.decode(digest.as_bytes()).ok()?.try_into().ok()?;
    Some((count.parse().ok().filter(|_| is_number)?, digest))
}
