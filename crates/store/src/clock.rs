//! Clock reports of the servers, and requests of an operator to accept a time step.
//!
//! The timekeeper defines the texts of states and alarms; this module does not interpret them.

use crate::{
    audit::query::AuditQuery,
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
    store::Store,
};
use fourauth_protocol::time::UnixMillis;

const TABLE: &str = "clock";

/// The clock report of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockReport {
    /// The name of the server among those that share the database.
    pub node: String,
    /// `false` once it stopped cleanly. After a crash it stays `true` and `updated` grows old.
    pub running: bool,
    /// The trust in its time, as the timekeeper names it.
    pub state: String,
    /// Largest error of its time, in milliseconds.
    pub error_ms: u32,
    /// The newest instant that it confirmed. Writing `None` keeps the stored one.
    pub vouched: Option<UnixMillis>,
    /// Number of time servers in the last quorum.
    pub agreeing: u32,
    /// Number of configured time servers.
    pub asked: u32,
    /// True if it waits for an operator.
    pub barred: bool,
    /// The time step that an operator can accept, in milliseconds.
    pub offer_ms: Option<i64>,
    /// The last alarm. Writing `None` keeps the stored one.
    pub alarm: Option<Alarm>,
    /// Time of this report, by the system clock.
    pub updated: UnixMillis,
}

/// An event about the time that an operator should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Time of the alarm, by the time that the server used.
    pub at: UnixMillis,
    /// Text of the alarm.
    pub text: String,
}

/// Stored knowledge about the time for a server that starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockPast {
    /// The newest instant that any server of this database confirmed.
    pub vouched: Option<UnixMillis>,
    /// True if any of them waits for an operator.
    pub barred: bool,
}

impl Tx {
    /// Replaces a server's report. A pending request of an operator stays.
    pub async fn report_clock(&mut self, report: &ClockReport) -> Result<(), Error> {
        const SQL: &str = "INSERT INTO clock (node, running, state, error_ms, vouched, agreeing, \
             asked, barred, offer_ms, alarm, alarm_at, updated) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
             ON CONFLICT (node) DO UPDATE SET running = excluded.running, \
             state = excluded.state, error_ms = excluded.error_ms, \
             vouched = CASE excluded.vouched WHEN 0 THEN clock.vouched \
             ELSE excluded.vouched END, \
             agreeing = excluded.agreeing, asked = excluded.asked, barred = excluded.barred, \
             offer_ms = excluded.offer_ms, alarm = COALESCE(excluded.alarm, clock.alarm), \
             alarm_at = CASE excluded.alarm_at WHEN 0 THEN clock.alarm_at \
             ELSE excluded.alarm_at END, \
             updated = excluded.updated";

        let alarm = report.alarm.as_ref();
        let values = [
            Value::Text(&report.node),
            Value::Int(report.running.into()),
            Value::Text(&report.state),
            Value::Int(report.error_ms.into()),
            Value::Int(report.vouched.map_or(0, |instant| instant.0)),
            Value::Int(report.agreeing.into()),
            Value::Int(report.asked.into()),
            Value::Int(report.barred.into()),
            Value::IntOrNull(report.offer_ms),
            Value::TextOrNull(alarm.map(|alarm| alarm.text.as_str())),
            Value::Int(alarm.map_or(0, |alarm| alarm.at.0)),
            Value::Int(report.updated.0),
        ];
        self.execute(SQL, &values).await.map(|_| ())
    }

    /// Asks a server to accept its offered time step of `offer_ms` milliseconds. `false` if there
    /// is no such server.
    pub async fn ask_clock(&mut self, node: &str, offer_ms: i64) -> Result<bool, Error> {
        const SQL: &str = "UPDATE clock SET request_ms = $1, answer = NULL WHERE node = $2";

        self.changes(SQL, &[Value::Int(offer_ms), Value::Text(node)]).await
    }

    /// Removes a request, to answer or withdraw it. `true` for the one caller that removed it.
    pub async fn take_clock_request(&mut self, node: &str) -> Result<bool, Error> {
        const SQL: &str =
            "UPDATE clock SET request_ms = NULL WHERE node = $1 AND request_ms IS NOT NULL";

        self.changes(SQL, &[Value::Text(node)]).await
    }

