//! The transaction that a job runs in. Its methods are in the module of each noun: accounts,
//! sessions, the audit log, administrators.

use crate::{
    audit::unsealed::Unsealed,
    engine::driver::{Connection, Row, Value, Writing},
    error::Error,
    keys::seal::Sealer,
};
use std::{fmt, sync::Arc};

/// An open transaction. Its writes are invisible to others before the commit.
pub struct Tx {
    connection: Connection,
    pub(crate) sealer: Arc<Sealer>,
    /// Names the chain of the audit log that gets the rows.
    node: Arc<str>,
    /// Appended rows of the audit log that have no leaf yet.
    pub(crate) unsealed: Vec<Unsealed>,
    failure: Option<Error>,
}

impl Tx {
    pub(crate) const fn new(connection: Connection, sealer: Arc<Sealer>, node: Arc<str>) -> Self {
        Self { connection, sealer, node, unsealed: Vec::new(), failure: None }
    }

    pub(crate) const fn writing(&self) -> Writing {
        self.connection.writing()
    }

    pub(crate) fn node(&self) -> Arc<str> {
        Arc::clone(&self.node)
    }

    /// Runs a statement and returns the number of changed rows.
    pub(crate) async fn execute(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<u64, Error> {
        let result = self.connection.execute(sql, values).await;
        result.inspect_err(|error| self.failure = Some(error.clone()))
    }

    /// Runs a statement that should change one row. `true` if it did.
    pub(crate) async fn changes(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<bool, Error> {
        Ok(self.execute(sql, values).await? == 1)
    }

    /// Returns every row of a statement.
    pub(crate) async fn rows(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, Error> {
        let result = self.connection.rows(sql, values).await;
        result.inspect_err(|error| self.failure = Some(error.clone()))
    }

    /// Takes the error of a statement that failed since the last call.
    ///
    /// If a statement failed, PostgreSQL answers `COMMIT` with a rollback and without an error. So
    /// a job with a failed statement has failed, even if it returned `Ok`.
    pub(crate) const fn take_failure(&mut self) -> Option<Error> {
        self.failure.take()
    }

    pub(crate) async fn control(&mut self, sql: &'static str) -> Result<(), Error> {
        self.connection.control(sql).await
    }

    pub(crate) async fn commit(self) -> Result<(), Error> {
        self.connection.commit().await
    }

    pub(crate) async fn discard(self) -> Result<(), Error> {
        self.connection.discard().await
    }
}

impl fmt::Debug for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").field("failure", &self.failure).finish_non_exhaustive()
    }
}
