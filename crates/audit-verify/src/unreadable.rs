//! Why there is no report.

use std::{io, path::Path};

/// The input could not be read to its end. It says neither that the log was changed nor that it
/// was not.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// The operating system gave no file, or not all of it.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A line of an export is not what stands there.
    #[error("line {line} of the export {}", visible(.why))]
    Line {
        /// Which, from 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The export has no last line: it was cut short, or is still being written.
    #[error("the export ends before its last line: it was cut short")]
    Truncated,
    /// The last line does not count what stands above it.
    #[error("the export says that it has {said} {what} and has {counted}: something was cut out")]
    Miscounted {
        /// Rows or checkpoints.
        what: &'static str,
        /// By the last line.
        said: u64,
        /// In the file.
        counted: u64,
    },
    /// SQLite could not read the database.
    #[error("the database cannot be read: {}", visible(&.0.to_string()))]
    Database(#[from] rusqlite::Error),
    /// The database is not one of fourauth's.
    #[error("the database {0}")]
    Schema(String),
    /// There is more of something than any log has.
    #[error("there are more than {limit} {what}: no log has so many")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many are kept in mind.
        limit: usize,
    },
}

/// What is quoted of a file that anybody may have made: no terminal obeys it, and it has an end.
fn visible(text: &str) -> String {
    const LONGEST: usize = 500;

    let is_plain = |letter: char| matches!(letter, ' '..='~') || letter.is_alphanumeric();
    let shown = |letter: char| match letter {
        letter if is_plain(letter) => letter.to_string(),
        letter => letter.escape_default().to_string(),
    };
    text.chars().take(LONGEST).map(shown).collect()
}

impl Unreadable {
    pub(crate) fn file(path: &Path, source: io::Error) -> Self {
        Self::File { path: path.display().to_string(), source }
    }
}
