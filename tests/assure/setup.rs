//! The common parameters of every assurance.

use std::path::PathBuf;

/// Selects the run with the defence, or the control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defence {
    On,
    /// The control: the same run with the defence switched off, which must fail.
    Off,
}

/// One run of the harness.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) fourauthd: PathBuf,
    pub(crate) is_short: bool,
    pub(crate) is_quiet: bool,
    /// How often a server is killed; `None` for the number of the threat model.
    pub(crate) kills: Option<u32>,
}

impl Setup {
    /// A quantity: that of the threat model, or one small enough for every test run.
    pub(crate) const fn count(&self, full: u32, short: u32) -> u32 {
        if self.is_short { short } else { full }
    }

    /// Reports progress on standard error, unless the run is quiet.
    pub(crate) fn say(&self, what: &str) {
        if !self.is_quiet {
            eprintln!("  {what}");
        }
    }
}
