//! Which rows lack their name, and whether a row says that they shall.
//!
//! Erased rows come before the row that erased them, mostly; the numbers of those that still wait
//! for it are all that is kept of them.

use crate::{
    finding::{Finding, Findings, Kind},
    row::{Body, Row, Sealing},
    unreadable::Unreadable,
};
use data_encoding::HEXLOWER;
use fourauth_audit::{Hash, leaf::erasure_digest};
use std::collections::BTreeMap;

/// What a row that erases is called.
const ACTION: &str = "erase_audit";

/// Most rows, erased and erasing, that wait for one another: 200 MiB at the very most.
const MAX_WAITING: usize = 4_000_000;

/// Erasures whose rows have not all been seen, by the number of the row that erases.
#[derive(Debug, Default)]
pub(crate) struct Erasures {
    waiting: BTreeMap<i64, Erasure>,
    /// Numbers kept in `waiting`.
    kept: usize,
    /// All erased rows.
    pub(crate) rows: u64,
}

#[derive(Debug, Default)]
struct Erasure {
    rows: Vec<i64>,
    /// How many rows there shall be, and the digest of their numbers.
    told: Option<(u64, Hash)>,
}

impl Erasures {
    /// Takes note of a row that was erased, or that erases.
    ///
    /// # Errors
    ///
    /// [`Unreadable::TooMany`] that wait.
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
                self.kept -= erasure.rows.len() + 1;
                self.waiting.remove(&row.id);
            }
        }
        Ok(())
    }

    fn keep(&mut self) -> Result<(), Unreadable> {
        self.kept += 1;
        if self.kept > MAX_WAITING {
            let what = "erased rows that wait for the row that erased them";
            return Err(Unreadable::TooMany { what, limit: MAX_WAITING });
        }
        Ok(())
    }

    /// Whatever still waits does so in vain.
    pub(crate) fn finish(&mut self, findings: &mut Findings) {
        for (row, mut erasure) in std::mem::take(&mut self.waiting) {
            if !erasure.is_as_told() {
                let says = erasure.says(row);
                findings.add(Finding::new(Kind::ErasedWithoutRow, says).row(row));
            }
        }
    }
}

impl Erasure {
    fn is_as_told(&mut self) -> bool {
        // On PostgreSQL the tree's order is not that of the numbers.
        self.rows.sort_unstable();
        self.told.is_some_and(|(count, digest)| {
            u64::try_from(self.rows.len()) == Ok(count)
                && erasure_digest(self.rows.iter().copied()) == digest
        })
    }

    fn says(&self, row: i64) -> String {
        let erased = self.rows.len();
        match self.told {
            None => format!("{erased} rows are erased by row {row}, which does not say so"),
            Some((count, _)) => format!(
                "row {row} says that it erased {count} rows; {erased} are, and not the same ones"
            ),
        }
    }
}

/// What a row that erases says: `rows=2 digest=…`, and then perhaps more.
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
