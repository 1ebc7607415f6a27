//! What a PostgreSQL server must be before this program uses it: reachable, in UTF-8, and not
//! behind a pooler that mixes sessions.

use crate::error::{Cause, Error, OpenError};
use sqlx::{
    Connection as _, Executor as _, PgConnection, PgPool, Row as _,
    pool::PoolConnection,
    postgres::{PgConnectOptions, Postgres},
    raw_sql,
};
use std::time::Duration;
use tokio::time::timeout;

/// Longest wait for one connection that shows why a pool has none.
const WAIT_LIMIT: Duration = Duration::from_secs(5);

/// A setting that this program makes up. It belongs to one session, and has no effect.
const MARK: &str = "SELECT set_config('fourauth.session', 'marked', false)";

const UNMARK: &str = "SELECT set_config('fourauth.session', '', false)";

/// Statements without parameters use the simple protocol, which works behind every pooler.
const MARKED: &str = "SELECT coalesce(current_setting('fourauth.session', true), '')";

/// Checks the server, with connections of the pool.
///
/// # Errors
///
/// [`OpenError::Store`] with the cause if the server cannot be reached, [`OpenError::NotUtf8`] and
/// [`OpenError::Pooled`].
pub(super) async fn check(pool: &PgPool, options: &PgConnectOptions) -> Result<(), OpenError> {
    let mut first = acquired(pool, options).await?;
    let encoding = text(&mut first, "SHOW server_encoding").await?;
    if encoding != "UTF8" {
        return Err(OpenError::NotUtf8 { encoding });
    }
    text(&mut first, MARK).await?;
    let mut second = acquired(pool, options).await?;
    let is_marked = !text(&mut second, MARKED).await?.is_empty();
    text(&mut first, UNMARK).await?;
    if is_marked { Err(OpenError::Pooled) } else { Ok(()) }
}

/// A connection of the pool. A pool says only that it had none in time, so another connection is
/// opened to learn why.
async fn acquired(
    pool: &PgPool,
    options: &PgConnectOptions,
) -> Result<PoolConnection<Postgres>, Error> {
    match pool.acquire().await {
        Err(sqlx::Error::PoolTimedOut) => Err(cause_of_no_connection(options).await),
        acquired => acquired.map_err(Error::from),
    }
}

async fn cause_of_no_connection(options: &PgConnectOptions) -> Error {
    match timeout(WAIT_LIMIT, PgConnection::connect_with(options)).await {
        Ok(Err(error)) => error.into(),
        Ok(Ok(connection)) => {
            drop(connection.close().await);
            Error::Unavailable(Cause::NoConnection)
        }
        Err(_) => Error::Unavailable(Cause::NoConnection),
    }
}

async fn text(connection: &mut PgConnection, sql: &'static str) -> Result<String, Error> {
    let row = connection.fetch_one(raw_sql(sql)).await?;
    Ok(row.try_get(0)?)
}
