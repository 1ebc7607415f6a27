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
    #[error("line {line} of the export {why}")]
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
    #[error("the database cannot be read: {0}")]
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

impl Unreadable {
    pub(crate) fn file(path: &Path, source: io::Error) -> Self {
        Self::File { path: path.display().to_string(), source }
    }
}
