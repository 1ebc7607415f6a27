//! The form of the tables that answers are shown in.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use fourauth_protocol::time::UnixMillis;

/// A table as wide as the terminal. Long values take several lines, except in the last column: an id
/// that is to be copied stays in one piece.
pub(crate) fn with_ids<const N: usize>(header: [&str; N]) -> Table {
    let mut table = wrapped(header);
    if let Some(last) = table.column_mut(N.saturating_sub(1)) {
        last.set_constraint(ColumnConstraint::ContentWidth);
    }
    table
}

/// A table as wide as the terminal, in which long values take several lines.
pub(crate) fn wrapped<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header);
    table
}

/// An instant for a table. A narrow column breaks lines at spaces, so there is one before the time.
pub(crate) fn instant(at: UnixMillis) -> String {
    at.to_string().replacen('T', " ", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_in_one_piece_however_narrow_the_table() {
        let id = "387603cc1edc12a09545d460967ae33a";
        let mut table = with_ids(["from", "device", "last seen (UTC)", "id"]);
        let at = instant(UnixMillis(1_740_830_400_000));
        table.add_row(["192.0.2.7", "a machine with a long name", &at, id]);
        table.set_width(75);
        let drawn = table.to_string();
        assert!(drawn.contains(id), "{drawn}");
        assert!(drawn.contains("2025-03-01"), "{drawn}");
    }
}
