//! The transaction that a job runs in. Its methods are in the module of each noun: accounts,
//! sessions, the audit log, administrators.

use crate::{
    audit::unsealed::Unsealed,
    engine::{
        driver::{Connection, Row, Value, Writing},
        writes::Writes,
    },
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
    /// True if a statement may have changed a row.
    has_changed: bool,
    writes: Writes,
}

impl Tx {
    pub(crate) const fn new(
        connection: Connection,
        sealer: Arc<Sealer>,
        node: Arc<str>,
        writes: Writes,
    ) -> Self {
        let unsealed = Vec::new();
        Self { connection, sealer, node, unsealed, failure: None, has_changed: false, writes }
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
        self.has_changed |= result.as_ref().is_ok_and(|rows| *rows > 0);
        result.inspect_err(|error| self.fail(error))
    }

    fn fail(&mut self, error: &Error) {
        self.writes.failed(error);
        self.failure = Some(error.clone());
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
        self.has_changed |= result.as_ref().is_ok_and(|rows| !rows.is_empty());
        result.inspect_err(|error| self.fail(error))
    }

    /// Forgets changes that were rolled back: those since it was `before`.
    pub(crate) const fn restore_changed(&mut self, before: bool) {
        self.has_changed = before;
    }

    /// True if a statement may have changed a row since the last call.
    pub(crate) const fn has_changed(&self) -> bool {
        self.has_changed
    }

    /// As [`has_changed`](Self::has_changed), and false from now on.
    pub(crate) const fn take_changed(&mut self) -> bool {
        std::mem::replace(&mut self.has_changed, false)
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
