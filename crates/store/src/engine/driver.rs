//! The only module that knows that there are two databases.
//!
//! The set is closed, so this is an enum and not a trait: no generics leak into the queries, and a
//! third database is a variant the compiler will ask about. `open` opens each database, `compact`
//! rewrites it, and `migrations` has the two dialects of the schema.

mod compact;
mod migrations;
mod open;
mod postgres;
mod postgres_server;
mod size;

pub use compact::Remains;

use crate::error::{Error, OpenError};
use sqlx::{
    Connection as _, PgPool, Row as _, SqlSafeStr, SqlitePool, Transaction,
    postgres::{PgRow, Postgres},
    sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow},
};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// A statement parameter.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Bytes(&'a [u8]),
    Int(i64),
    IntOrNull(Option<i64>),
    Text(&'a str),
    TextOrNull(Option<&'a str>),
}

/// Connections to one database.
pub(crate) struct Pool {
    of: Connections,
    statements: Arc<AtomicU64>,
}

enum Connections {
    Postgres(PgPool),
    /// SQLite has one writer; every pooled connection only reads.
    Sqlite {
        readers: SqlitePool,
        writer: Box<SqliteConnectOptions>,
    },
}

/// How writes reach a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writing {
    /// Through one connection. Writes that are committed together share one sync to disk.
    Grouped,
    /// Through any number of connections, each with its own transaction.
    Parallel,
}

