//! A secret as the first line of a file or of standard input.

use fourauth_protocol::secret::Secret;
use std::{
    io::{self, BufRead},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Longest secret, in bytes: 256 characters of four bytes, and the line break.
const MAX_SECRET: usize = 1026;

/// Reads the first line, without its line break.
pub(crate) fn first_line(
    reader: &mut dyn BufRead,
    path: &Path,
) -> Result<Secret<String>, SecretError> {
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_SECRET + 1));
    io::Read::take(reader, MAX_SECRET as u64 + 1)
        .read_until(b'\n', &mut line)
        .map_err(|reason| unreadable(path, reason))?;
    let text = fourauth_text_file::unmarked_bytes(&line);
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let fits = line.len() <= MAX_SECRET && !text.is_empty();
    let text = str::from_utf8(text).ok().filter(|_| fits);
    match text {
        Some(text) => Ok(Secret::new(text.to_owned())),
        None => Err(SecretError::NotASecret { path: path.to_owned() }),
    }
}

pub(crate) fn unreadable(path: &Path, reason: io::Error) -> SecretError {
    SecretError::Unreadable { path: path.to_owned(), reason }
}

/// Why a file contains no secret. Does not quote its content.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        reason: io::Error,
    },
    /// The line is empty, too long, or not UTF-8.
    #[error("{}: the line is empty, too long or not UTF-8", path.display())]
    NotASecret {
        /// The file.
        path: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line_of(bytes: &[u8]) -> Option<String> {
        let mut reader = bytes;
        first_line(&mut reader, Path::new("-")).ok().map(|secret| secret.expose().clone())
    }

    #[test]
    fn a_secret_is_the_first_line_without_its_line_break() {
        for bytes in [
            &b"Tr0ub4dor&3"[..],
            b"Tr0ub4dor&3\n",
            b"Tr0ub4dor&3\r\n",
            b"Tr0ub4dor&3\nx\n",
            b"\xef\xbb\xbfTr0ub4dor&3\r\n",
        ] {
            assert_eq!(line_of(bytes).as_deref(), Some("Tr0ub4dor&3"), "{bytes:?}");
        }
        assert_eq!(line_of(b" a b \n").as_deref(), Some(" a b "), "spaces belong to a secret");
    }

    #[test]
    fn several_secrets_are_read_line_by_line() {
        let mut reader = &b"admin\npassword\n287082\n"[..];
        for expected in ["admin", "password", "287082"] {
            let secret = first_line(&mut reader, Path::new("-")).unwrap();
            assert_eq!(secret.expose(), expected);
        }
        assert!(first_line(&mut reader, Path::new("-")).is_err(), "no more lines");
    }

    #[test]
    fn invalid_secrets_are_refused() {
        for bytes in [&b""[..], b"\n", b"\xff\xfe\n", &[b'x'; 10_000]] {
            assert_eq!(line_of(bytes), None, "{:?}", &bytes[..bytes.len().min(4)]);
        }
    }
}
