//! What each server last started with, and whether it stopped in order.

use crate::{
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
    store::Store,
};
use fourauth_protocol::time::UnixMillis;

const TABLE: &str = "server_run";

/// One run of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Which server: its name among those that share the database.
    pub node: String,
    /// `false` once it has stopped in order.
    pub running: bool,
    /// When it started.
    pub started: UnixMillis,
    /// What it was told, in the caller's form. Holds no secret.
    pub settings: String,
}

impl Tx {
    /// Notes that a server starts. What is known of its last run is replaced.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn note_run(&mut self, run: &Run) -> Result<(), Error> {
        const SQL: &str = "INSERT INTO server_run (node, running, started, settings) \
             VALUES ($1, $2, $3, $4) \
             ON CONFLICT (node) DO UPDATE SET running = excluded.running, \
             started = excluded.started, settings = excluded.settings";

        let values = [
            Value::Text(&run.node),
            Value::Int(run.running.into()),
            Value::Int(run.started.0),
            Value::Text(&run.settings),
        ];
        self.execute(SQL, &values).await.map(|_| ())
    }

    /// Notes that a server has stopped in order.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn end_run(&mut self, node: &str) -> Result<(), Error> {
        const SQL: &str = "UPDATE server_run SET running = 0 WHERE node = $1";

        self.execute(SQL, &[Value::Text(node)]).await.map(|_| ())
    }

    /// Forgets servers that last started before `before`, however they ended: a container has another
    /// name each time, and one that is killed does not come back under it. A server that has run for longer than that
    /// is forgotten too when another one starts: its next start is the first one under its name.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn forget_runs(&mut self, before: UnixMillis) -> Result<(), Error> {
        const SQL: &str = "DELETE FROM server_run WHERE started < $1";

        self.execute(SQL, &[Value::Int(before.0)]).await.map(|_| ())
    }
}

impl Store {
    /// The last run of this server; of another, the one that started last, if this one is not known.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn last_run(&self, node: &str) -> Result<Option<Run>, Error> {
        const SQL: &str = "SELECT node, running, started, settings FROM server_run \
             ORDER BY CASE node WHEN $1 THEN 0 ELSE 1 END, started DESC LIMIT 1";

        self.row(SQL, &[Value::Text(node)]).await?.as_ref().map(read).transpose()
    }
}

fn read(row: &Row) -> Result<Run, Error> {
    Ok(Run {
        node: row.text(TABLE, "node")?,
        running: row.flag(TABLE, "running")?,
        started: UnixMillis(row.int(TABLE, "started")?),
        settings: row.text(TABLE, "settings")?,
    })
}
