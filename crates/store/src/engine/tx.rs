//! A transaction, as a job sees it. What it can do stands beside each noun: accounts, sessions,
//! the audit log, administrators.

use crate::{
    audit::evidence::Unsealed,
    engine::driver::{Connection, Row, Value, Writing},
    error::Error,
    keys::seal::Sealer,
};
use std::{fmt, sync::Arc};

/// What a job writes through. Nothing of it is seen by anybody before the commit.
pub struct Tx {
    connection: Connection,
    pub(crate) sealer: Arc<Sealer>,
    /// Whose chain of the audit log it adds to.
    node: Arc<str>,
    /// Rows of the audit log that have no leaf yet.
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

    /// Runs a statement; the number of rows it changed.
    pub(crate) async fn execute(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<u64, Error> {
        let result = self.connection.execute(sql, values).await;
        result.inspect_err(|error| self.failure = Some(error.clone()))
    }

    /// Runs a statement that is to change one row; whether it did.
    pub(crate) async fn changes(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<bool, Error> {
        Ok(self.execute(sql, values).await? == 1)
    }

    /// Every row that a statement returns.
    pub(crate) async fn rows(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, Error> {
        let result = self.connection.rows(sql, values).await;
        result.inspect_err(|error| self.failure = Some(error.clone()))
    }

    /// The failure of a statement since the last call.
    ///
    /// PostgreSQL answers `COMMIT` of a transaction with a failed statement by rolling back, without
    /// an error. So a job that went on after a failure has failed, whatever it says.
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
