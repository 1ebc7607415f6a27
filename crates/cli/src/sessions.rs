//! Formats the sessions of an account as a table.

use crate::table::{instant, with_ids};
use fourauth_protocol::{answer::SessionRow, printable::printable};

/// Formats the rows in the given order, as wide as the terminal. Escapes untrusted text.
pub(crate) fn table(rows: &[SessionRow]) -> String {
    let mut table =
        with_ids(["", "from", "device", "level", "bound", "opened (UTC)", "last seen (UTC)", "id"]);
    for row in rows {
        let device = row.device.as_ref().or(row.mac.as_ref());
        table.add_row([
            if row.current { "this".to_owned() } else { String::new() },
            printable(&row.peer),
            device.map(|device| printable(device)).unwrap_or_default(),
            row.level.map(|level| level.to_string()).unwrap_or_default(),
            if row.bound { "browser key".to_owned() } else { String::new() },
            instant(row.opened_at),
            instant(row.last_seen),
            printable(&row.id),
        ]);
    }
    table.to_string()
}
