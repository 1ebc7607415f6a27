//! Rewrites a database, so that none of its pages holds deleted data.

use super::{Connections, Pool};
use crate::error::{Cause, Error};
use sqlx::{
    Connection as _, Executor as _, PgPool, Row as _,
    sqlite::{SqliteConnectOptions, SqliteConnection},
};
use std::time::Duration;

/// Number of tries while the database is busy. Each try waits for a lock as long as every writer
/// does, so this is about a minute.
const TRIES: u32 = 12;

/// Pause between two tries: SQLite does not wait for some locks.
const PAUSE: Duration = Duration::from_millis(200);

/// The tables that hold or held personal data.
const VACUUM: &str = "VACUUM users, access_logs, audit_leaf, sessions, devices, places, \
                      recovery_codes, consents, failures, refusals, outbox";

/// Remains of deleted rows in the files of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remains {
    /// Nothing remains: the database was rewritten and its journal emptied.
    None,
    /// The database was rewritten, but other connections kept reading, so its journal could not be
    /// emptied.
    Journal,
    /// Queries no longer return the rows, but pages may hold their bytes until they are reused.
    Pages,
}

impl Pool {
    /// See [`Store::compact`](crate::Store::compact).
    pub(crate) async fn compact(&self) -> Result<Remains, Error> {
        match &self.of {
            Connections::Postgres(pool) => postgres(pool).await,
            Connections::Sqlite { writer, .. } => sqlite(writer).await,
        }
    }
}

/// `VACUUM` writes through the journal, so that other connections may read. The checkpoint then
/// moves the pages into the file. <https://www.sqlite.org/lang_vacuum.html>
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

/// Empties the journal. `false` if other connections kept reading an old state.
async fn empty_journal(connection: &mut SqliteConnection) -> Result<bool, Error> {
    for _ in 0..TRIES {
        // The first column is 1 if another connection blocked the checkpoint.
        let row = connection.fetch_one("PRAGMA wal_checkpoint(TRUNCATE)").await?;
        let busy: i64 = row.try_get(0).map_err(|_| Error::Unavailable(Cause::Driver))?;
        if busy == 0 {
            return Ok(true);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(false)
}

/// Plain `VACUUM` allows other connections to read and write; `FULL` would block them.
async fn postgres(pool: &PgPool) -> Result<Remains, Error> {
    let mut connection = pool.acquire().await?;
    // No timeout: the limit is for statements that a peer waits for. This connection is closed
    // afterwards and not returned to the pool.
    connection.execute("SET statement_timeout = 0").await?;
    let written = connection.execute(VACUUM).await;
    connection.close().await?;
    written?;
    Ok(Remains::Pages)
}
