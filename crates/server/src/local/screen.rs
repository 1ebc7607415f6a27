//! What local administration prints.
//!
//! Names, details and addresses come from a database, a file or a peer, and may hold characters that a
//! terminal obeys. They were escaped when they were written; a database that was changed may hold
//! anything. So every line goes through here, and clippy refuses another way out. A text of several
//! lines stays one, so a value that is put into it must be on one line: see [`table`] and [`printable`].

use comfy_table::{Table, presets::UTF8_BORDERS_ONLY};
pub(crate) use fourauth_protocol::printable::printable;
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

/// A table with one line for each row: a value cannot make a line that looks like another row.
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
/// If it cannot be JSON.
#[expect(clippy::print_stdout, reason = "escapes as well")]
pub(crate) fn json(value: &impl Serialize) -> Result<(), serde_json::Error> {
    println!("{}", PrintableJson(&serde_json::to_string(value)?));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_in_a_table_makes_no_line_of_its_own() {
        let row = |name: &str| [name.to_owned(), "active".to_owned()];
        let plain = table(["username", "state"], [row("alice")]).to_string();
        let forged = table(["username", "state"], [row("alice\nbob\r\u{1b}[2K")]).to_string();
        assert_eq!(plain.lines().count(), forged.lines().count());
        assert!(forged.contains(r"alice\u{a}bob\u{d}\u{1b}[2K"), "{forged}");
    }
}
