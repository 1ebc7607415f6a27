//! Writes a database anew, so that what was deleted is in none of its pages.

use super::{Connections, Pool};
use crate::{
    audit::erasure::Remains,
    error::{Cause, Error},
};
use sqlx::{
    Connection as _, Executor as _, PgPool, Row as _,
    sqlite::{SqliteConnectOptions, SqliteConnection},
};
use std::time::Duration;

/// How often what is busy is tried again. Each time waits for a lock as long as every writer does,
/// so this is about a minute.
const TRIES: u32 = 12;

/// How long between: some locks are not waited for.
const PAUSE: Duration = Duration::from_millis(200);

/// The tables that hold, or have held, something about people.
const VACUUM: &str = "VACUUM users, access_logs, audit_leaf, sessions, devices, places, \
                      recovery_codes, consents, failures, refusals, outbox";

impl Pool {
    /// See [`Store::compact`](crate::Store::compact).
    pub(crate) async fn compact(&self) -> Result<Remains, Error> {
        match &self.of {
            Connections::Postgres(pool) => postgres(pool).await,
            Connections::Sqlite { writer, .. } => sqlite(writer).await,
        }
    }
}

/// What `VACUUM` writes goes through the journal, so that others may read; the checkpoint then moves
/// it into the file. <https://www.sqlite.org/lang_vacuum.html>
async fn sqlite(options: &SqliteConnectOptions) -> Result<Remains, Error> {
    let mut connection = SqliteConnection::connect_with(options).await?;
    let mut written = Err(Error::Unavailable(Cause::Busy));
    for _ in 0..TRIES {
        written = connection.execute("VACUUM").await.map(|_| ()).map_err(Error::from);
        if written != Err(Error::Unavailable(Cause::Busy)) {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    let emptied = match written {
        Ok(()) => empty_journal(&mut connection).await,
        Err(error) => Err(error),
    };
    connection.close().await?;
    Ok(if emptied? { Remains::None } else { Remains::Journal })
}

/// Whether nobody was reading an old state for long enough to empty the journal.
async fn empty_journal(connection: &mut SqliteConnection) -> Result<bool, Error> {
    for _ in 0..TRIES {
        // Its first column is 1 if somebody was in the way.
        let row = connection.fetch_one("PRAGMA wal_checkpoint(TRUNCATE)").await?;
        let busy: i64 = row.try_get(0).map_err(|_| Error::Unavailable(Cause::Driver))?;
        if busy == 0 {
            return Ok(true);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(false)
}

/// Plain `VACUUM`, beside which others read and write; `FULL` would keep them out.
async fn postgres(pool: &PgPool) -> Result<Remains, Error> {
    let mut connection = pool.acquire().await?;
    // As long as it takes: the limit is for statements that somebody waits for, and so this
    // connection is never given back to them.
    connection.execute("SET statement_timeout = 0").await?;
    let written = connection.execute(VACUUM).await;
    connection.close().await?;
    written?;
    Ok(Remains::Pages)
}
