//! What servers know about the time: their reports, and what an operator asks of them.
//!
//! The text of a state or of an alarm is the timekeeper's; nothing here understands it.

use crate::{
    audit::row::AuditQuery,
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
    store::Store,
};
use fourauth_protocol::time::UnixMillis;

const TABLE: &str = "clock";

/// One server's word about its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockReport {
    /// Which server: its name among those that share the database.
    pub node: String,
    /// `false` once it has stopped in order. One that died says `true` for ever, and grows old.
    pub running: bool,
    /// How far its time is to be trusted, in the timekeeper's word.
    pub state: String,
    /// How far its time may be off, in milliseconds.
    pub error_ms: u32,
    /// The newest instant that it vouched for. Writing `None` leaves what is known.
    pub vouched: Option<UnixMillis>,
    /// Time servers that were part of the last quorum.
    pub agreeing: u32,
    /// Time servers that are configured.
    pub asked: u32,
    /// Whether it waits for an operator.
    pub barred: bool,
    /// What it would move its time by if an operator accepted, in milliseconds.
    pub offer_ms: Option<i64>,
    /// What went wrong last. Writing `None` leaves what is known.
    pub alarm: Option<Alarm>,
    /// When it was written, by the system clock.
    pub updated: UnixMillis,
}

/// Something about the time that an operator should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// When, by the time that the server went by.
    pub at: UnixMillis,
    /// What.
    pub text: String,
}

/// What a server that starts is told of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockPast {
    /// The newest instant that any server of this database vouched for.
    pub vouched: Option<UnixMillis>,
    /// Whether any of them waits for an operator.
    pub barred: bool,
}

impl Tx {
    /// Replaces a server's report. What an operator asks of it stays.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
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

    /// Asks a server to accept what it offers, named by how far that would move its time. `false`
    /// if there is no such server.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn ask_clock(&mut self, node: &str, offer_ms: i64) -> Result<bool, Error> {
        const SQL: &str = "UPDATE clock SET request_ms = $1, answer = NULL WHERE node = $2";

        self.changes(SQL, &[Value::Int(offer_ms), Value::Text(node)]).await
    }

    /// Takes a request away: to answer it, or to withdraw it. `true` for the one who got it.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn take_clock_request(&mut self, node: &str) -> Result<bool, Error> {
        const SQL: &str =
            "UPDATE clock SET request_ms = NULL WHERE node = $1 AND request_ms IS NOT NULL";

        self.changes(SQL, &[Value::Text(node)]).await
    }

    /// Says what became of a request that was taken.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn answer_clock_request(&mut self, node: &str, answer: &str) -> Result<(), Error> {
        const SQL: &str = "UPDATE clock SET answer = $1 WHERE node = $2";

        self.execute(SQL, &[Value::Text(answer), Value::Text(node)]).await.map(|_| ())
    }

    /// An operator has vouched that it is `now`: no server that starts again is held to a later
    /// instant or to a bar, whatever name it had. Those that run and differ will say so again.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn reset_clocks(&mut self, now: UnixMillis) -> Result<(), Error> {
        const SQL: &str = "UPDATE clock SET barred = 0, \
             vouched = CASE WHEN vouched > $1 THEN $1 ELSE vouched END";

        self.execute(SQL, &[Value::Int(now.0)]).await.map(|_| ())
    }
}

impl Store {
    /// Every server's report, in the order of their names.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn clock_reports(&self) -> Result<Vec<ClockReport>, Error> {
        const SQL: &str = "SELECT node, running, state, error_ms, vouched, agreeing, asked, \
             barred, offer_ms, alarm, alarm_at, updated FROM clock ORDER BY node";

        self.rows(SQL, &[]).await?.iter().map(read).collect()
    }

    /// The offer that an operator asks this server to accept.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn clock_request(&self, node: &str) -> Result<Option<i64>, Error> {
        const SQL: &str = "SELECT request_ms FROM clock WHERE node = $1";

        let row = self.row(SQL, &[Value::Text(node)]).await?;
        row.map_or(Ok(None), |row| row.int_or_null(TABLE, "request_ms"))
    }

    /// What became of the last request; `None` while it waits.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn clock_answer(&self, node: &str) -> Result<Option<String>, Error> {
        const SQL: &str = "SELECT answer FROM clock WHERE node = $1";

        let row = self.row(SQL, &[Value::Text(node)]).await?;
        row.map_or(Ok(None), |row| row.text_or_null(TABLE, "answer"))
    }

    /// What is known of the past, by any server of this database: one that starts may have another
    /// name than when it ended.
    ///
    /// A database from before there were reports knows the newest login that succeeded. No clock
    /// that was refused has let anybody in, which cannot be said of other rows.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
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

/// 0 is never.
fn instant(stored: i64) -> Option<UnixMillis> {
    (stored != 0).then_some(UnixMillis(stored))
}
