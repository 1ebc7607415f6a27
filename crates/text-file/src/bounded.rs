//! Reads files of others that may be anything.

use std::{
    fs,
    io::{self, ErrorKind, Read as _},
    path::Path,
};

/// Reads a regular file of at most `limit` bytes. Opening a pipe would wait for its other end, and a
/// device may have no end, so neither is opened. A link to a file is followed.
///
/// # Errors
///
/// The error of the operating system; [`ErrorKind::InvalidInput`] if it is no regular file, and
/// [`ErrorKind::FileTooLarge`] if it is longer.
pub fn read_bounded(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let found = fs::metadata(path)?;
    if !found.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let too_long =
        || io::Error::new(ErrorKind::FileTooLarge, format!("it is longer than {limit} bytes"));
    if found.len() > limit {
        return Err(too_long());
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    // It may have grown, and files of the kernel have a length of 0.
    let has_grown = u64::try_from(bytes.len()).is_ok_and(|length| length > limit);
    if has_grown { Err(too_long()) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_regular_file_within_the_limit_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, b"12345").unwrap();
        assert_eq!(read_bounded(&path, 5).unwrap(), b"12345");
        let kind = |path: &Path, limit| read_bounded(path, limit).unwrap_err().kind();
        assert_eq!(kind(&path, 4), ErrorKind::FileTooLarge);
        assert_eq!(kind(folder.path(), 4), ErrorKind::InvalidInput);
        assert_eq!(kind(Path::new("/dev/zero"), 4), ErrorKind::InvalidInput);
        assert_eq!(kind(&folder.path().join("none"), 4), ErrorKind::NotFound);
        // A file of the kernel says that it has a length of 0.
        assert_eq!(kind(Path::new("/proc/self/status"), 4), ErrorKind::FileTooLarge);
    }
}
