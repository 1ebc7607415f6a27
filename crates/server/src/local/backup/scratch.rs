//! A folder for what is on its way, its owner's alone and gone afterwards.

use anyhow::Context as _;
use std::{
    fs,
    io::ErrorKind,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

/// Removed with everything in it when it is dropped. What a crash has left is removed by the next.
#[derive(Debug)]
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// Makes `folder` anew.
    pub(super) fn make(folder: PathBuf) -> anyhow::Result<Self> {
        let cannot = || format!("cannot make the folder {}", folder.display());
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(cannot);
            }
            Ok(()) | Err(_) => {}
        }
        fs::DirBuilder::new().mode(0o700).create(&folder).with_context(cannot)?;
        Ok(Self(folder))
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("remove {} by hand: {error}", self.0.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn it_is_its_owners_and_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("scratch");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("left by a crash"), "secret").unwrap();
        {
            let scratch = Scratch::make(folder.clone()).unwrap();
            assert_eq!(fs::read_dir(scratch.folder()).unwrap().count(), 0);
            let mode = fs::metadata(&folder).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o700);
            fs::write(folder.join("secret"), "secret").unwrap();
        }
        assert!(!folder.exists());
    }
}
