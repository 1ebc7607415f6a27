//! What local commands print.
//!
//! Names, details and addresses come from a database, a file or a peer, and may hold control
//! characters of terminals. They were escaped when they were written, but a changed database may
//! hold anything. So every line is printed by this module, and clippy rejects other ways to print.
//! Line feeds in a text are kept, so a value inside it must be on one line: see [`printable`] and
//! the module `table`.

use crate::output::{OutputError, write_line, write_note, write_once};
pub(crate) use fourauth_protocol::printable::printable;
use fourauth_protocol::printable::{PrintableJson, printable_lines};
use serde::Serialize;
use std::fmt;

/// Prints lines to standard output, with control characters escaped. Fails if they do not arrive.
macro_rules! print_out {
    ($($part:tt)*) => { $crate::screen::out(format_args!($($part)*)) };
}

/// Prints lines that are shown only once to standard output, with control characters escaped.
macro_rules! print_once {
    ($($part:tt)*) => { $crate::screen::once(format_args!($($part)*)) };
}

/// Prints lines to standard error, with control characters escaped.
macro_rules! print_err {
    ($($part:tt)*) => { $crate::screen::err(format_args!($($part)*)) };
}

pub(crate) fn out(text: fmt::Arguments<'_>) -> Result<(), OutputError> {
    write_line(&printable_lines(&text.to_string()))
}

pub(crate) fn once(text: fmt::Arguments<'_>) -> Result<(), OutputError> {
    write_once(&printable_lines(&text.to_string()))
}

pub(crate) fn err(text: fmt::Arguments<'_>) {
    write_note(&printable_lines(&text.to_string()));
}

/// Prints a value as one line of JSON.
///
/// # Errors
///
/// If the value cannot be serialised or written.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    Ok(write_line(&PrintableJson(&serde_json::to_string(value)?).to_string())?)
}
