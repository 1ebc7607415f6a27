//! Reading of the audit log.

use crate::{
    audit::{
        entry::{AuditEntry, AuditId, MAX_DETAIL, TABLE},
        spelling,
    },
    engine::driver::{Row, Value},
    error::Error,
    store::Store,
    visible::visible,
};
use fourauth_protocol::{answer::AuditRow, time::UnixMillis};
use sqlx::AssertSqlSafe;

const COLUMNS: &str = "SELECT id, ts_utc, username, action, success, detail FROM access_logs";

/// Most rows that one query returns.
pub const MAX_ROWS: u32 = 500;

/// Filters of a query. A row must match every filter that is set.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    /// Rows with this claimed name, in any of its usual spellings.
    pub username: Option<String>,
    /// Rows with this action.
    pub action: Option<String>,
    /// Successes only, or failures only.
    pub success: Option<bool>,
    /// The one row with this number.
    pub id: Option<i64>,
    /// Rows older than the one with this number.
    pub before_id: Option<i64>,
    /// Rows newer than the one with this number.
    pub after_id: Option<i64>,
    /// Rows of this second or a later one.
    pub since: Option<UnixMillis>,
    /// Rows of a second before this one.
    pub before: Option<UnixMillis>,
    /// Most rows to return, never more than [`MAX_ROWS`].
    pub limit: u32,
}

impl Store {
    /// Appends a row in its own transaction, without other changes.
    pub async fn append(&self, entry: AuditEntry) -> Result<AuditId, Error> {
        self.write(move |tx| Box::pin(async move { tx.append(&entry).await })).await
    }

    /// Rows, newest first.
    pub async fn audit_rows(&self, query: &AuditQuery) -> Result<Vec<AuditRow>, Error> {
        let names = query.username.as_deref().map(spelling::usual);
        let action = query.action.as_deref().map(|action| visible(action, MAX_DETAIL));
        let (since, before) = (query.since.map(second), query.before.map(second));
        let texts = Texts {
            names: names.as_deref(),
            action: action.as_deref(),
            since: since.as_deref(),
            before: before.as_deref(),
        };
        let (sql, values) = query.statement(&texts);
        // The SQL contains only constants of `statement`; the values of the filters are bound.
        let rows = self.rows(AssertSqlSafe(sql), &values).await?;
        rows.iter().map(read).collect()
    }
}

impl AuditQuery {
    /// Builds the statement. It has a condition only for each filter that is set, so that the
    /// database can use the index.
    fn statement<'a>(&self, texts: &Texts<'a>) -> (String, Vec<Value<'a>>) {
        let (mut conditions, mut values) = (Vec::new(), Vec::new());
        if let Some(names) = texts.names {
            let places: Vec<_> = (1..=names.len()).map(|number| format!("${number}")).collect();
            conditions.push(format!("username IN ({})", places.join(", ")));
            values.extend(names.iter().map(|name| Value::Text(name)));
        }
        let others = [
            ("action =", texts.action.map(Value::Text)),
            ("substr(ts_utc, 1, 19) >=", texts.since.map(Value::Text)),
            ("substr(ts_utc, 1, 19) <", texts.before.map(Value::Text)),
            ("success =", self.success.map(|success| Value::Int(success.into()))),
            ("id =", self.id.map(Value::Int)),
            ("id <", self.before_id.map(Value::Int)),
            ("id >", self.after_id.map(Value::Int)),
        ];
        for (text, value) in others {
            if let Some(value) = value {
                values.push(value);
                conditions.push(format!("{text} ${}", values.len()));
            }
        }
        let filter = if conditions.is_empty() {
            String::new()
        } else {
            format!("WHERE {} ", conditions.join(" AND "))
        };
        values.push(Value::Int(self.limit.min(MAX_ROWS).into()));
        let limit = values.len();
        (format!("{COLUMNS} {filter}ORDER BY id DESC LIMIT ${limit}"), values)
    }
}

/// The texts in the conditions of a statement.
struct Texts<'a> {
    names: Option<&'a [String]>,
    action: Option<&'a str>,
    since: Option<&'a str>,
    before: Option<&'a str>,
}

/// The second of an instant, as rows begin with it. All rows are in UTC, and texts of this form are
/// ordered like their instants in every collation.
pub(crate) fn second(at: UnixMillis) -> String {
    at.to_string().chars().take("2025-03-01T12:00:00".len()).collect()
}

fn read(row: &Row) -> Result<AuditRow, Error> {
    Ok(AuditRow {
        id: row.int(TABLE, "id")?,
        ts_utc: instant(row)?,
        username: row.text_or_null(TABLE, "username")?,
        action: row.text(TABLE, "action")?.into(),
        success: row.flag(TABLE, "success")?,
        detail: row.text(TABLE, "detail")?,
    })
}

fn instant(row: &Row) -> Result<UnixMillis, Error> {
    let text = row.text(TABLE, "ts_utc")?;
    UnixMillis::parse(&text).map_err(|_| Error::Corrupt { table: TABLE, column: "ts_utc" })
}
