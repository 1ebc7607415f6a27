//! The checkpoint that this server signed last, in a file beside the epoch key.
//!
//! The next checkpoint must grow from it, also after a restart. An attacker that can write to the
//! database cannot write to this file.

use crate::{
    entropy,
    exported::{Exported, leads_to},
    key_file::{self, KeyFileError},
};
use fourauth_audit::{
    checkpoint::Checkpoint, key::VerifyingKey, proof::verify_consistency, tree::Frontier,
};
use fourauth_private_file as private_file;
use fourauth_store::{Error, Store};
use std::path::{Path, PathBuf};

/// File of the last signed checkpoint.
const FILE: &str = "last-signed";

/// Path of the file with the checkpoint that was signed last, in the folder of the keys. It is
/// missing until a server of this version has signed.
#[must_use]
pub fn last_signed_file(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// The last signed checkpoint and its file.
#[derive(Debug)]
pub(crate) struct LastSigned {
    path: PathBuf,
    kept: Option<Exported>,
}

/// Comparison of a tree with the checkpoint that was signed last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Growth {
    /// It is the tree that was signed.
    Unchanged,
    /// It begins with the tree that was signed, and has more leaves.
    Grown,
    /// It does not begin with the tree that was signed.
    Contradiction,
}

impl LastSigned {
    /// Reads the file in `folder`. It is missing until a server of this version has signed.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`] if the file cannot be read or is not a checkpoint signed with `key`.
    pub(crate) fn open(folder: &Path, key: &VerifyingKey) -> Result<Self, KeyFileError> {
        let path = last_signed_file(folder);
        let kept = match key_file::read_public(&path) {
            Err(KeyFileError::Missing { .. }) => None,
            note => {
                Some(opened(note?, key).ok_or(KeyFileError::NotLastSigned { path: path.clone() })?)
            }
        };
        Ok(Self { path, kept })
    }

    /// The checkpoint. `None` before the first one.
    pub(crate) const fn kept(&self) -> Option<&Exported> {
        self.kept.as_ref()
    }

    /// Replaces the file. Do it before anyone sees the checkpoint: otherwise a crash could lose the
    /// only trace of it on this machine.
    ///
    /// # Errors
    ///
    /// [`KeyFileError::Io`] if the file cannot be written. The old checkpoint then stays.
    pub(crate) fn keep(&mut self, newest: Exported) -> Result<(), KeyFileError> {
        private_file::replace(&self.path, newest.note.as_bytes(), entropy::bytes())
            .map_err(|error| KeyFileError::Io { path: self.path.clone(), error })?;
        self.kept = Some(newest);
        Ok(())
    }

    /// Accepts any tree as the next one. The file stays until that is signed.
    pub(crate) fn forget(&mut self) {
        self.kept = None;
    }

    /// Compares the tree with this right edge, which is in `store`, with the checkpoint. Reads a
    /// proof of a few hundred hashes, so that a wrong hash in the database cannot hide a change.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub(crate) async fn growth(&self, tree: &Frontier, store: &Store) -> Result<Growth, Error> {
        let Some(Exported { checkpoint: Checkpoint { size, root, .. }, .. }) = &self.kept else {
            return Ok(if tree.size() == 0 { Growth::Unchanged } else { Growth::Grown });
        };
        let proof = match store.consistency_proof(*size, tree.size()).await {
            Err(Error::Corrupt { .. }) => None,
            proof => proof?,
        };
        let grew = |proof: &[_]| verify_consistency(*size, root, tree.size(), &tree.root(), proof);
        Ok(match proof {
            Some(proof) if grew(&proof) && *size == tree.size() => Growth::Unchanged,
            Some(proof) if grew(&proof) => Growth::Grown,
            Some(_) | None => Growth::Contradiction,
        })
    }

    /// The checkpoint, if the tree in `store` contains it.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub(crate) async fn within(&self, store: &Store) -> Result<Option<&Exported>, Error> {
        match &self.kept {
            Some(kept) if leads_to(store, &kept.checkpoint).await? => Ok(Some(kept)),
            Some(_) | None => Ok(None),
        }
    }
}

fn opened(note: String, key: &VerifyingKey) -> Option<Exported> {
    let checkpoint = Checkpoint::open(&note, key).ok()?;
    Some(Exported { checkpoint, note })
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_audit::key::SigningKey;
    use std::fs;

    const ORIGIN: &str = "fourauth/0011223344556677";

    fn signed(size: u64) -> (Exported, VerifyingKey) {
        let key = SigningKey::from_seed(&[1; 32]).unwrap();
        let (at, origin) = ("2026-11-21T10:00:00Z".to_owned(), ORIGIN.to_owned());
        let note = Checkpoint { origin, size, root: [9; 32], at, epoch: 2 }.sign(&key, None);
        let key = key.verifying_key(ORIGIN).unwrap();
        (opened(note, &key).unwrap(), key)
    }

    #[test]
    fn the_last_checkpoint_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let (one, key) = signed(3);
        let mut last = LastSigned::open(folder.path(), &key).unwrap();
        assert_eq!(last.kept(), None);
        last.keep(one).unwrap();
        last.keep(signed(4).0).unwrap();
        let again = LastSigned::open(folder.path(), &key).unwrap();
        assert_eq!(again.kept(), Some(&signed(4).0));
    }

    #[test]
    fn a_file_that_another_key_signed_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (one, key) = signed(3);
        let other = SigningKey::from_seed(&[2; 32]).unwrap().verifying_key(ORIGIN).unwrap();
        LastSigned::open(folder.path(), &key).unwrap().keep(one).unwrap();
        for text in [None, Some("half a note")] {
            if let Some(text) = text {
                fs::write(folder.path().join(FILE), text).unwrap();
            }
            let refused = LastSigned::open(folder.path(), &other).unwrap_err();
            assert!(matches!(refused, KeyFileError::NotLastSigned { .. }), "{text:?}");
            assert!(refused.to_string().contains("last-signed is not a checkpoint"));
        }
    }
}
