//! `fourauthd audit proof`: that one row is in the tree that a checkpoint was signed for.

use crate::local::{LocalStore, screen};
use anyhow::{Context as _, ensure};
use data_encoding::{BASE64, HEXLOWER};
use fourauth_audit::proof::verify_inclusion;
use fourauth_store::{InclusionProof, SignedCheckpoint};
use serde::Serialize;

/// A proof as it is printed. Hashes are hexadecimal digits.
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

/// Prints the proof as one line of JSON, together with the checkpoint that it leads to.
pub(super) async fn run(local: &LocalStore, row: i64) -> anyhow::Result<()> {
    let checkpoint = local.store.newest_checkpoint().await?;
    let checkpoint = checkpoint.context("nothing has been signed yet; does a server run?")?;
    let proof = local.store.inclusion_proof(row, checkpoint.size).await?.with_context(|| {
        format!("no row {row} is in the newest checkpoint; a new one gets there within a second")
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

/// Whether the proof leads from the leaf to the root, and the root is the third line of the note.
fn holds(proof: &InclusionProof, checkpoint: &SignedCheckpoint) -> bool {
    let InclusionProof { leaf_hash, position, size, root, path } = proof;
    let signed = checkpoint.note.lines().nth(2);
    signed == Some(BASE64.encode(root).as_str())
        && verify_inclusion(leaf_hash, *position, *size, path, root)
}
