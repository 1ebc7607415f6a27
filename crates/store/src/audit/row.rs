//! The audit log: one row for every attempt, written in the same transaction as its effects.
//!
//! The columns are those of 4Auth's log viewer. Rows are appended and read, never changed.

use crate::{
    audit::evidence::Unsealed,
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
    store::Store,
    visible::visible,
};
use fourauth_protocol::{answer::AuditRow, time::UnixMillis};
use sqlx::AssertSqlSafe;

const TABLE: &str = "access_logs";
const COLUMNS: &str = "SELECT id, ts_utc, username, action, success, detail FROM access_logs";

/// Longest stored name, in characters. A claimed name need not be valid.
pub(crate) const MAX_USERNAME: usize = 128;

/// Longest stored action and detail, in characters.
pub(crate) const MAX_DETAIL: usize = 1000;

/// Most rows that one query returns.
pub const MAX_ROWS: u32 = 500;

/// A row to be written.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    /// Arrival time of the attempt.
    pub at: UnixMillis,
    /// The claimed name, if any.
    pub username: Option<String>,
    /// The action: `login`, `register`, `recover_totp` and so on. Never text from a peer.
    pub action: &'static str,
    /// True if it succeeded.
    pub success: bool,
    /// The reason, and the finding of each factor.
    pub detail: String,
}

/// Number of a row. Numbers increase, but on PostgreSQL with gaps and not in the order of commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuditId(pub i64);

/// Filters of a query. A row must match every filter that is set.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    /// Rows with this claimed name.
    pub username: Option<String>,
    /// Rows with this action.
    pub action: Option<String>,
    /// Successes only, or failures only.
    pub success: Option<bool>,
    /// The one row with this number.
    pub id: Option<i64>,
    /// Rows older than the one with this number.
    pub before_id: Option<i64>,
    /// Most rows to return, never more than [`MAX_ROWS`].
    pub limit: u32,
}

impl Tx {
    /// Appends a row with its texts escaped and truncated. Its leaf is written before the commit.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn append(&mut self, entry: &AuditEntry) -> Result<AuditId, Error> {
        self.append_row(Unsealed {
            id: 0,
            ts_utc: entry.at.to_string(),
            username: entry.username.as_deref().map(|name| visible(name, MAX_USERNAME)),
            action: entry.action.to_owned(),
            success: entry.success,
            detail: visible(&entry.detail, MAX_DETAIL),
        })
        .await
    }

    /// Appends a row unchanged. The database assigns the id.
    pub(crate) async fn append_row(&mut self, row: Unsealed) -> Result<AuditId, Error> {
        const SQL: &str = "INSERT INTO access_logs (ts_utc, username, action, success, detail) \
                           VALUES ($1, $2, $3, $4, $5) RETURNING id";

        let values = [
            Value::Text(&row.ts_utc),
            Value::TextOrNull(row.username.as_deref()),
            Value::Text(&row.action),
            Value::Int(row.success.into()),
            Value::Text(&row.detail),
        ];
        let inserted = self.rows(SQL, &values).await?;
        let inserted = inserted.first().ok_or(Error::Corrupt { table: TABLE, column: "id" })?;
        let id = inserted.int(TABLE, "id")?;
        self.unsealed.push(Unsealed { id, ..row });
        Ok(AuditId(id))
    }
}

impl Store {
    /// Appends a row in its own transaction, without other changes.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn append(&self, entry: AuditEntry) -> Result<AuditId, Error> {
        self.write(move |tx| Box::pin(async move { tx.append(&entry).await })).await
    }

    /// Rows, newest first.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn audit_rows(&self, query: &AuditQuery) -> Result<Vec<AuditRow>, Error> {
        // Stored names are escaped, so the filter is escaped too.
        let username = query.username.as_deref().map(|name| visible(name, MAX_USERNAME));
        let action = query.action.as_deref().map(|action| visible(action, MAX_DETAIL));
        let (sql, values) = query.statement(username.as_deref(), action.as_deref());
        // The SQL contains only constants of `statement`; the values of the filters are bound.
        let rows = self.rows(AssertSqlSafe(sql), &values).await?;
        rows.iter().map(read).collect()
    }
}

impl AuditQuery {
    /// Builds the statement. It has a condition only for each filter that is set, so that the
    /// database can use the index.
    fn statement<'a>(
        &self,
        username: Option<&'a str>,
        action: Option<&'a str>,
    ) -> (String, Vec<Value<'a>>) {
        let conditions = [
            ("username =", username.map(Value::Text)),
            ("action =", action.map(Value::Text)),
            ("success =", self.success.map(|success| Value::Int(success.into()))),
            ("id =", self.id.map(Value::Int)),
            ("id <", self.before_id.map(Value::Int)),
        ];
        let given = conditions.into_iter().filter_map(|(text, value)| Some((text, value?)));
        let (texts, mut values): (Vec<_>, Vec<_>) = given.unzip();
        let numbered = |(text, number): (&str, usize)| format!("{text} ${number}");
        let conditions: Vec<String> = texts.into_iter().zip(1..).map(numbered).collect();
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

fn read(row: &Row) -> Result<AuditRow, Error> {
    Ok(AuditRow {
        id: row.int(TABLE, "id")?,
        ts_utc: instant(row)?,
        username: row.text_or_null(TABLE, "username")?,
        action: row.text(TABLE, "action")?,
        success: row.flag(TABLE, "success")?,
        detail: row.text(TABLE, "detail")?,
    })
}

fn instant(row: &Row) -> Result<UnixMillis, Error> {
    let text = row.text(TABLE, "ts_utc")?;
    UnixMillis::parse(&text).map_err(|_| Error::Corrupt { table: TABLE, column: "ts_utc" })
}
