//! A table of a million sessions: its size, and the time of a check and of one housekeeping round.

use crate::report::elapsed_us;
use fourauth_store::{Location, MasterToken};
use fourauth_tests::server::TestServer;
use serde::{Deserialize, Serialize};
use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _, SqliteConnection,
    sqlite::SqliteConnectOptions,
};
use std::path::Path;

/// Sessions in the table. They end in 24 different hours, so one round deletes a 24th of them.
const SESSIONS: u32 = 1_000_000;

/// Sessions that are checked, each once.
const CHECKS: usize = 2000;

const HOUR_MS: i64 = 3_600_000;

/// How the plan of a search without an index is called, on either database.
const SCANS: [&str; 2] = ["SCAN", "Seq Scan"];

/// The columns that a login fills.
const COLUMNS: &str = "master, family, account, version, created, expires, ends, amr, device_id, \
                       mac, peer, opened, last_seen";

/// What the table costs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Figures {
    bytes_per_session: f64,
    read_us: f64,
    forgotten: u64,
    forget_ms: f64,
    plans: Vec<(String, Vec<String>)>,
}

/// A connection for plain SQL.
enum Plain {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// Prints the figures, and each plan that is not the search of an index.
pub(crate) fn print(figures: &Figures) {
    let Figures { bytes_per_session, read_us, forgotten, forget_ms, plans } = figures;
    println!("  {SESSIONS} sessions, {bytes_per_session:.0} bytes each with their indexes");
    println!("  a session that is read from the database: {read_us:.1} µs");
    println!("  one housekeeping round, {forgotten} sessions deleted: {forget_ms:.0} ms");
    for (sql, plan) in plans {
        if plan.iter().any(|step| SCANS.iter().any(|scan| step.contains(scan))) {
            println!("  not the search of an index: {sql}");
            for step in plan {
                println!("    {step}");
            }
        }
    }
}

/// Fills the table with copies of one session, and measures.
pub(crate) async fn measure(server: &TestServer, location: Option<&Location>) -> Figures {
    let store = server.server().store();
    let mut plain = Plain::open(location, &server.folder().join("data/fourauth.db")).await;
    let now = server.now();
    let before = store.size_bytes().await.expect("a size");
    plain.fill(now.0).await;
    let bytes = store.size_bytes().await.expect("a size").saturating_sub(before);
    let masters = plain.masters().await;
    let begun = elapsed_us();
    for master in &masters {
        assert!(store.session([master, master], now).await.expect("an answer").is_some());
    }
    let read_us = (elapsed_us() - begun) / f64::from(u32::try_from(masters.len()).unwrap_or(1));
    let plans = plain.plans().await;
    let later = now.saturating_add_ms(HOUR_MS);
    let begun = elapsed_us();
    let forgotten = store.forget_ended_sessions(later).await.expect("a round of housekeeping");
    let forget_ms = (elapsed_us() - begun) / 1e3;
    #[expect(clippy::cast_precision_loss, reason = "a few hundred MB")]
    let bytes_per_session = bytes as f64 / f64::from(SESSIONS);
    Figures { bytes_per_session, read_us, forgotten, forget_ms, plans }
}

impl Plain {
    async fn open(location: Option<&Location>, embedded: &Path) -> Self {
        match location {
            Some(Location::Postgres(url)) => {
                let connection = PgConnection::connect(url.expose()).await;
                Self::Postgres(connection.expect("the database of the server"))
            }
            Some(Location::Sqlite(path)) => Self::embedded(path).await,
            None => Self::embedded(embedded).await,
        }
    }

    async fn embedded(path: &Path) -> Self {
        let options = SqliteConnectOptions::new().filename(path);
        let connection = SqliteConnection::connect_with(&options).await;
        Self::Sqlite(connection.expect("the database of the server"))
    }

    async fn execute(&mut self, sql: String) {
        match self {
            Self::Sqlite(connection) => connection.execute(AssertSqlSafe(sql)).await.map(drop),
            Self::Postgres(connection) => connection.execute(AssertSqlSafe(sql)).await.map(drop),
        }
        .expect("the statement runs");
    }

    /// Adds copies of the session in the table, with other master tokens, families and ends.
    async fn fill(&mut self, now: i64) {
        let (numbers, random) = match self {
            Self::Sqlite(_) => (
                format!(
                    "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n \
                     WHERE i < {SESSIONS}) SELECT i FROM n)"
                ),
                ["randomblob(32)", "randomblob(16)"],
            ),
            Self::Postgres(_) => (
                format!("(SELECT generate_series(1, {SESSIONS}) AS i)"),
                ["sha256(('m' || i)::bytea)", "substring(sha256(('f' || i)::bytea) FROM 1 FOR 16)"],
            ),
        };
        let [master, family] = random;
        self.execute(format!(
            "INSERT INTO sessions ({COLUMNS}) SELECT {master}, {family}, account, version, created, \
             {now} + {HOUR_MS}, {now} + (i % 24 + 1) * {HOUR_MS}, amr, device_id, mac, peer, opened, \
             last_seen FROM {numbers} AS numbers CROSS JOIN (SELECT * FROM sessions LIMIT 1) AS one"
        ))
        .await;
        self.execute("ANALYZE".to_owned()).await;
    }

    /// Master tokens of sessions that lie anywhere in the table.
    async fn masters(&mut self) -> Vec<MasterToken> {
        let sql = format!("SELECT master FROM sessions ORDER BY family LIMIT {CHECKS}");
        let masters: Vec<Vec<u8>> = match self {
            Self::Sqlite(connection) => {
                let rows = connection.fetch_all(AssertSqlSafe(sql)).await.expect("sessions");
                rows.iter().map(|row| row.get(0)).collect()
            }
            Self::Postgres(connection) => {
                let rows = connection.fetch_all(AssertSqlSafe(sql)).await.expect("sessions");
                rows.iter().map(|row| row.get(0)).collect()
            }
        };
        masters.into_iter().map(|master| master.try_into().expect("32 bytes")).collect()
    }

    /// The plans of the searches that a check and a housekeeping round make.
    async fn plans(&mut self) -> Vec<(String, Vec<String>)> {
        let (explain, column, blob) = match self {
            Self::Sqlite(_) => ("EXPLAIN QUERY PLAN", 3, "x'00'"),
            Self::Postgres(_) => ("EXPLAIN", 0, "'\\x00'::bytea"),
        };
        let check = format!("SELECT * FROM sessions WHERE master IN ({blob}, {blob}) AND ends > 1");
        let forget = "SELECT master FROM sessions WHERE ends <= 1 LIMIT 500".to_owned();
        let mut plans = Vec::new();
        for sql in [check, forget] {
            let explained = AssertSqlSafe(format!("{explain} {sql}"));
            let steps = match self {
                Self::Sqlite(connection) => {
                    let rows = connection.fetch_all(explained).await.expect("a plan");
                    rows.iter().map(|row| row.get(column)).collect()
                }
                Self::Postgres(connection) => {
                    let rows = connection.fetch_all(explained).await.expect("a plan");
                    rows.iter().map(|row| row.get(column)).collect()
                }
            };
            plans.push((sql, steps));
        }
        plans
    }
}
