//! Tables of local commands: for people on a terminal, for programs as JSON.
//!
//! On a terminal a table is as wide as the terminal, and long values take several lines. In a pipe
//! each row is one line, its values divided by tabs, so that `grep` and `cut` can work on it.

use crate::{
    output::{OutputError, write_line},
    screen::{self, printable},
};
use comfy_table::{ContentArrangement, Table as Drawn, presets::UTF8_BORDERS_ONLY};
use fourauth_protocol::time::UnixMillis;
use serde::Serialize;
use std::io::{IsTerminal as _, stdout};

/// Format of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::Args)]
pub struct Format {
    /// Print one JSON object per row
    #[arg(long)]
    json: bool,
}

impl Format {
    /// Prints the rows: as JSON, or as a table with this header and `cells`.
    ///
    /// # Errors
    ///
    /// If the rows cannot be serialised or written.
    pub(crate) fn print<R: Serialize, const N: usize>(
        self,
        header: [&str; N],
        rows: &[R],
        cells: impl Fn(&R) -> [String; N],
    ) -> anyhow::Result<()> {
        if self.json {
            return rows.iter().try_for_each(screen::json);
        }
        Ok(Table { header, rows: rows.iter().map(cells).collect() }.print()?)
    }

    /// True for JSON, which nothing else may be printed beside.
    pub(crate) const fn is_json(self) -> bool {
        self.json
    }
}

/// A table with one line per row: a value cannot add a line that looks like another row.
pub(crate) struct Table<'a, const N: usize> {
    pub(crate) header: [&'a str; N],
    pub(crate) rows: Vec<[String; N]>,
}

impl<const N: usize> Table<'_, N> {
    /// Prints the table in the form that suits the reader of standard output.
    pub(crate) fn print(&self) -> Result<(), OutputError> {
        if stdout().is_terminal() {
            return print_out!("{}", self.drawn());
        }
        match self.lines() {
            lines if lines.is_empty() => Ok(()),
            // Escaped already, except for the tabs between the values.
            lines => write_line(&lines.join("\n")),
        }
    }

    /// The table in a frame, as wide as the terminal if there is one.
    fn drawn(&self) -> Drawn {
        let mut drawn = Drawn::new();
        drawn.load_style(UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
        drawn.set_header(self.header);
        drawn.add_rows(self.rows.iter().map(|row| row.each_ref().map(|value| breakable(value))));
        drawn
    }

    /// A line for each row, without the header.
    fn lines(&self) -> Vec<String> {
        let line = |row: &[String; N]| row.each_ref().map(|value| printable(value)).join("\t");
        self.rows.iter().map(line).collect()
    }
}

/// A value for a table. A narrow column breaks lines at spaces, so an instant has one before its time.
fn breakable(value: &str) -> String {
    let is_instant = UnixMillis::parse(value).is_ok();
    if is_instant { value.replacen('T', " ", 1) } else { printable(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORGED: &str = "alice\nbob\r\t\u{1b}[2K";
    const ESCAPED: &str = r"alice\u{a}bob\u{d}\u{9}\u{1b}[2K";

    fn of(names: &[&str]) -> Table<'static, 2> {
        let row = |name: &&str| [(*name).to_owned(), "active".to_owned()];
        Table { header: ["username", "state"], rows: names.iter().map(row).collect() }
    }

    #[test]
    fn a_value_in_a_table_cannot_add_a_line() {
        let plain = of(&["alice"]).drawn().to_string();
        let forged = of(&[FORGED]).drawn().to_string();
        assert_eq!(plain.lines().count(), forged.lines().count());
        assert!(forged.contains(ESCAPED), "{forged}");
    }

    #[test]
    fn a_row_in_a_pipe_is_one_line_with_tabs() {
        let lines = of(&[FORGED, "carol"]).lines();
        assert_eq!(lines, [format!("{ESCAPED}\tactive"), "carol\tactive".to_owned()]);
    }

    #[test]
    fn an_instant_in_a_narrow_column_breaks_before_its_time() {
        let long = "a long detail of a row, ".repeat(20);
        let table = Table {
            header: ["time", "detail"],
            rows: vec![["2026-11-21T10:00:00.123Z".to_owned(), long]],
        };
        let lines = table.drawn().set_width(40).to_string();
        assert!(lines.contains(" 2026-11-21 ") && lines.contains(" 10:00:00.123Z "), "{lines}");
    }

    #[test]
    fn a_table_is_as_wide_as_the_terminal() {
        let long = "a long detail of a row, ".repeat(20);
        let table = of(&[&long]);
        let mut drawn = table.drawn();
        let lines = drawn.set_width(80).to_string();
        assert!(lines.lines().all(|line| line.chars().count() <= 80), "{lines}");
        // Without a width, as in a pipe, a frame is as wide as its longest value.
        assert!(table.drawn().to_string().lines().any(|line| line.chars().count() > 400));
    }
}
