//! `fourauthd audit show`: rows as a table, as lines, or as JSON.

use crate::{local_store::LocalStore, table::Format};
use clap::Args;
use fourauth_protocol::time::UnixMillis;
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
    /// Rows of this instant or a later one: 2026-11-21, 2026-11-21T10:00, or with seconds and a zone;
    /// without a zone, UTC
    #[arg(long, value_name = "WHEN", value_parser = second)]
    since: Option<UnixMillis>,
    /// Rows from before this instant
    #[arg(long, value_name = "WHEN", value_parser = second)]
    before: Option<UnixMillis>,
    /// The one row with this number
    #[arg(long)]
    id: Option<i64>,
    /// Rows older than the one with this number: the next page
    #[arg(long, value_name = "ID")]
    before_id: Option<i64>,
    /// Most rows, never more than 500
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
    #[command(flatten)]
    format: Format,
}

impl Filter {
    /// The filter for this row only, if there is one.
    pub(super) fn of(self, row: Option<i64>) -> Self {
        Self { id: row.or(self.id), ..self }
    }

    /// Prints the rows.
    pub(super) async fn run(self, local: &LocalStore) -> anyhow::Result<()> {
        let query = AuditQuery {
            success: if self.successes { Some(true) } else { self.failures.then_some(false) },
            username: self.user,
            action: self.action,
            id: self.id,
            before_id: self.before_id,
            since: self.since,
            before: self.before,
            after_id: None,
            limit: self.limit,
        };
        let rows = local.store.audit_rows(&query).await?;
        let header = ["id", "time", "username", "action", "", "detail"];
        self.format.print(header, &rows, |row| {
            let outcome = if row.success { "ok" } else { "failed" };
            let (id, at) = (row.id.to_string(), row.ts_utc.to_string());
            let username = row.username.clone().unwrap_or_default();
            [id, at, username, row.action.to_string(), outcome.to_owned(), row.detail.clone()]
        })
    }
}

/// Reads an instant of whole seconds. A date is its beginning, and a time without a zone is in UTC.
fn second(text: &str) -> Result<UnixMillis, String> {
    let forms = [text.to_owned(), format!("{text}Z"), format!("{text}T00:00Z")];
    let at = forms.iter().find_map(|form| UnixMillis::parse(form).ok());
    match at {
        Some(at) if at.0 % 1000 == 0 => Ok(at),
        Some(_) => Err("give whole seconds".to_owned()),
        None => Err("not an instant; write 2026-11-21 or 2026-11-21T10:00:00Z".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_a_date_or_a_time_in_utc_or_a_zone() {
        let read = |text| second(text).map(|at| at.to_string());
        let noon = UnixMillis::parse("2026-11-21T12:00:00Z").unwrap().to_string();
        for text in ["2026-11-21T12:00", "2026-11-21T12:00:00", "2026-11-21T13:00:00+01:00"] {
            assert_eq!(read(text), Ok(noon.clone()), "{text}");
        }
        let midnight = UnixMillis::parse("2026-11-21T00:00:00Z").unwrap().to_string();
        assert_eq!(read("2026-11-21"), Ok(midnight));
        for text in ["yesterday", "2026-11-21T12:00:00.5Z", "1764158400", ""] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