/// A connection that writes.
#[derive(Debug)]
pub(crate) struct Connection {
    of: Writer,
    statements: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Writer {
    /// Always inside a transaction, so that dropping it rolls back.
    Postgres(Transaction<'static, Postgres>),
    /// Inside a transaction only between [`Connection::control`] statements.
    Sqlite(SqliteConnection),
}

/// A row from either database.
pub(crate) enum Row {
    Postgres(PgRow),
    Sqlite(SqliteRow),
}

/// Binds `values` to `sql`. The same tokens serve the argument types of both databases.
macro_rules! bind {
    ($sql:expr, $values:expr) => {{
        let mut query = sqlx::query($sql);
        for value in $values {
            query = match *value {
                Value::Bytes(bytes) => query.bind(bytes.to_vec()),
                Value::Int(number) => query.bind(number),
                Value::IntOrNull(number) => query.bind(number),
                Value::Text(text) => query.bind(text.to_owned()),
                Value::TextOrNull(text) => query.bind(text.map(str::to_owned)),
            };
        }
        query
    }};
}

impl Pool {
    /// Applies missing migrations. Refuses a schema that this program does not know.
    pub(crate) async fn migrate(&self) -> Result<(), OpenError> {
        match &self.of {
            Connections::Postgres(pool) => {
                let mut connection = pool.acquire().await.map_err(Error::from)?;
                migrations::run(migrations::POSTGRES, &mut *connection).await
            }
            Connections::Sqlite { writer, .. } => {
                let mut connection =
                    SqliteConnection::connect_with(writer).await.map_err(Error::from)?;
                // sqlx takes no lock for SQLite migrations, and two programs may open one file.
                let mut tx = connection.begin_with("BEGIN IMMEDIATE").await.map_err(Error::from)?;
                migrations::run(migrations::SQLITE, &mut *tx).await?;
                tx.commit().await.map_err(Error::from)?;
                Ok(connection.close().await.map_err(Error::from)?)
            }
        }
    }

    /// Checks that every migration was applied, and none that this program does not know.
    pub(crate) async fn check_schema(&self) -> Result<(), OpenError> {
        if !self.has_table(migrations::TABLE).await? {
            return Err(OpenError::OlderSchema);
        }
        match &self.of {
            Connections::Postgres(pool) => {
                let mut connection = pool.acquire().await.map_err(Error::from)?;
                migrations::check(migrations::POSTGRES, &mut *connection).await
            }
            Connections::Sqlite { readers, .. } => {
                let mut connection = readers.acquire().await.map_err(Error::from)?;
                migrations::check(migrations::SQLITE, &mut *connection).await
            }
        }
    }

    /// How writes reach this database.
    pub(crate) const fn writing(&self) -> Writing {
        match &self.of {
            Connections::Postgres(_) => Writing::Parallel,
            Connections::Sqlite { .. } => Writing::Grouped,
        }
    }

    /// A connection for writing, inside a transaction if [`Writing::Parallel`].
    ///
    /// Must not be cancelled: sqlx 0.9.0 may then return a connection to the pool inside an open
    /// transaction. The callers are the writer, which never cancels its tasks, and snapshots, which
    /// are made by commands that end soon after.
    pub(crate) async fn writer(&self) -> Result<Connection, Error> {
        let of = match &self.of {
            Connections::Postgres(pool) => Writer::Postgres(pool.begin().await?),
            Connections::Sqlite { writer, .. } => {
                Writer::Sqlite(SqliteConnection::connect_with(writer).await?)
            }
        };
        Ok(Connection { of, statements: Arc::clone(&self.statements) })
    }

    /// A connection that reads the database as of its first statement and sees no later commit.
    pub(crate) async fn snapshot(&self) -> Result<Connection, Error> {
        let begin = match &self.of {
            Connections::Postgres(_) => {
                "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
            }
            Connections::Sqlite { .. } => "BEGIN",
        };
        let mut connection = self.writer().await?;
        connection.control(begin).await?;
        Ok(connection)
    }

    /// Returns every row of a read statement.
    pub(crate) async fn rows(
        &self,
        sql: impl SqlSafeStr,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, Error> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        Ok(match &self.of {
            Connections::Postgres(pool) => {
                let rows = bind!(sql, values).fetch_all(pool).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
            Connections::Sqlite { readers, .. } => {
                let rows = bind!(sql, values).fetch_all(readers).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
        })
    }

    /// Returns the first row of a read statement, if any.
    pub(crate) async fn row(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Option<Row>, Error> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    /// True if a table of this name exists.
    pub(crate) async fn has_table(&self, name: &str) -> Result<bool, Error> {
        let sql = match &self.of {
            Connections::Postgres(_) => {
                "SELECT 1 FROM information_schema.tables \
                 WHERE table_schema = current_schema() AND table_name = $1"
            }
            Connections::Sqlite { .. } => {
                "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1"
            }
        };
        Ok(self.row(sql, &[Value::Text(name)]).await?.is_some())
    }

    /// Number of statements executed so far, reads and writes, without transaction control.
    pub(crate) fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    pub(crate) async fn close(&self) {
        match &self.of {
            Connections::Postgres(pool) => pool.close().await,
            Connections::Sqlite { readers, .. } => readers.close().await,
        }
    }
}

impl Connection {
    /// How writes reach this database.
    pub(crate) const fn writing(&self) -> Writing {
        match &self.of {
            Writer::Postgres(_) => Writing::Parallel,
            Writer::Sqlite(_) => Writing::Grouped,
        }
    }

    /// Returns every row of a statement.
    pub(crate) async fn rows(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, Error> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        Ok(match &mut self.of {
            Writer::Postgres(tx) => {
                let rows = bind!(sql, values).fetch_all(&mut **tx).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
            Writer::Sqlite(connection) => {
                let rows = bind!(sql, values).fetch_all(connection).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
        })
    }

    /// Runs a statement and returns the number of changed rows.
    pub(crate) async fn execute(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<u64, Error> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        Ok(match &mut self.of {
            Writer::Postgres(tx) => bind!(sql, values).execute(&mut **tx).await?.rows_affected(),
            Writer::Sqlite(connection) => {
                bind!(sql, values).execute(connection).await?.rows_affected()
            }
        })
    }

    /// Runs a transaction control statement.
    pub(crate) async fn control(&mut self, sql: &'static str) -> Result<(), Error> {
        match &mut self.of {
            Writer::Postgres(tx) => sqlx::query(sql).execute(&mut **tx).await?.rows_affected(),
            Writer::Sqlite(connection) => {
                sqlx::query(sql).execute(connection).await?.rows_affected()
            }
        };
        Ok(())
    }

    /// Commits and releases the connection.
    pub(crate) async fn commit(self) -> Result<(), Error> {
        match self.of {
            Writer::Postgres(tx) => tx.commit().await?,
            Writer::Sqlite(mut connection) => {
                sqlx::query("COMMIT").execute(&mut connection).await?;
                connection.close().await?;
            }
        }
        Ok(())
    }

    /// Rolls back and releases the connection.
    pub(crate) async fn discard(self) -> Result<(), Error> {
        match self.of {
            Writer::Postgres(tx) => tx.rollback().await?,
            Writer::Sqlite(connection) => connection.close().await?,
        }
        Ok(())
    }
}

/// Shows the kind of database and nothing of its location.
impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.of {
            Connections::Postgres(_) => "PostgreSQL",
            Connections::Sqlite { .. } => "SQLite",
        })
    }
}

/// Reads one value. A value of another type is [`Error::Corrupt`].
macro_rules! read {
    ($row:expr, $table:expr, $column:expr) => {
        match $row {
            Row::Postgres(row) => row.try_get($column),
            Row::Sqlite(row) => row.try_get($column),
        }
        .map_err(|_| Error::Corrupt { table: $table, column: $column })
    };
}

impl Row {
    pub(crate) fn int(&self, table: &'static str, column: &'static str) -> Result<i64, Error> {
        read!(self, table, column)
    }

    pub(crate) fn int_or_null(
        &self,
        table: &'static str,
        column: &'static str,
    ) -> Result<Option<i64>, Error> {
        read!(self, table, column)
    }

    /// Reads a boolean, stored as 0 or 1.
    pub(crate) fn flag(&self, table: &'static str, column: &'static str) -> Result<bool, Error> {
        match self.int(table, column)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Error::Corrupt { table, column }),
        }
    }

    pub(crate) fn text(&self, table: &'static str, column: &'static str) -> Result<String, Error> {
        read!(self, table, column)
    }

    pub(crate) fn text_or_null(
        &self,
        table: &'static str,
        column: &'static str,
    ) -> Result<Option<String>, Error> {
        read!(self, table, column)
    }

    pub(crate) fn bytes_or_null(
        &self,
        table: &'static str,
        column: &'static str,
    ) -> Result<Option<Vec<u8>>, Error> {
        read!(self, table, column)
    }

    pub(crate) fn bytes(
        &self,
        table: &'static str,
        column: &'static str,
    ) -> Result<Vec<u8>, Error> {
        read!(self, table, column)
    }
}
