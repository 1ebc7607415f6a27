//! A limit on the work that an untrusted SQLite file can cause.
//!
//! Pages of a crafted file refer to each other, so that a few kilobytes hold more rows than can ever be
//! read. The schema is a table too, and SQLite reads it before the first statement.

use rusqlite::Connection;

/// Steps of SQLite's virtual machine between two checks of the limit.
const AT_ONCE: i32 = 100_000;

/// Limit for an empty file, in units of [`AT_ONCE`] steps.
const LEAST: u64 = 20;

/// Steps added to the limit for each byte of the file. The smallest row has 6 bytes, and reading each
/// row takes about 40 steps. An import reads each table four times.
const STEPS_PER_BYTE: u64 = 40;

/// Interrupts SQLite after many more steps than all reads of a file of `size` bytes need. Must be
/// called before the first statement.
///
/// # Errors
///
/// If the connection belongs to several threads.
pub(crate) fn limit_steps(database: &Connection, size: u64) -> rusqlite::Result<()> {
    let mut left = LEAST
        .saturating_add(size.saturating_mul(STEPS_PER_BYTE) / u64::from(AT_ONCE.unsigned_abs()));
    let is_over = move || {
        left = left.saturating_sub(1);
        left == 0
    };
    database.progress_handler(AT_ONCE, Some(is_over))
}
