//! What has been found, for people and for programs.

use crate::finding::{Finding, Kind};
use data_encoding::HEXLOWER;
use fourauth_audit::Hash;
use serde::{Serialize, Serializer};
use std::{collections::BTreeMap, fmt};

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// A database file of SQLite.
    Database,
    /// What `fourauthd audit export` wrote.
    Export,
}

/// A log, read to its end.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// What was read.
    pub input: Input,
    /// Whose log it is, by the auditor's key.
    pub origin: String,
    /// Leaves that were read.
    pub rows: u64,
    /// Of these, rows whose name and detail were erased.
    pub erased_rows: u64,
    /// Root of the tree. None if there is none, because a place is empty.
    #[serde(serialize_with = "hex")]
    pub root: Option<Hash>,
    /// The log's own checkpoints.
    pub checkpoints: u64,
    /// Those that the auditor had.
    pub exported_checkpoints: u64,
    /// Of these, those that a rollback gave up.
    pub given_up_checkpoints: u64,
    /// Whether the auditor had the key of the first epoch.
    pub has_epoch_key: bool,
    /// What was found, at most a hundred of a kind.
    pub findings: Vec<Finding>,
    /// How often each kind was found.
    pub counts: BTreeMap<Kind, u64>,
}

impl Report {
    /// Whether nothing shows that the log was changed.
    #[must_use]
    pub fn is_proved(&self) -> bool {
        self.counts.keys().all(|kind| kind.is_note())
    }

    /// 0 if all is proved, 1 if something is wrong. What could not be read has no report, and 2.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        u8::from(!self.is_proved())
    }
}

#[expect(clippy::ref_option, reason = "serde gives a reference to the field")]
fn hex<S: Serializer>(root: &Option<Hash>, serializer: S) -> Result<S::Ok, S::Error> {
    root.map(|root| HEXLOWER.encode(&root)).serialize(serializer)
}

/// A sentence for each finding, and one that says what was read.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            let what = if finding.finding.is_note() { "note" } else { "CHANGED" };
            writeln!(f, "{what}: {}: {}", finding.finding, finding.says)?;
        }
        let listed = self.findings.len() as u64;
        let found: u64 = self.counts.values().sum();
        if found > listed {
            writeln!(f, "and {} more of the same", found - listed)?;
        }
        let verdict = if self.is_proved() { "nothing was changed" } else { "the log was changed" };
        write!(
            f,
            "{}: {verdict}. {} rows ({} erased), {} checkpoints of its own, {} exported ones.",
            self.origin, self.rows, self.erased_rows, self.checkpoints, self.exported_checkpoints
        )?;
        if self.exported_checkpoints == 0 {
            write!(f, "\nWithout exported checkpoints nobody can tell whether its end is gone.")?;
        }
        Ok(())
    }
}
