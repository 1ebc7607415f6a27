//! `fourauthd audit show`: rows as a table.

use crate::local::LocalStore;
use clap::Args;
use comfy_table::{Table, presets::UTF8_BORDERS_ONLY};
use fourauth_protocol::printable::printable;
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
                printable(&row.username.unwrap_or_default()),
                printable(&row.action),
                if row.success { "ok".into() } else { "failed".into() },
                printable(&row.detail),
            ]);
        }
        say!("{table}");
        Ok(())
    }
}
