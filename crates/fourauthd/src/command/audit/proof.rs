//! `fourauthd audit proof`: the proof of one row, as a file for a person without the log.

use crate::local_store::LocalStore;
use anyhow::Context as _;
use fourauth_store::AuditId;

/// Prints the proof by the newest checkpoint: one line of JSON, which AUDIT.md specifies.
pub(super) async fn run(local: &LocalStore, row: i64) -> anyhow::Result<()> {
    let proof = local.store.row_proof(AuditId(row)).await.context(
        "cannot prove this row; `fourauthd audit verify` says if the tree is not the one that was signed",
    )?;
    let proof = proof.with_context(|| {
        format!(
            "no checkpoint covers row {row}: `fourauthd audit --id {row}` shows if it exists, and a \
             running server signs a new row within a second"
        )
    })?;
    print_out!("{}", proof.to_text().trim_end())?;
    Ok(())
}
