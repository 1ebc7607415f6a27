//! A shared library that is loaded only if it has the expected SHA-256.
//!
//! Its bytes are read once, and what was hashed is what is loaded: they are copied to memory that has
//! a file descriptor and that nothing can change any more (`memfd_create(2)`, `F_SEAL_WRITE`).

use crate::Digest;
use fourauth_text_file::read_bounded;
use rustix::{
    fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create},
    io::Errno,
};
use std::{
    fs::File,
    io::{self, Write},
    os::fd::{AsRawFd, OwnedFd},
    path::{Path, PathBuf},
};

/// Upper bound of the size of a library, in bytes; that of ONNX Runtime 1.32 has 35 MB.
const MAX_LIBRARY: u64 = 256 << 20;

/// A library that is not loaded.
#[derive(Debug, thiserror::Error)]
pub(super) enum LibraryError {
    /// It cannot be read or copied, is no regular file, or has more than 256 MiB.
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    /// It is another one.
    #[error("its SHA-256 is {found}")]
    Other {
        /// The SHA-256 of the file.
        found: Digest,
    },
}

/// A copy of a library that cannot be changed. It can be loaded from its [`path`](Sealed::path).
pub(super) struct Sealed(File);

impl Sealed {
    /// Copies the library if it has this SHA-256.
    pub(super) fn copy(library: &Path, sha256: &Digest) -> Result<Sealed, LibraryError> {
        let bytes = read_bounded(library, MAX_LIBRARY)?;
        let found = Digest::of(&bytes);
        if found != *sha256 {
            return Err(LibraryError::Other { found });
        }
        let mut copy = File::from(executable_memory().map_err(io::Error::from)?);
        copy.write_all(&bytes)?;
        let all = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
        fcntl_add_seals(&copy, all).map_err(io::Error::from)?;
        Ok(Sealed(copy))
    }

    /// Where this process finds the copy while it is kept.
    pub(super) fn path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.0.as_raw_fd()).into()
    }
}

fn executable_memory() -> Result<OwnedFd, Errno> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Kernels before 6.3 do not know the last flag, and need none.
    memfd_create("library", flags | MemfdFlags::EXEC).or_else(|error| match error {
        Errno::INVAL => memfd_create("library", flags),
        other => Err(other),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, io::Seek};

    #[test]
    fn what_was_hashed_is_what_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("library.so");
        fs::write(&library, b"honest").unwrap();
        let sealed = Sealed::copy(&library, &Digest::of(b"honest")).unwrap();
        fs::write(&library, b"changed").unwrap();
        assert_eq!(fs::read(sealed.path()).unwrap(), b"honest");
        // The control: memory without seals can be changed.
        for (mut copy, can_be_changed) in
            [(sealed.0, false), (File::from(executable_memory().unwrap()), true)]
        {
            copy.rewind().unwrap();
            assert_eq!(copy.write_all(b"changed").is_ok(), can_be_changed);
            assert_eq!(copy.set_len(1).is_ok(), can_be_changed);
        }
    }

    #[test]
    fn another_library_is_refused_with_its_hash() {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("library.so");
        fs::write(&library, b"another").unwrap();
        let error = Sealed::copy(&library, &Digest::of(b"honest")).err().unwrap();
        assert_eq!(error.to_string(), format!("its SHA-256 is {}", Digest::of(b"another")));
        // Opening a pipe would wait for its other end.
        let folder_of_it = Sealed::copy(folder.path(), &Digest::of(b"honest")).err().unwrap();
        assert_eq!(folder_of_it.to_string(), "it is not a regular file");
        let missing = Sealed::copy(&folder.path().join("missing"), &Digest::of(b"honest"));
        assert!(matches!(missing, Err(LibraryError::Unreadable(_))));
    }
}
