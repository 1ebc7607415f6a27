//! Output of local commands.
//!
//! Names, details and addresses come from a database, a file or a peer, and may hold control
//! characters of terminals. They were escaped when they were written, but a changed database may
//! hold anything. So every line is printed by this module, and clippy rejects other ways to print.
//! Line feeds in a text are kept, so a value inside it must be on one line: see [`table`] and
//! [`printable`].

use comfy_table::{Table, presets::UTF8_BORDERS_ONLY};
pub(crate) use fourauth_protocol::printable::printable;
use fourauth_protocol::printable::{PrintableJson, printable_lines};
use serde::Serialize;
use std::fmt;

/// Prints lines to standard output, with control characters escaped.
macro_rules! print_out {
    ($($part:tt)*) => { $crate::screen::out(format_args!($($part)*)) };
}

/// Prints lines to standard error, with control characters escaped.
macro_rules! print_err {
    ($($part:tt)*) => { $crate::screen::err(format_args!($($part)*)) };
}

#[expect(clippy::print_stdout, reason = "prints escaped lines only")]
pub(crate) fn out(text: fmt::Arguments<'_>) {
    println!("{}", printable_lines(&text.to_string()));
}

#[expect(clippy::print_stderr, reason = "prints escaped lines only")]
pub(crate) fn err(text: fmt::Arguments<'_>) {
    eprintln!("{}", printable_lines(&text.to_string()));
}

/// A table with one line per row: a value cannot add a line that looks like another row.
pub(crate) fn table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY);
    table.set_header(header);
    table.add_rows(rows.into_iter().map(|row| row.map(|value| printable(&value))));
    table
}

/// Prints a value as one line of JSON.
///
/// # Errors
///
/// If the value cannot be serialised.
#[expect(clippy::print_stdout, reason = "prints escaped JSON only")]
pub(crate) fn json(value: &impl Serialize) -> Result<(), serde_json::Error> {
    println!("{}", PrintableJson(&serde_json::to_string(value)?));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_in_a_table_cannot_add_a_line() {
        let row = |name: &str| [name.to_owned(), "active".to_owned()];
        let plain = table(["username", "state"], [row("alice")]).to_string();
        let forged = table(["username", "state"], [row("alice\nbob\r\u{1b}[2K")]).to_string();
        assert_eq!(plain.lines().count(), forged.lines().count());
        assert!(forged.contains(r"alice\u{a}bob\u{d}\u{1b}[2K"), "{forged}");
    }
}
