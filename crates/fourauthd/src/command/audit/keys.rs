//! `fourauthd audit keys|epoch-key`: prints keys for auditors and other services.

use anyhow::{Context as _, bail};
use fourauth_checkpoints::KeyFileError;
use fourauth_server::receipt_key;
use std::{io, path::Path};

/// Prints the public keys.
pub(super) fn show(audit_dir: &Path, receipts: &Path) -> anyhow::Result<()> {
    let log = fourauth_checkpoints::public_key(audit_dir)
        .context("start `fourauthd` once to create the keys of the audit log")?;
    print_out!("{log}")?;
    if receipts.exists() {
        print_out!("{}", receipt_key::load_or_create(receipts)?.public())?;
    }
    Ok(())
}

/// Prints the first keys of the epochs, one in each line, and then removes them.
pub(super) fn take_first_keys(audit_dir: &Path) -> anyhow::Result<()> {
    let mut shown = Ok(());
    let taken = fourauth_checkpoints::take_first_keys(audit_dir, |key| {
        shown = print_once!("{}", key.expose().trim_end());
        shown.as_ref().map_err(|_| io::Error::other("the key could not be shown")).copied()
    });
    shown.context("the first key of the epochs is still in its file")?;
    match taken {
        Err(KeyFileError::Missing { path }) => {
            bail!("{} is missing: it was taken, or no server has run here yet", path.display())
        }
        taken => taken?,
    }
    print_err!("An auditor needs this. It is not shown again: keep it off this machine.");
    Ok(())
}
