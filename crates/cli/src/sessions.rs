//! Formats the sessions of an account as a table.

use comfy_table::{ContentArrangement, Table, presets};
use fourauth_protocol::{answer::SessionRow, printable::printable};

/// Formats the rows in the given order, as wide as the terminal. Escapes untrusted text.
pub(crate) fn table(rows: &[SessionRow]) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(["", "from", "device", "level", "opened (UTC)", "last seen (UTC)", "id"]);
    for row in rows {
        let device = row.device.as_ref().or(row.mac.as_ref());
        table.add_row([
            if row.current { "this".to_owned() } else { String::new() },
            printable(&row.peer),
            device.map(|device| printable(device)).unwrap_or_default(),
            row.level.map(|level| level.to_string()).unwrap_or_default(),
            row.opened_at.to_string(),
            row.last_seen.to_string(),
            printable(&row.id),
        ]);
    }
    table.to_string()
}
