//! First keys of epochs as an operator hands them over, each with the size and root that the log had then.
//!
//! The auditor keeps these lines away from the audited machine. So the root counts as an exported
//! checkpoint does: rows from before the handing over cannot be rewritten unnoticed.

use crate::instant;
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use fourauth_audit::{EpochKey, Hash};
use std::fmt;

/// The log at the moment in which a first key was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// Number of rows in the tree.
    pub size: u64,
    /// Root of the tree.
    pub root: Hash,
    /// Time, as RFC 3339 in UTC.
    pub at: String,
}

impl Handover {
    /// Reads the words after a key: `size=… root=… at=…`. `None` if they are anything else.
    fn parse(words: &[&str]) -> Option<Self> {
        let &[size, root, at] = words else { return None };
        let digits = size.strip_prefix("size=")?;
        let is_number = digits.bytes().all(|digit| digit.is_ascii_digit());
        let root = HEXLOWER_PERMISSIVE.decode(root.strip_prefix("root=")?.as_bytes()).ok()?;
        let at = at.strip_prefix("at=")?;
        instant::seconds(at)?;
        let size = digits.parse().ok().filter(|_| is_number)?;
        Some(Self { size, root: root.try_into().ok()?, at: at.to_owned() })
    }
}

/// As in the line of a key.
impl fmt::Display for Handover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { size, root, at } = self;
        write!(f, "size={size} root={} at={at}", HEXLOWER.encode(root))
    }
}

/// Reads first keys, one in each line, each with or without the [`Handover`] of its moment. Empty lines
/// are left out. `None` if a line is something else, or without any key.
#[must_use]
pub fn first_keys(text: &str) -> Option<Vec<(EpochKey, Option<Handover>)>> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let keys: Option<Vec<_>> = lines.map(first_key).collect();
    keys.filter(|keys| !keys.is_empty())
}

fn first_key(line: &str) -> Option<(EpochKey, Option<Handover>)> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let (key, rest) = words.split_first()?;
    let key = EpochKey::from_hex(0, key)?;
    if rest.is_empty() { Some((key, None)) } else { Some((key, Some(Handover::parse(rest)?))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_with_and_without_its_moment() {
        let (key, root) = ("09".repeat(32), "0a".repeat(32));
        let line = format!("{key} size=7 root={root} at=2026-11-21T10:00:01Z");
        let read = first_keys(&format!("{line}\n\n{key}\r\n")).unwrap();
        let handover = read[0].1.clone().unwrap();
        assert_eq!((handover.size, handover.root, read.len()), (7, [10; 32], 2));
        assert_eq!(format!("{key} {handover}"), line);
        assert_eq!(read[1].1, None);
        for wrong in [
            "",
            "x",
            &format!("{key} size=7"),
            &format!("{key} size=+7 root={root} at=2026-11-21T10:00:01Z"),
            &format!("{key} size=7 root={root} at=today"),
            &format!("{key} size=7 root=0a at=2026-11-21T10:00:01Z"),
            &format!("{line} x"),
            &line.replace("size", "rows"),
        ] {
            assert!(first_keys(wrong).is_none(), "{wrong}");
        }
    }
}
