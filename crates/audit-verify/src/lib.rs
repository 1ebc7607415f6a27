//! Checks an audit log for changes and reports where they are.
//!
//! The verifier needs no server and shares only the formats of `fourauth-audit` with it.
//! docs/AUDIT.md specifies the formats and the findings.
//!
//! Rows are read once, in the order of the tree. Only the tree's right edge, the ends of the chains
//! and the ids of erased rows are kept, the latter until the row of their erasure is read.
//!
//! | to see | read |
//! |---|---|
//! | how each row is checked | `auditor` |
//! | how a row is compared with its leaf | `row` |
//! | how checkpoints are compared with the tree | `signed` |
//! | what an auditor keeps of the moment in which a key was handed over | `handover` |
//! | when a row may lack its name | `erasures` |
//! | how untrusted files are read | `database`, `export` |
//! | how the proof of a single row is checked | `proof` |
//!
//! **Invariant**: every input yields a report or an error. Nothing is written.

mod auditor;
mod chains;
mod database;
mod epochs;
mod erasures;
mod export;
mod exported;
mod finding;
mod handover;
mod instant;
mod lateness;
mod lines;
mod options;
mod proof;
mod report;
mod rollbacks;
mod row;
mod signed;
mod unreadable;

pub use exported::{for_each_note, for_each_note_after};
pub use finding::{Finding, Kind};
pub use handover::{Handover, first_keys};
pub use lateness::rows;
pub use options::Options;
pub use report::{Input, Report};
pub use unreadable::Unreadable;

use fourauth_audit::row_proof::BEGINNING;
use std::{fs::File, io::Read as _, path::Path};

/// First bytes of a SQLite database (<https://www.sqlite.org/fileformat.html>, §1.3).
const SQLITE: &[u8; 16] = b"SQLite format 3\0";

/// Checks a SQLite database file, a file written by `fourauthd audit export`, or the proof of a row.
///
/// # Errors
///
/// [`Unreadable`] if the input is something else or is incomplete, or if a file in the options cannot be
/// read. The error neither proves nor disproves a change.
pub fn verify(input: &Path, options: &Options) -> Result<Report, Unreadable> {
    let mut beginning = Vec::new();
    let file = File::open(input).map_err(|source| Unreadable::file(input, source))?;
    file.take(SQLITE.len().max(BEGINNING.len()) as u64)
        .read_to_end(&mut beginning)
        .map_err(|source| Unreadable::file(input, source))?;
    if beginning.starts_with(SQLITE) {
        database::verify(input, options)
    } else if beginning.starts_with(BEGINNING.as_bytes()) {
        proof::verify(input, options)
    } else {
        export::verify(input, options)
    }
}
