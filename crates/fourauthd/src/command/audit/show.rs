//! `fourauthd audit show`: rows as a table.

use crate::{local_store::LocalStore, screen};
use clap::Args;
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
        let rows = local.store.audit_rows(&query).await?.into_iter().map(|row| {
            let outcome = if row.success { "ok" } else { "failed" };
            let (id, at) = (row.id.to_string(), row.ts_utc.to_string());
            let username = row.username.unwrap_or_default();
            [id, at, username, row.action.to_string(), outcome.to_owned(), row.detail]
        });
        print_out!("{}", screen::table(["id", "time", "username", "action", "", "detail"], rows));
        Ok(())
    }
}
