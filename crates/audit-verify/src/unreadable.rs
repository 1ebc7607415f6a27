//! The error if there is no report.

use std::{io, path::Path};

/// The input could not be read to its end. This neither proves nor disproves a change of the log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// A file could not be opened or read.
    #[error("{path}: {error}")]
    File {
        /// Path of the file.
        path: String,
        /// Cause.
        error: io::Error,
    },
    /// A line of an export does not have the expected form.
    #[error("line {line} of the export {}", visible(.why))]
    Line {
        /// Number of the line, from 1.
        line: u64,
        /// Cause.
        why: String,
    },
    /// A file of exported checkpoints holds none of this log.
    #[error(
        "{path} holds no checkpoint of this log: give another file, or save this one as UTF-8 with \
         line feeds"
    )]
    NoCheckpoint {
        /// Path of the file.
        path: String,
    },
    /// The export has no end line: it was truncated, or is still being written.
    #[error("the export has no end line: it is truncated or still being written")]
    Truncated,
    /// The counts in the end line differ from the lines of the export.
    #[error("the end line of the export states {said} {what}, but the export has {counted}")]
    Miscounted {
        /// Rows or checkpoints.
        what: &'static str,
        /// Count in the end line.
        said: u64,
        /// Count in the file.
        counted: u64,
    },
    /// The proof of a row does not have the one accepted form.
    #[error("the proof cannot be read: {}", visible(.0))]
    Proof(String),
    /// SQLite could not read the database.
    #[error("the database cannot be read: {}", visible(&.0.to_string()))]
    Database(rusqlite::Error),
    /// The database is not a database of fourauth.
    #[error("the database {0}")]
    Schema(String),
    /// The log exceeds a limit of the verifier.
    #[error("the log has more than {limit} {what}, which is the limit of the verifier")]
    TooMany {
        /// Plural noun for the items.
        what: &'static str,
        /// Most items that are kept.
        limit: usize,
    },
}

/// Makes text from an untrusted file safe to print: escapes special characters, bounds the length.
fn visible(text: &str) -> String {
    const LONGEST: usize = 500;

    escaped(text.chars().take(LONGEST))
}

/// Text with its special characters escaped.
pub(crate) fn escaped(text: impl Iterator<Item = char>) -> String {
    let is_plain = |letter: char| matches!(letter, ' '..='~') || letter.is_alphanumeric();
    let shown = |letter: char| match letter {
        letter if is_plain(letter) => letter.to_string(),
        letter => letter.escape_default().to_string(),
    };
    text.map(shown).collect()
}

/// Not as its source: the text has the cause already.
impl From<rusqlite::Error> for Unreadable {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl Unreadable {
    pub(crate) fn file(path: &Path, error: io::Error) -> Self {
        Self::File { path: path.display().to_string(), error }
    }
}
