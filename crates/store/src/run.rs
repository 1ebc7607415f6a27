//! The last run of each server: its settings, and if it stopped cleanly.

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
    /// The name of the server among those that share the database.
    pub node: String,
    /// `false` once it stopped cleanly.
    pub running: bool,
    /// Time of the start.
    pub started: UnixMillis,
    /// The settings, in the caller's format. Holds no secret.
    pub settings: String,
}

impl Tx {
    /// Records that a server starts. Replaces the record of its last run.
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

    /// Records that a server stopped cleanly.
    pub async fn end_run(&mut self, node: &str) -> Result<(), Error> {
        const SQL: &str = "UPDATE server_run SET running = 0 WHERE node = $1";

        self.execute(SQL, &[Value::Text(node)]).await.map(|_| ())
    }

    /// Deletes runs that started before `before`, even those that did not stop cleanly: a container
    /// has a new name each time, so a killed one never returns under its name. A server that still
    /// runs and started earlier is deleted too; its next start counts as its first.
    pub async fn forget_runs(&mut self, before: UnixMillis) -> Result<(), Error> {
        const SQL: &str = "DELETE FROM server_run WHERE started < $1";

        self.execute(SQL, &[Value::Int(before.0)]).await.map(|_| ())
    }
}

impl Store {
    /// The last run of this server. If this server is unknown, the newest run of any server.
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
