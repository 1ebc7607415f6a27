//! `fourauthd audit show`: rows as a table.

use crate::local::LocalStore;
use clap::Args;
use comfy_table::{Table, presets::UTF8_BORDERS_ONLY};
use fourauth_protocol::printable::is_unprintable;
use fourauth_store::AuditQuery;

/// Which rows to show, newest first.
#[derive(Debug, Args)]
pub(super) struct Filter {
    /// Rows about this name
    #[arg(long)]
    user: Option<String>,
    /// Rows of this action
    #[arg(long)]
    action: Option<String>,
    /// Successes only
    #[arg(long, conflicts_with = "failures")]
    successes: bool,
    /// Failures only
    #[arg(long)]
    failures: bool,
    /// The one row with this number
    #[arg(long)]
    id: Option<i64>,
    /// Most rows, never more than 500
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
}

impl Filter {
    /// Prints the rows.
    pub(super) async fn run(self, local: &LocalStore) -> anyhow::Result<()> {
        let query = AuditQuery {
            success: if self.successes { Some(true) } else { self.failures.then_some(false) },
            username: self.user,
            action: self.action,
            id: self.id,
            before_id: None,
            limit: self.limit,
        };
        let mut table = Table::new();
        table.load_style(UTF8_BORDERS_ONLY);
        table.set_header(["id", "time", "username", "action", "", "detail"]);
        for row in local.store.audit_rows(&query).await? {
            table.add_row([
                row.id.to_string(),
                row.ts_utc.to_string(),
                visible(&row.username.unwrap_or_default()),
                visible(&row.action),
                if row.success { "ok".into() } else { "failed".into() },
                visible(&row.detail),
            ]);
        }
        println!("{table}");
        Ok(())
    }
}

/// The text with what a terminal would obey spelt out. It was when the row was written; but whoever
/// changes the database could write anything, and here is where one looks for it.
fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unprintable(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_was_forged_cannot_hide_from_the_terminal() {
        assert_eq!(visible("ok \u{1b}[1A\u{1b}[2K\r"), "ok \\u{1b}[1A\\u{1b}[2K\\u{d}");
        assert_eq!(visible("Ålesund 田中 \\u{1b}"), "Ålesund 田中 \\u{1b}");
    }
}
