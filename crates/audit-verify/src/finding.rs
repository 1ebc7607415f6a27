//! What can be wrong with a log, by names that stay.

use serde::{Serialize, Serializer};
use std::{collections::BTreeMap, fmt};

/// Most findings of one kind that are listed; the others are counted.
const MAX_LISTED: u64 = 100;

/// The kinds of findings. docs/AUDIT.md says what each means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A row does not make its leaf.
    EditedRow,
    /// A leaf without its row, or a place in the tree without a leaf.
    MissingRow,
    /// A row whose leaf was taken away.
    MissingLeaf,
    /// A row that never had a leaf.
    InsertedRow,
    /// A table has other rows, read from its beginning, than if they are looked up.
    HiddenRow,
    /// The numbers of a node's leaves have a gap, or one twice.
    ChainBroken,
    /// A leaf whose place in the tree is none, or another leaf's.
    WrongPosition,
    /// A checkpoint of the log does not fit its rows.
    RootMismatch,
    /// A checkpoint that the key did not sign.
    BadSignature,
    /// A checkpoint that the key of its epoch did not make.
    BadEpochMac,
    /// An exported checkpoint has more rows than the log.
    TailGone,
    /// An exported checkpoint had other rows.
    HistoryChanged,
    /// Erased rows, and no row that says so; or one that says something else.
    ErasedWithoutRow,
    /// What the database remembers of the tree is not so.
    TreeState,
    /// The log was set back, and nobody has told the auditor.
    Rollback,
    /// Rows that no checkpoint covers yet. A note.
    UnsignedTail,
    /// Rows that were covered late. A note.
    Late,
}

impl Kind {
    /// The name that programs go by.
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
            Self::TailGone => "tail_gone",
            Self::HistoryChanged => "history_changed",
            Self::ErasedWithoutRow => "erased_without_row",
            Self::TreeState => "tree_state",
            Self::Rollback => "rollback",
            Self::UnsignedTail => "unsigned_tail",
            Self::Late => "late",
        }
    }

    /// Whether it is worth knowing, and no evidence of a change.
    #[must_use]
    pub const fn is_note(self) -> bool {
        matches!(self, Self::UnsignedTail | Self::Late)
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

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What.
    pub finding: Kind,
    /// The row's id, if it is about a row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<i64>,
    /// A place in the tree, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<i64>,
    /// The size of a checkpoint, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The same in a sentence.
    pub says: String,
}

impl Finding {
    pub(crate) fn new(finding: Kind, says: impl Into<String>) -> Self {
        Self { finding, row: None, position: None, size: None, says: says.into() }
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
}

/// What has been found so far.
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
    fn a_flood_of_findings_is_counted_and_not_kept() {
        let mut findings = Findings::default();
        for row in 0..1000 {
            findings.add(Finding::new(Kind::EditedRow, "so").row(row));
        }
        findings.add(Finding::new(Kind::Late, "so"));
        assert_eq!(findings.listed.len(), 101);
        assert_eq!(findings.counts[&Kind::EditedRow], 1000);
    }
}
