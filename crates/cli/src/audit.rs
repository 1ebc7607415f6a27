//! Formats rows of the audit log as a table.

use crate::table::{instant, wrapped};
use fourauth_protocol::{answer::AuditRow, printable::printable};

/// Formats the rows in the given order, as wide as the terminal. Escapes untrusted text.
pub(crate) fn table(rows: &[AuditRow]) -> String {
    let mut table = wrapped(["id", "time (UTC)", "user", "action", "success", "detail"]);
    for row in rows {
        table.add_row([
            row.id.to_string(),
            instant(row.ts_utc),
            row.username.as_deref().map_or_else(|| "-".to_owned(), printable),
            printable(row.action.as_str()),
            if row.success { "yes" } else { "no" }.to_owned(),
            printable(&row.detail),
        ]);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_protocol::time::UnixMillis;

    #[test]
    fn a_row_is_shown_without_control_characters() {
        let row = AuditRow {
            id: 7,
            ts_utc: UnixMillis(1_740_830_400_000),
            username: Some("eve\u{1b}]0;owned\u{7}".into()),
            action: "login".into(),
            success: false,
            detail: "a\rb".into(),
        };
        let shown = table(&[row]);
        assert!(shown.contains("2025-03-01 12:00:00.000Z") && shown.contains("login"));
        assert!(shown.lines().all(|line| !line.chars().any(char::is_control)), "{shown:?}");
    }
}
