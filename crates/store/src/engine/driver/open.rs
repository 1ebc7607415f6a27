//! Opening of each database, with the settings that durability needs.

use super::{Connections, Pool, postgres, postgres_server};
use crate::{
    engine::location::Location,
    error::{Cause, Error, OpenError},
};
use fourauth_protocol::secret::Secret;
use sqlx::{
    ConnectOptions as _, Connection as _, Executor as _,
    postgres::PgPoolOptions,
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
use tokio::time::{Instant, sleep};

/// Longest wait for a lock or for a free connection.
const WAIT_LIMIT: Duration = Duration::from_secs(5);

/// Pause between two tries when SQLite itself does not wait.
const PAUSE: Duration = Duration::from_millis(10);

/// Connections that read a SQLite file. Reads are short; more connections would only contend.
const SQLITE_READERS: u32 = 4;

/// Connections to PostgreSQL. Its default limit is 100 for all servers together.
const POSTGRES_CONNECTIONS: u32 = 16;

/// Session settings for PostgreSQL, independent of the defaults of the server or the role: commits
/// are on disk (a stronger setting stays), a conditional UPDATE that waited sees the row it waited
/// for, and every wait has a limit.
const POSTGRES_SESSION: &str = "SELECT \
     set_config('synchronous_commit', \
        CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' \
        ELSE current_setting('synchronous_commit') END, false), \
     set_config('default_transaction_isolation', 'read committed', false), \
     set_config('lock_timeout', '5s', false), \
     set_config('statement_timeout', '30s', false), \
     set_config('idle_in_transaction_session_timeout', '30s', false)";

impl Pool {
    /// Connects without checking the contents.
    pub(crate) async fn connect(location: &Location) -> Result<Self, OpenError> {
        let of = match location {
            Location::Sqlite(path) => sqlite(path, |options| options).await?,
            Location::Postgres(url) => connect_postgres(url).await?,
        };
        Ok(Self { of, statements: Arc::new(AtomicU64::new(0)) })
    }

    /// Connects to a SQLite file with the changed options of `vfs_override`.
    #[cfg(feature = "faults")]
    pub(crate) async fn connect_with_vfs(
        path: &Path,
        vfs_override: crate::VfsOverride,
    ) -> Result<Self, OpenError> {
        let of = sqlite(path, |options| vfs_override.apply(options)).await?;
        Ok(Self { of, statements: Arc::new(AtomicU64::new(0)) })
    }
}

async fn sqlite(
    path: &Path,
    vfs_override: impl FnOnce(SqliteConnectOptions) -> SqliteConnectOptions,
) -> Result<Connections, OpenError> {
    create_private(path)?;
    Location::Sqlite(path.to_owned()).check_files()?;
    let writer = vfs_override(writing(path));
    let first = first(&writer).await?;
    let readers = SqlitePoolOptions::new()
        .max_connections(SQLITE_READERS)
        // One connection stays open, so that the index of the journal survives when the writer
        // disconnects after a failed sync. A connection that recovers the journal would take the
        // page cache for the disk (fsync(2), and <https://wiki.postgresql.org/wiki/Fsync_Errors>).
        .min_connections(1)
        .idle_timeout(None::<Duration>)
        .max_lifetime(None::<Duration>)
        .acquire_timeout(WAIT_LIMIT)
        .connect_with(writer.clone().pragma("query_only", "ON"))
        .await
        .map_err(Error::from)?;
    first.close().await.map_err(Error::from)?;
    Ok(Connections::Sqlite { readers, writer: Box::new(writer) })
}

/// Options of a connection that writes a SQLite file.
fn writing(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(WAIT_LIMIT)
        .pragma("secure_delete", "ON")
        .pragma("temp_store", "MEMORY")
        .disable_statement_logging()
}

/// Opens the first connection, which switches a new file to a write-ahead log. If several servers
/// start together, SQLite rejects all but one at once and ignores `busy_timeout`, so this retries.
async fn first(writer: &SqliteConnectOptions) -> Result<SqliteConnection, Error> {
    let deadline = Instant::now() + WAIT_LIMIT;
    loop {
        match SqliteConnection::connect_with(writer).await.map_err(Error::from) {
            Err(Error::Unavailable(Cause::Busy)) if Instant::now() < deadline => {
                sleep(PAUSE).await;
            }
            opened => return opened,
        }
    }
}

/// Creates the file with mode 0600. SQLite gives its journal files the same permissions.
fn create_private(path: &Path) -> Result<(), Error> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == ErrorKind::StorageFull => {
            Err(Error::Unavailable(Cause::DiskFull))
        }
        Err(error) if error.kind() == ErrorKind::ReadOnlyFilesystem => {
            Err(Error::Unavailable(Cause::ReadOnly))
        }
        Err(_) => Err(Error::Unavailable(Cause::CannotOpen)),
    }
}

async fn connect_postgres(url: &Secret<String>) -> Result<Connections, OpenError> {
    let options = postgres::options(url)?;
    let options = options.application_name("fourauth").disable_statement_logging();
    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(WAIT_LIMIT)
        .after_connect(|connection, _| {
            Box::pin(async move { connection.execute(POSTGRES_SESSION).await.map(|_| ()) })
        })
        .connect_lazy_with(options.clone());
    postgres_server::check(&pool, &options).await?;
    Ok(Connections::Postgres(pool))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_start_waits_while_another_process_creates_the_journal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        create_private(&path).unwrap();
        let other = SqliteConnectOptions::new().filename(&path);
        let mut other = SqliteConnection::connect_with(&other).await.unwrap();
        other.execute("BEGIN IMMEDIATE").await.unwrap();
        let location = Location::Sqlite(path.clone());
        let starting = tokio::spawn(async move { Pool::connect(&location).await.map(drop) });

        let refused = SqliteConnection::connect_with(&writing(&path)).await.err();
        let refused = refused.map(Error::from);
        assert_eq!(refused, Some(Error::Unavailable(Cause::Busy)), "SQLite itself waits");
        other.execute("COMMIT").await.unwrap();
        assert_eq!(starting.await.unwrap(), Ok(()));
    }
}
