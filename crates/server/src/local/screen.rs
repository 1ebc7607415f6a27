//! What local administration prints.
//!
//! Names, details and addresses come from a database, a file or a peer, and may hold characters that a
//! terminal obeys. They were escaped when they were written; a database that was changed may hold
//! anything. So every line goes through here, and clippy refuses another way out.

use fourauth_protocol::printable::{PrintableJson, printable_lines};
use serde::Serialize;
use std::fmt;

/// Prints a line, or several, to standard output: `println!` for texts from elsewhere.
macro_rules! say {
    ($($part:tt)*) => { $crate::local::screen::out(format_args!($($part)*)) };
}

/// Prints a line to standard error.
macro_rules! note {
    ($($part:tt)*) => { $crate::local::screen::aside(format_args!($($part)*)) };
}

#[expect(clippy::print_stdout, reason = "the one way to standard output, and it escapes")]
pub(crate) fn out(text: fmt::Arguments<'_>) {
    println!("{}", printable_lines(&text.to_string()));
}

#[expect(clippy::print_stderr, reason = "the one way to standard error, and it escapes")]
pub(crate) fn aside(text: fmt::Arguments<'_>) {
    eprintln!("{}", printable_lines(&text.to_string()));
}

/// Prints a value as one line of JSON.
///
/// # Errors
///
/// If it cannot be JSON.
#[expect(clippy::print_stdout, reason = "escapes as well")]
pub(crate) fn json(value: &impl Serialize) -> Result<(), serde_json::Error> {
    println!("{}", PrintableJson(&serde_json::to_string(value)?));
    Ok(())
}
