//! Reads the proof of one row, written by `fourauthd audit proof` or fetched by its owner.
//!
//! A proof covers one row. It does not show whether rows are missing from the log.

use crate::{
    exported::{Exported, Known},
    finding::{Finding, Findings, Kind},
    options::Options,
    report::{Input, Report},
    unreadable::Unreadable,
};
use fourauth_audit::{
    Checkpoint, RowProof,
    row_proof::{MAX_PROOF, RowProofError},
};
use std::{fs::File, io::Read as _, path::Path};

pub(crate) fn verify(path: &Path, options: &Options) -> Result<Report, Unreadable> {
    let Known { exported, mut findings } = Known::read(options)?;
    let proof =
        RowProof::parse(&text(path)?).map_err(|error| Unreadable::Proof(error.to_string()))?;
    let covered = match proof.check(&options.key) {
        Ok(checkpoint) => {
            compare(&checkpoint, &exported, &mut findings);
            Some(checkpoint)
        }
        Err(error) => {
            findings.add(broken(&proof, error));
            None
        }
    };
    let is_erased = proof.row.salt.is_none();
    Ok(Report {
        input: Input::Proof,
        origin: options.key.name().to_owned(),
        rows: 1,
        erased_rows: is_erased.into(),
        root: covered.as_ref().map(|checkpoint| checkpoint.root),
        checkpoints: 1,
        exported_checkpoints: exported.len() as u64,
        given_up_checkpoints: 0,
        has_epoch_key: !options.epoch_keys.is_empty(),
        row: Some(proof.row),
        signed_at: covered.map(|checkpoint| checkpoint.at),
        findings: findings.listed,
        counts: findings.counts,
    })
}

fn text(path: &Path) -> Result<String, Unreadable> {
    let mut text = String::new();
    let file = File::open(path).map_err(|source| Unreadable::file(path, source))?;
    file.take(MAX_PROOF as u64 + 1)
        .read_to_string(&mut text)
        .map_err(|source| Unreadable::file(path, source))?;
    Ok(text)
}

fn broken(proof: &RowProof, error: RowProofError) -> Finding {
    let kind = match error {
        RowProofError::Row | RowProofError::NotCovered { .. } => Kind::EditedRow,
        _ => Kind::BadSignature,
    };
    let finding = Finding::new(kind, error.to_string()).row(proof.row.id);
    match error {
        RowProofError::NotCovered { size } => finding.size(size),
        _ => finding,
    }
}

/// Compares the checkpoint with the exported one of its size: the signer must have shown both readers
/// the same log.
fn compare(checkpoint: &Checkpoint, exported: &[Exported], findings: &mut Findings) {
    let Checkpoint { size, root, .. } = checkpoint;
    let mut same_size = exported.iter().filter(|known| known.size == *size).peekable();
    if same_size.peek().is_none() && !exported.is_empty() {
        let says = format!("no exported checkpoint has {size} rows, as that of the proof does");
        findings.add(Finding::new(Kind::NotExported, says).size(*size));
    } else if same_size.any(|known| known.root != *root) {
        let says = format!("the exported checkpoint of {size} rows is of another log");
        findings.add(Finding::new(Kind::HistoryChanged, says).size(*size));
    }
}
