//! How each database is opened, and what it must promise.

use super::{Connections, Pool};
use crate::{
    error::{Cause, Error, OpenError},
    location::Location,
};
use sqlx::{
    ConnectOptions as _, Connection as _, Executor as _,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{
        SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions,
        SqliteSynchronous,
    },
};
use std::{
    fs::OpenOptions,
    io::ErrorKind,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

/// How long to wait for a lock or for a free connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// Connections that read a SQLite file. Reads are short; more would only contend.
const SQLITE_READERS: u32 = 4;

/// Connections to PostgreSQL, which by default takes 100 from all servers together.
const POSTGRES_CONNECTIONS: u32 = 16;

/// What a PostgreSQL session must promise, whatever the server's or the role's defaults: commits
/// are on disk (a stronger setting stays), a conditional UPDATE that waited sees what it waited
/// for, and nothing waits for ever.
const POSTGRES_SESSION: &str = "SELECT \
     set_config('synchronous_commit', \
        CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' \
        ELSE current_setting('synchronous_commit') END, false), \
     set_config('default_transaction_isolation', 'read committed', false), \
     set_config('lock_timeout', '5s', false), \
     set_config('statement_timeout', '30s', false), \
     set_config('idle_in_transaction_session_timeout', '30s', false)";

impl Pool {
    /// Connects, without looking at what is there.
    pub(crate) async fn connect(location: &Location) -> Result<Self, OpenError> {
        let of = match location {
            Location::Sqlite(path) => sqlite(path, |options| options).await?,
            Location::Postgres(url) => postgres(url.expose()).await?,
        };
        Ok(Self { of, statements: Arc::new(AtomicU64::new(0)) })
    }

    /// The same for a SQLite file that is reached in another way.
    #[cfg(feature = "faults")]
    pub(crate) async fn connect_rigged(path: &Path, rig: crate::Rig) -> Result<Self, OpenError> {
        let of = sqlite(path, |options| rig.apply(options)).await?;
        Ok(Self { of, statements: Arc::new(AtomicU64::new(0)) })
    }
}

async fn sqlite(
    path: &Path,
    rig: impl FnOnce(SqliteConnectOptions) -> SqliteConnectOptions,
) -> Result<Connections, OpenError> {
    create_private(path)?;
    let writer = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
        .pragma("secure_delete", "ON")
        .pragma("temp_store", "MEMORY")
        .disable_statement_logging();
    let writer = rig(writer);
    // The first on a new file is alone: while the journal becomes a write-ahead log SQLite turns
    // others away without letting them wait.
    let first = SqliteConnection::connect_with(&writer).await.map_err(Error::from)?;
    let readers = SqlitePoolOptions::new()
        .max_connections(SQLITE_READERS)
        // One stays open, so that the index of the journal lives on when the writer hangs up after a
        // failed sync. Who opened the journal anew would take what is in the page cache for what is
        // on the disk (fsync(2), and <https://wiki.postgresql.org/wiki/Fsync_Errors>).
        .min_connections(1)
        .idle_timeout(None::<Duration>)
        .max_lifetime(None::<Duration>)
        .acquire_timeout(PATIENCE)
        .connect_with(writer.clone().pragma("query_only", "ON"))
        .await
        .map_err(Error::from)?;
    first.close().await.map_err(Error::from)?;
    Ok(Connections::Sqlite { readers, writer: Box::new(writer) })
}

/// SQLite gives its journal the permissions of the file, so these decide for all of them.
fn create_private(path: &Path) -> Result<(), Error> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == ErrorKind::StorageFull => {
            Err(Error::Unavailable(Cause::DiskFull))
        }
        Err(_) => Err(Error::Unavailable(Cause::Io)),
    }
}

async fn postgres(url: &str) -> Result<Connections, OpenError> {
    let options: PgConnectOptions = url.parse().map_err(|_| OpenError::NotAUrl)?;
    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(PATIENCE)
        .after_connect(|connection, _| {
            Box::pin(async move { connection.execute(POSTGRES_SESSION).await.map(|_| ()) })
        })
        .connect_with(options.application_name("fourauth").disable_statement_logging())
        .await
        .map_err(Error::from)?;
    Ok(Connections::Postgres(pool))
}
