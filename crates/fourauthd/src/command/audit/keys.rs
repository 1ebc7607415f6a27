//! `fourauthd audit keys|epoch-key`: prints keys for auditors and other services.

use crate::local_store::LocalStore;
use anyhow::{Context as _, bail};
use fourauth_audit::key::VerifyingKey;
use fourauth_audit_verify::Handover;
use fourauth_checkpoints::{KeyFileError, untaken_first_keys};
use fourauth_protocol::secret::Secret;
use fourauth_server::receipt_key;
use std::{io, path::Path};

/// Prints the public keys.
pub(super) fn show(audit_dir: &Path, receipts: &Path) -> anyhow::Result<()> {
    print_out!("{}", log_key(audit_dir)?)?;
    if receipts.exists() {
        print_out!("{}", receipt_key::load_or_create(receipts)?.public())?;
    }
    Ok(())
}

/// The public key of the log.
pub(super) fn log_key(audit_dir: &Path) -> anyhow::Result<VerifyingKey> {
    match fourauth_checkpoints::public_key(audit_dir) {
        Err(KeyFileError::Missing { path }) => bail!(
            "{} is missing: no server has run here yet. Start `fourauthd` once, or name the data \
             folder of the server with data_dir or --config",
            path.display()
        ),
        key => Ok(key?),
    }
}

/// Prints the first keys of the epochs, one in each line with the size and root that the log has now, and
/// then removes them.
pub(super) async fn take_first_keys(
    audit_dir: &Path,
    local: impl AsyncFnOnce() -> anyhow::Result<LocalStore>,
) -> anyhow::Result<()> {
    // Without a server there is no database that could say what the log is.
    let log = if untaken_first_keys(audit_dir).is_empty() {
        String::new()
    } else {
        let local = local().await?;
        let tree = local.store.tree_head().await?.frontier;
        let (size, root, at) = (tree.size(), tree.root(), local.now.to_string());
        Handover { size, root, at }.to_string()
    };
    let mut shown = Ok(());
    let taken = fourauth_checkpoints::take_first_keys(audit_dir, |keys| {
        let lines = keys.expose().lines().map(|key| format!("{key} {log}"));
        let lines = Secret::new(lines.collect::<Vec<_>>().join("\n"));
        shown = print_once!("{}", lines.expose());
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
