//! Opening, writing, closing. What is read and written stands beside each noun.

use crate::{
    Decoy,
    driver::{Pool, Row, Value},
    error::{Cause, Error, OpenError},
    job::Pending,
    key_check,
    keyring::Keyring,
    location::Location,
    seal::Sealer,
    subject::Record,
    tx::Tx,
    writer::Writer,
};
use futures_util::future::BoxFuture;
use sqlx::SqlSafeStr;
use std::sync::Arc;

/// Accounts, secrets, sessions and the audit log in one database.
#[derive(Debug)]
pub struct Store {
    pool: Arc<Pool>,
    writer: Writer,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) decoy: Record,
}

impl Store {
    /// Connects, brings the schema up to date and sees that the keyring fits what is stored.
    ///
    /// # Errors
    ///
    /// [`OpenError`], whose text says what the operator should do. Nothing has been changed then,
    /// but for migrations.
    pub async fn open(
        location: &Location,
        keyring: Arc<Keyring>,
        decoy: Decoy,
    ) -> Result<Self, OpenError> {
        let pool = Arc::new(Pool::connect(location).await?);
        pool.migrate().await?;
        let sealer = Arc::new(Sealer::new(Arc::clone(&keyring)));
        let writer = Writer::start(Arc::clone(&pool), Arc::clone(&sealer));
        let store = Self { decoy: decoy.seal(&sealer), pool, writer, sealer };
        if let Err(refusal) = key_check::run(&store, keyring).await {
            store.close().await;
            return Err(refusal);
        }
        Ok(store)
    }

    /// Runs `job` in a transaction of its own, all or nothing, and answers once it is durable.
    ///
    /// The job does nothing but write: whatever is slow has been done before. It may run together
    /// with others in one commit, which it cannot see. Dropping the future does not cancel it.
    ///
    /// ```no_run
    /// # async fn example(store: fourauth_store::Store, id: fourauth_store::AccountId)
    /// # -> Result<bool, fourauth_store::Error> {
    /// store.write(move |tx| Box::pin(async move { tx.erase_user(id).await })).await
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// What the job returned, of whatever type, in which case nothing of it was written; or
    /// [`Error::Unavailable`] if a statement or the commit failed.
    pub async fn write<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: for<'a> FnOnce(&'a mut Tx) -> BoxFuture<'a, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (job, answer) = Pending::new(job);
        self.writer.submit(Box::new(job)).await?;
        answer.await.unwrap_or(Err(Error::Unavailable(Cause::Closed).into()))
    }

    /// Asks the database for nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if it does not answer.
    pub async fn ping(&self) -> Result<(), Error> {
        self.pool.row("SELECT 1", &[]).await.map(|_| ())
    }

    /// Takes no more jobs, finishes those it has and disconnects.
    pub async fn close(&self) {
        self.writer.close().await;
        self.pool.close().await;
    }

    /// Statements executed so far, transaction control not counted: two attempts that differ in
    /// this differ in what they do.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.pool.statements()
    }

    /// Sealed values opened so far, for the same comparison.
    #[must_use]
    pub fn openings(&self) -> u64 {
        self.sealer.opened()
    }

    pub(crate) async fn rows(
        &self,
        sql: impl SqlSafeStr,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, Error> {
        self.pool.rows(sql, values).await
    }

    pub(crate) async fn row(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Option<Row>, Error> {
        self.pool.row(sql, values).await
    }
}
