//! What every assurance is given: the programs, how much of everything, and who listens.

use std::path::PathBuf;

/// Whether the run shows the defence, or that the instrument sees its absence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defence {
    On,
    /// The control: the same run with the defence switched off, which has to fail.
    Off,
}

/// One run of the harness.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) fourauthd: PathBuf,
    pub(crate) is_short: bool,
    pub(crate) is_quiet: bool,
    /// How often a server is killed; `None` for as often as the threat model has it.
    pub(crate) kills: Option<u32>,
}

impl Setup {
    /// How many of something: the numbers of the threat model, or few enough for every test run.
    pub(crate) const fn count(&self, full: u32, short: u32) -> u32 {
        if self.is_short { short } else { full }
    }

    /// Says what is being done, to a person and not to what reads the report.
    pub(crate) fn say(&self, what: &str) {
        if !self.is_quiet {
            eprintln!("  {what}");
        }
    }
}
