//! Findings: kinds with stable names, and the list of those found.

use serde::{Serialize, Serializer};
use std::{collections::BTreeMap, fmt};

/// Most findings of one kind that are listed; the others are counted.
const MAX_LISTED: u64 = 100;

/// The kinds of findings. docs/AUDIT.md explains each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A row does not match its leaf hash.
    EditedRow,
    /// A leaf without its row, or a position in the tree without a leaf.
    MissingRow,
    /// A row that lost its leaf, or has none yet.
    MissingLeaf,
    /// A row that never had a leaf.
    InsertedRow,
    /// A full scan of a table finds other rows than a search by index.
    HiddenRow,
    /// The sequence numbers of a node's leaves have a gap or a duplicate.
    ChainBroken,
    /// A leaf without a position in the tree, or with the position of another leaf.
    WrongPosition,
    /// One of the log's own checkpoints does not match its rows.
    RootMismatch,
    /// A checkpoint without a valid signature, or a log that names another key.
    BadSignature,
    /// A checkpoint without a valid MAC of its epoch.
    BadEpochMac,
    /// A checkpoint with a time outside its epoch, and the auditor was not told that the clock was
    /// changed.
    ClockStep,
    /// A row that is much older than the checkpoint that covers it first, and the auditor was not
    /// told why.
    Backdated,
    /// An exported checkpoint has more rows than the log.
    TailGone,
    /// An exported checkpoint does not match the rows of the log.
    HistoryChanged,
    /// Erased rows that no row records, or that differ from the recorded ones.
    ErasedWithoutRow,
    /// The stored state of the tree does not match the rows.
    TreeState,
    /// The log was rolled back and the auditor was not told, or no row records it.
    Rollback,
    /// A name was erased and the auditor was not told.
    Erasure,
    /// Rows that no checkpoint covers yet. Only a note.
    UnsignedTail,
    /// Rows that a checkpoint covered late. Only a note.
    Late,
    /// The checkpoint of a proof is not among the exported ones. Only a note.
    NotExported,
    /// A note in a file of exported checkpoints that is not one of this log. Only a note.
    ForeignNote,
}

impl Kind {
    /// The stable name, for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EditedRow => "edited_row",
            Self::MissingRow => "missing_row",
            Self::MissingLeaf => "missing_leaf",
            Self::InsertedRow => "inserted_row",
            Self::HiddenRow => "hidden_row",
            Self::ChainBroken => "chain_broken",
            Self::WrongPosition => "wrong_position",
            Self::RootMismatch => "root_mismatch",
            Self::BadSignature => "bad_signature",
            Self::BadEpochMac => "bad_epoch_mac",
            Self::ClockStep => "clock_step",
            Self::Backdated => "backdated",
            Self::TailGone => "tail_gone",
            Self::HistoryChanged => "history_changed",
            Self::ErasedWithoutRow => "erased_without_row",
            Self::TreeState => "tree_state",
            Self::Rollback => "rollback",
            Self::Erasure => "erasure",
            Self::UnsignedTail => "unsigned_tail",
            Self::Late => "late",
            Self::NotExported => "not_exported",
            Self::ForeignNote => "foreign_note",
        }
    }

    /// True if the finding is no evidence of a change.
    #[must_use]
    pub const fn is_note(self) -> bool {
        matches!(self, Self::UnsignedTail | Self::Late | Self::NotExported | Self::ForeignNote)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// One finding and its location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Kind of the finding.
    pub finding: Kind,
    /// Id of the row, if it concerns one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<i64>,
    /// Position in the tree, if it concerns one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<i64>,
    /// Size of the checkpoint, if it concerns one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Line of a file of exported checkpoints, from 1, if it concerns one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The finding as a sentence.
    pub says: String,
}

impl Finding {
    pub(crate) fn new(finding: Kind, says: impl Into<String>) -> Self {
        Self { finding, row: None, position: None, size: None, line: None, says: says.into() }
    }

    pub(crate) fn row(self, row: i64) -> Self {
        Self { row: Some(row), ..self }
    }

    pub(crate) fn position(self, position: i64) -> Self {
        Self { position: Some(position), ..self }
    }

    pub(crate) fn size(self, size: u64) -> Self {
        Self { size: Some(size), ..self }
    }

    pub(crate) fn line(self, line: u64) -> Self {
        Self { line: Some(line), ..self }
    }
}

/// All findings so far.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) listed: Vec<Finding>,
    pub(crate) counts: BTreeMap<Kind, u64>,
}

impl Findings {
    pub(crate) fn add(&mut self, finding: Finding) {
        let count = self.counts.entry(finding.finding).or_default();
        *count += 1;
        if *count <= MAX_LISTED {
            self.listed.push(finding);
        }
    }

    pub(crate) fn has(&self, kind: Kind) -> bool {
        self.counts.contains_key(&kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_beyond_the_limit_are_counted_but_not_listed() {
        let mut findings = Findings::default();
        for row in 0..1000 {
            findings.add(Finding::new(Kind::EditedRow, "so").row(row));
        }
        findings.add(Finding::new(Kind::Late, "so"));
        assert_eq!(findings.listed.len(), 101);
        assert_eq!(findings.counts[&Kind::EditedRow], 1000);
    }
}
