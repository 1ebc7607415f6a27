//! Rows of text in columns, and counts in words.

use comfy_table::{ContentArrangement, Row, Table, presets::NOTHING};
use std::fmt::{self, Formatter};

/// Rows of text in columns.
///
/// The width of the format, as in `{:80}`, is that of the terminal: longer values take several lines.
/// Without a width each row is one line.
pub(crate) struct Columns<const N: usize> {
    rows: Vec<[String; N]>,
    hidden: Option<usize>,
}

impl<const N: usize> Columns<N> {
    pub(crate) fn new(header: [&str; N]) -> Self {
        Columns { rows: vec![header.map(str::to_owned)], hidden: None }
    }

    pub(crate) fn add(&mut self, row: [String; N]) {
        self.rows.push(row);
    }

    /// Leaves out a column that has no value.
    pub(crate) fn hide(&mut self, column: usize) {
        self.hidden = Some(column);
    }

    pub(crate) fn write(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_style(NOTHING).force_no_tty();
        if let Some(width) = f.width().filter(|width| *width > 0) {
            table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
            table.set_content_arrangement(ContentArrangement::Dynamic);
        }
        let shown = |row: &[String; N]| {
            let cells = row.iter().enumerate().filter(|(column, _)| Some(*column) != self.hidden);
            Row::from(cells.map(|(_, cell)| cell.clone()))
        };
        table.add_rows(self.rows.iter().map(shown));
        table.lines().try_for_each(|line| writeln!(f, " {}", line.trim_end()))
    }
}

/// A count with the word for one or for several.
pub(crate) fn counted<C: TryInto<u64>>(count: C, one: &str, several: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    format!("{count} {}", if count == 1 { one } else { several })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Display;

    struct Shown(Columns<2>);

    impl Display for Shown {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            self.0.write(f)
        }
    }

    #[test]
    fn columns_are_as_wide_as_the_terminal() {
        let mut columns = Columns::new(["enrolled", "strangers accepted (95 % interval)"]);
        columns.add(["5".to_owned(), "0 (0 to 3.5e-4), 0 of 124286, 10659 pairs ".repeat(4)]);
        let shown = Shown(columns);
        assert!(format!("{shown:60}").lines().all(|line| line.chars().count() <= 60));
        assert!(format!("{shown:60}").lines().count() > 3);
        assert_eq!(shown.to_string().lines().count(), 2);
        let Shown(mut columns) = shown;
        columns.hide(1);
        assert!(!Shown(columns).to_string().contains("strangers"));
    }

    #[test]
    fn one_is_not_counted_in_the_plural() {
        assert_eq!(counted(1_usize, "person", "people"), "1 person");
        assert_eq!(counted(0_u64, "pair", "pairs"), "0 pairs");
    }
}