    /// Records the answer to a request that was taken.
    pub async fn answer_clock_request(&mut self, node: &str, answer: &str) -> Result<(), Error> {
        const SQL: &str = "UPDATE clock SET answer = $1 WHERE node = $2";

        self.execute(SQL, &[Value::Text(answer), Value::Text(node)]).await.map(|_| ())
    }

    /// Records that an operator confirmed the time `now`: clears every bar and lowers later
    /// confirmed instants to `now`, for servers that restart. A running server that differs reports
    /// it again.
    pub async fn reset_clocks(&mut self, now: UnixMillis) -> Result<(), Error> {
        const SQL: &str = "UPDATE clock SET barred = 0, \
             vouched = CASE WHEN vouched > $1 THEN $1 ELSE vouched END";

        self.execute(SQL, &[Value::Int(now.0)]).await.map(|_| ())
    }
}

impl Store {
    /// The reports of all servers, ordered by name.
    pub async fn clock_reports(&self) -> Result<Vec<ClockReport>, Error> {
        const SQL: &str = "SELECT node, running, state, error_ms, vouched, agreeing, asked, \
             barred, offer_ms, alarm, alarm_at, updated FROM clock ORDER BY node";

        self.rows(SQL, &[]).await?.iter().map(read).collect()
    }

    /// The time step in milliseconds that an operator asks this server to accept.
    pub async fn clock_request(&self, node: &str) -> Result<Option<i64>, Error> {
        const SQL: &str = "SELECT request_ms FROM clock WHERE node = $1";

        let row = self.row(SQL, &[Value::Text(node)]).await?;
        row.map_or(Ok(None), |row| row.int_or_null(TABLE, "request_ms"))
    }

    /// The answer to the last request; `None` while it waits.
    pub async fn clock_answer(&self, node: &str) -> Result<Option<String>, Error> {
        const SQL: &str = "SELECT answer FROM clock WHERE node = $1";

        let row = self.row(SQL, &[Value::Text(node)]).await?;
        row.map_or(Ok(None), |row| row.text_or_null(TABLE, "answer"))
    }

    /// Stored knowledge about the time from all servers of this database: a server may restart
    /// under another name.
    ///
    /// A database without reports falls back to the newest successful login. A refused clock cannot
    /// have produced that row; other rows give no such guarantee.
    pub async fn clock_past(&self) -> Result<ClockPast, Error> {
        const SQL: &str = "SELECT COALESCE(MAX(vouched), 0) AS vouched, \
             COALESCE(MAX(barred), 0) AS barred FROM clock";

        let row = self.row(SQL, &[]).await?;
        let row = row.ok_or(Error::Corrupt { table: TABLE, column: "vouched" })?;
        let vouched = match instant(row.int(TABLE, "vouched")?) {
            Some(vouched) => Some(vouched),
            None => self.newest_login().await?,
        };
        Ok(ClockPast { vouched, barred: row.flag(TABLE, "barred")? })
    }

    async fn newest_login(&self) -> Result<Option<UnixMillis>, Error> {
        let query = AuditQuery {
            action: Some("login".into()),
            success: Some(true),
            limit: 1,
            ..AuditQuery::default()
        };
        Ok(self.audit_rows(&query).await?.first().map(|row| row.ts_utc))
    }
}

fn read(row: &Row) -> Result<ClockReport, Error> {
    let text = row.text_or_null(TABLE, "alarm")?;
    let at = UnixMillis(row.int(TABLE, "alarm_at")?);
    Ok(ClockReport {
        node: row.text(TABLE, "node")?,
        running: row.flag(TABLE, "running")?,
        state: row.text(TABLE, "state")?,
        error_ms: count(row, "error_ms")?,
        vouched: instant(row.int(TABLE, "vouched")?),
        agreeing: count(row, "agreeing")?,
        asked: count(row, "asked")?,
        barred: row.flag(TABLE, "barred")?,
        offer_ms: row.int_or_null(TABLE, "offer_ms")?,
        alarm: text.map(|text| Alarm { at, text }),
        updated: UnixMillis(row.int(TABLE, "updated")?),
    })
}

fn count(row: &Row, column: &'static str) -> Result<u32, Error> {
    u32::try_from(row.int(TABLE, column)?).map_err(|_| Error::Corrupt { table: TABLE, column })
}

/// Zero means never.
fn instant(stored: i64) -> Option<UnixMillis> {
    (stored != 0).then_some(UnixMillis(stored))
}
