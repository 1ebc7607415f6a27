//! Text that other programs wrote: without the byte order mark that editors on Windows put in front of
//! UTF-8, and with words for a file in UTF-16.
//!
//! The mark has no meaning in UTF-8. Left in place, it is a part of the first line: the first block of a
//! PEM file is then skipped, and the first name of a list is another one. Every crate that reads text
//! from a file uses this one. Nothing here knows a format, except that a file may be joined from several.
//! [`read_bounded`] reads a file of any kind that another person has made.

mod bounded;

pub use bounded::read_bounded;

use std::{
    borrow::Cow,
    fs::File,
    io::{self, BufRead, ErrorKind, Read as _},
    path::Path,
};

/// The mark, U+FEFF.
const MARK: char = '\u{feff}';

/// The mark in UTF-8.
const MARK_BYTES: &[u8] = b"\xef\xbb\xbf";

/// The beginnings of a file in UTF-16.
const UTF_16: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// Longest text file that [`read`] takes, in bytes: far more than any configuration or key.
const MOST: u64 = 1 << 20;

/// Reads a text file of at most 1 MiB without a mark at its beginning. It may be a pipe, and a device
/// that has no end is an error.
///
/// # Errors
///
/// The error of the operating system; [`ErrorKind::FileTooLarge`] if the file is longer, and
/// [`ErrorKind::InvalidData`] if it is not UTF-8.
pub fn read(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    let read = File::open(path)?.take(MOST + 1).read_to_end(&mut bytes)?;
    if u64::try_from(read).is_ok_and(|read| read <= MOST) {
        decode(bytes)
    } else {
        Err(io::Error::new(ErrorKind::FileTooLarge, "it is longer than 1 MiB"))
    }
}

/// The text of `bytes` without a mark at its beginning.
///
/// # Errors
///
/// [`ErrorKind::InvalidData`] if it is not UTF-8, with words for UTF-16.
pub fn decode(bytes: Vec<u8>) -> io::Result<String> {
    refuse_utf_16(&bytes)?;
    let invalid = |_| io::Error::new(ErrorKind::InvalidData, "it is not UTF-8 text");
    let mut text = String::from_utf8(bytes).map_err(invalid)?;
    drop_mark(&mut text);
    Ok(text)
}

/// `text` without a mark at its beginning.
#[must_use]
pub fn unmarked(text: &str) -> &str {
    text.strip_prefix(MARK).unwrap_or(text)
}

/// `bytes` without a mark at their beginning.
#[must_use]
pub fn unmarked_bytes(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(MARK_BYTES).unwrap_or(bytes)
}

/// Removes a mark at the beginning of `text`, in place, so that no copy of a secret is left.
pub fn drop_mark(text: &mut String) {
    if text.starts_with(MARK) {
        text.drain(..MARK.len_utf8());
    }
}

/// Skips a mark at the beginning of what `reader` has left. Returns the number of bytes that it has.
///
/// # Errors
///
/// The error of the reader.
pub fn skip_mark(reader: &mut impl BufRead) -> io::Result<usize> {
    let start = reader.fill_buf()?;
    let skipped = start.len() - unmarked_bytes(start).len();
    reader.consume(skipped);
    Ok(skipped)
}

/// `bytes` without the mark at the beginning of any line. A file that was joined from several, such as
/// a chain of certificates, has marks inside.
#[must_use]
pub fn unmarked_lines(bytes: &[u8]) -> Cow<'_, [u8]> {
    if !bytes.windows(MARK_BYTES.len()).any(|part| part == MARK_BYTES) {
        return Cow::Borrowed(bytes);
    }
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    Cow::Owned(lines.flat_map(unmarked_bytes).copied().collect())
}

/// Fails for a text that begins as UTF-16 does.
///
/// # Errors
///
/// [`ErrorKind::InvalidData`]
pub fn refuse_utf_16(bytes: &[u8]) -> io::Result<()> {
    if UTF_16.iter().any(|start| bytes.starts_with(start)) {
        let reason = "it is text in UTF-16; save it as UTF-8";
        return Err(io::Error::new(ErrorKind::InvalidData, reason));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::BufReader;

    #[test]
    fn a_mark_at_the_beginning_is_dropped_once() {
        for (text, expected) in [
            ("\u{feff}a", "a"),
            ("a", "a"),
            ("", ""),
            ("\u{feff}", ""),
            ("\u{feff}\u{feff}a", "\u{feff}a"),
            ("a\u{feff}", "a\u{feff}"),
        ] {
            assert_eq!(unmarked(text), expected);
            assert_eq!(unmarked_bytes(text.as_bytes()), expected.as_bytes());
            assert_eq!(decode(text.as_bytes().to_vec()).unwrap(), expected);
            let mut reader = BufReader::new(text.as_bytes());
            skip_mark(&mut reader).unwrap();
            let mut rest = String::new();
            reader.read_to_string(&mut rest).unwrap();
            assert_eq!(rest, expected);
        }
    }

    #[test]
    fn a_joined_file_has_no_mark_at_any_line() {
        let joined = "\u{feff}one\r\n\u{feff}two\na\u{feff}b\n";
        assert_eq!(*unmarked_lines(joined.as_bytes()), *"one\r\ntwo\na\u{feff}b\n".as_bytes());
        assert!(matches!(unmarked_lines(b"plain\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_file_in_utf_16_is_refused_by_that_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        for bytes in [b"\xff\xfea\0", b"\xfe\xff\0a"] {
            fs::write(&path, bytes).unwrap();
            assert!(read(&path).unwrap_err().to_string().contains("UTF-16"));
        }
        fs::write(&path, b"a\xff").unwrap();
        assert_eq!(read(&path).unwrap_err().kind(), ErrorKind::InvalidData);
        fs::write(&path, "\u{feff}a").unwrap();
        assert_eq!(read(&path).unwrap(), "a");
    }

    #[test]
    fn a_file_without_an_end_is_not_read() {
        let refused = read(Path::new("/dev/zero")).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::FileTooLarge);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        for (bytes, is_read) in [(1 << 20, true), ((1 << 20) + 1, false)] {
            fs::write(&path, vec![b'a'; bytes]).unwrap();
            assert_eq!(read(&path).is_ok(), is_read, "{bytes}");
        }
    }
}
