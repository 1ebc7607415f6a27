//! Reminds of first epoch keys that the auditor does not have yet.

use fourauth_checkpoints::untaken_first_keys;
use std::path::Path;

/// Says what to do if first keys are still in this folder: a rollback may have begun a new chain of
/// epochs.
pub(crate) fn remind(audit_dir: &Path) -> anyhow::Result<()> {
    if !untaken_first_keys(audit_dir).is_empty() {
        print_out!(
            "A first key of the epochs is on this machine: give it to the auditor with \
             `fourauthd audit epoch-key`."
        )?;
    }
    Ok(())
}
