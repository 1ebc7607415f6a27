//! Child processes that must succeed.

use anyhow::{Context as _, bail};
use std::process::Command;

/// Runs a program and waits until it exits. Fails if it cannot be started or does not succeed.
pub(crate) fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let shown = format!("{command:?}").replace('"', "");
    let status = command.status().with_context(|| format!("cannot run {shown}"))?;
    if !status.success() {
        bail!("{shown} failed: {status}");
    }
    Ok(())
}
