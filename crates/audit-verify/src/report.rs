//! The result of a check, as text and as JSON.

use crate::{
    finding::{Finding, Kind},
    unreadable::escaped,
};
use data_encoding::HEXLOWER;
use fourauth_audit::{Hash, row_proof::ProvenRow};
use serde::{Serialize, Serializer};
use std::{collections::BTreeMap, fmt};

/// Kind of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// A SQLite database file.
    Database,
    /// A file written by `fourauthd audit export`.
    Export,
    /// The proof of one row.
    Proof,
}

/// The result of reading a log to its end.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Kind of the input.
    pub input: Input,
    /// Name of the log, from the auditor's key.
    pub origin: String,
    /// Number of leaves that were read.
    pub rows: u64,
    /// Number of those with an erased name and detail.
    pub erased_rows: u64,
    /// Root of the tree; `None` if a position is empty or taken twice.
    #[serde(serialize_with = "hex")]
    pub root: Option<Hash>,
    /// Number of the log's own checkpoints.
    pub checkpoints: u64,
    /// Number of exported checkpoints that the auditor had.
    pub exported_checkpoints: u64,
    /// Number of those that a rollback gave up.
    pub given_up_checkpoints: u64,
    /// True if the auditor had the first key of a chain of epochs.
    pub has_epoch_key: bool,
    /// The row of a proof.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<ProvenRow>,
    /// When the checkpoint of a proof was signed, if it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_at: Option<String>,
    /// The findings, at most a hundred of each kind.
    pub findings: Vec<Finding>,
    /// Number of findings of each kind.
    pub counts: BTreeMap<Kind, u64>,
}

impl Report {
    /// True if no finding shows a change of the log.
    #[must_use]
    pub fn is_proved(&self) -> bool {
        self.counts.keys().all(|kind| kind.is_note())
    }

    /// 0 if the log is proved, 1 otherwise. An unreadable input has no report and exits with 2.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        u8::from(!self.is_proved())
    }
}

#[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
fn hex<S: Serializer>(root: &Option<Hash>, serializer: S) -> Result<S::Ok, S::Error> {
    root.map(|root| HEXLOWER.encode(&root)).serialize(serializer)
}

/// One line for each finding, then a summary.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            let what = if finding.finding.is_note() { "note" } else { "CHANGED" };
            writeln!(f, "{what}: {}: {}", finding.finding, finding.says)?;
        }
        let listed = self.findings.len() as u64;
        let found: u64 = self.counts.values().sum();
        if found > listed {
            writeln!(f, "and {} more findings of these kinds", found - listed)?;
        }
        if let Some(row) = &self.row {
            return self.write_proof(f, row);
        }
        let verdict = if self.is_proved() { "no change found" } else { "the log was changed" };
        write!(
            f,
            "{}: {verdict}. {} rows ({} erased), {} own checkpoints, {} exported checkpoints.",
            self.origin, self.rows, self.erased_rows, self.checkpoints, self.exported_checkpoints
        )?;
        if self.exported_checkpoints == 0 {
            write!(f, "\nWithout exported checkpoints, a missing end cannot be detected.")?;
        }
        Ok(())
    }
}

impl Report {
    /// The row of a proof, and whether the proof holds.
    fn write_proof(&self, f: &mut fmt::Formatter<'_>, row: &ProvenRow) -> fmt::Result {
        let outcome = if row.success { "success" } else { "failure" };
        let shown = |text: &str| escaped(text.chars());
        let name = row.username.as_deref().map_or("no name".to_owned(), shown);
        writeln!(f, "row {}, {}, {name}", row.id, shown(&row.ts_utc))?;
        writeln!(f, "{}, {outcome}: {}", shown(&row.action), shown(&row.detail))?;
        match &self.signed_at {
            Some(at) if self.is_proved() => {
                write!(f, "{}: no change found. This row was in the log at {at}.", self.origin)
            }
            _ => write!(f, "{}: the proof does not hold.", self.origin),
        }
    }
}
