//! Formats the devices of an account as a table.

use crate::table::{instant, with_ids};
use fourauth_protocol::{answer::DeviceRow, printable::printable};

/// Formats the rows in the given order, as wide as the terminal. Escapes untrusted text.
pub(crate) fn table(rows: &[DeviceRow]) -> String {
    let mut table = with_ids(["name", "address", "bound (UTC)", "by", "last seen (UTC)", "id"]);
    for row in rows {
        table.add_row([
            printable(&row.name),
            printable(&row.mac),
            instant(row.bound_at),
            printable(row.bound_by.as_str()),
            instant(row.last_seen),
            printable(&row.device_id),
        ]);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_protocol::time::UnixMillis;

    #[test]
    fn a_device_is_shown_without_control_characters() {
        let row = DeviceRow {
            name: "lap\u{1b}[2Jtop".into(),
            device_id: "21fe31dfa154a261626bf854046fd227".into(),
            mac: "00:1b:44:11:3a:b7".into(),
            bound_at: UnixMillis(1_740_830_400_000),
            bound_by: "first_login".into(),
            last_seen: UnixMillis(1_740_830_460_000),
        };
        let shown = table(&[row]);
        assert!(shown.contains("00:1b:44:11:3a:b7") && shown.contains("first_login"));
        assert!(shown.lines().all(|line| !line.chars().any(char::is_control)), "{shown:?}");
    }
}
