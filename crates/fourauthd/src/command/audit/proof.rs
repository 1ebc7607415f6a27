//! `fourauthd audit proof`: proves that one row is in the tree of the newest checkpoint.

use crate::{local_store::LocalStore, screen};
use anyhow::{Context as _, ensure};
use data_encoding::{BASE64, HEXLOWER};
use fourauth_audit::proof::verify_inclusion;
use fourauth_store::{InclusionProof, SignedCheckpoint};
use serde::Serialize;

/// Printed form of a proof. Hashes are hexadecimal.
#[derive(Serialize)]
struct Shown {
    row: i64,
    leaf_hash: String,
    position: u64,
    size: u64,
    root: String,
    proof: Vec<String>,
    checkpoint: String,
}

/// Prints the proof and its checkpoint as one line of JSON.
pub(super) async fn run(local: &LocalStore, row: i64) -> anyhow::Result<()> {
    let checkpoint = local.store.newest_checkpoint().await?;
    let checkpoint = checkpoint.context("no checkpoint has been signed yet; start the server")?;
    let proof = local.store.inclusion_proof(row, checkpoint.size).await?.with_context(|| {
        format!("row {row} is not in the newest checkpoint; a new row is in one within a second")
    })?;
    ensure!(
        holds(&proof, &checkpoint),
        "the tree is not the one that was signed; see `fourauthd audit verify`"
    );
    let hex = |hash: &[u8; 32]| HEXLOWER.encode(hash);
    let shown = Shown {
        row,
        leaf_hash: hex(&proof.leaf_hash),
        position: proof.position,
        size: proof.size,
        root: hex(&proof.root),
        proof: proof.path.iter().map(hex).collect(),
        checkpoint: checkpoint.note,
    };
    screen::json(&shown)?;
    Ok(())
}

/// True if the proof leads from the leaf to the root, and the root is the third line of the note.
fn holds(proof: &InclusionProof, checkpoint: &SignedCheckpoint) -> bool {
    let InclusionProof { leaf_hash, position, size, root, path } = proof;
    let signed = checkpoint.note.lines().nth(2);
    signed == Some(BASE64.encode(root).as_str())
        && verify_inclusion(leaf_hash, *position, *size, path, root)
}
