//! Says whether anybody has changed the audit log, and where.
//!
//! It needs no server and shares with it only the formats of `fourauth-audit`; docs/AUDIT.md is
//! their specification, and what each finding means. Rows are read once, in the order of the tree;
//! what is kept of them is the tree's right edge, the ends of the chains, and the numbers of erased
//! rows until the row that erased them turns up.
//!
//! | to see | read |
//! |---|---|
//! | what is done with each row | `auditor` |
//! | how a row is held against its leaf | `row` |
//! | how checkpoints are held against the tree | `signed` |
//! | when a row may lack its name | `erasures` |
//! | what is read, and how it is kept from doing harm | `database`, `export` |
//!
//! **Invariant**: whatever a file contains, there is a report or an error. Nothing is written.

mod auditor;
mod chains;
mod database;
mod epochs;
mod erasures;
mod export;
mod exported;
mod finding;
mod instant;
mod lines;
mod options;
mod report;
mod rollbacks;
mod row;
mod signed;
mod unreadable;

pub use exported::for_each_note;
pub use finding::{Finding, Kind};
pub use options::Options;
pub use report::{Input, Report};
pub use unreadable::Unreadable;

use std::{fs::File, io::Read as _, path::Path};

/// What a SQLite database begins with (<https://www.sqlite.org/fileformat.html>, §1.3).
const SQLITE: &[u8; 16] = b"SQLite format 3\0";

/// Checks a database file of SQLite, or what `fourauthd audit export` wrote.
///
/// # Errors
///
/// [`Unreadable`] if it is neither, ends too early, or a file that the options name cannot be read.
/// Nothing has been proved then, and nothing disproved.
pub fn verify(input: &Path, options: &Options) -> Result<Report, Unreadable> {
    let mut beginning = Vec::new();
    let file = File::open(input).map_err(|source| Unreadable::file(input, source))?;
    file.take(SQLITE.len() as u64)
        .read_to_end(&mut beginning)
        .map_err(|source| Unreadable::file(input, source))?;
    if beginning == SQLITE {
        database::verify(input, options)
    } else {
        export::verify(input, options)
    }
}
