//! Opening, writing, closing. What is read and written stands beside each noun.

use crate::{
    Decoy,
    account::subject::Record,
    audit::{erasure::Remains, evidence},
    engine::{
        driver::{Connection, Pool, Row, Value, Writing},
        location::Location,
        tx::Tx,
        writer::Writer,
    },
    error::{Error, OpenError},
    keys::{key_check, keyring::Keyring, seal::Sealer},
    limits::refusals::Counter,
};
use arc_swap::ArcSwap;
use fourauth_protocol::secret::Secret;
use futures_util::future::BoxFuture;
use sqlx::SqlSafeStr;
use std::sync::Arc;

/// Accounts, secrets, sessions and the audit log in one database.
#[derive(Debug)]
pub struct Store {
    pool: Arc<Pool>,
    writer: Arc<Writer>,
    pub(crate) refusals: Counter,
    pub(crate) sealer: Arc<Sealer>,
    decoy: Decoy,
    /// The decoy, sealed with a key in use.
    sealed_decoy: ArcSwap<Record>,
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
        Self::open_on(Pool::connect(location).await?, location, keyring, decoy).await
    }

    /// The same for a SQLite file that is reached as `rig` says.
    ///
    /// # Errors
    ///
    /// As [`Store::open`].
    #[cfg(feature = "faults")]
    pub async fn open_rigged(
        path: &std::path::Path,
        rig: crate::Rig,
        keyring: Arc<Keyring>,
        decoy: Decoy,
    ) -> Result<Self, OpenError> {
        let pool = Pool::connect_rigged(path, rig).await?;
        Self::open_on(pool, &Location::Sqlite(path.to_owned()), keyring, decoy).await
    }

    async fn open_on(
        pool: Pool,
        location: &Location,
        keyring: Arc<Keyring>,
        decoy: Decoy,
    ) -> Result<Self, OpenError> {
        let pool = Arc::new(pool);
        pool.migrate().await?;
        let sealer = Arc::new(Sealer::new(Arc::clone(&keyring)));
        let node = evidence::node(location).into();
        let writer = Arc::new(Writer::start(Arc::clone(&pool), Arc::clone(&sealer), node));
        let refusals = Counter::start(Arc::clone(&writer));
        let sealed_decoy = ArcSwap::from_pointee(decoy.seal(&keyring));
        let store = Self { pool, writer, refusals, sealer, decoy, sealed_decoy };
        if let Err(refusal) = key_check::run(&store, keyring).await {
            store.close().await;
            return Err(refusal);
        }
        store.seal_old_rows().await?;
        Ok(store)
    }

    /// Runs `job` in a transaction of its own, all or nothing, and answers once it is durable.
    ///
    /// The job does nothing but write: whatever is slow has been done before. It may run together
    /// with others in one commit, which it cannot see. Dropping the future does not cancel it.
    ///
    /// ```no_run
    /// # async fn example(store: crate::Store, id: crate::AccountId)
    /// # -> Result<bool, crate::Error> {
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
        self.writer.write(job).await
    }

    /// Writes the database anew, so that no page holds what was deleted from it, and empties its
    /// journal. Also while others use it: on SQLite they can read meanwhile and have to wait to
    /// write.
    ///
    /// On PostgreSQL room is made free for use, which is less: pages may hold the bytes until then.
    ///
    /// # Errors
    ///
    /// [`Error`] if there is no room to do so, or the database was busy all the time. What was
    /// deleted is deleted all the same.
    pub async fn compact(&self) -> Result<Remains, Error> {
        self.pool.compact().await
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
        self.refusals.close().await;
        self.writer.close().await;
        self.pool.close().await;
    }

    /// How much room the data takes, in bytes: what a limit on it is held against. A backup or a dump
    /// has another size, and so have the files.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database does not say.
    pub async fn size_bytes(&self) -> Result<u64, Error> {
        self.pool.size_bytes().await
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

    /// A digest that tells whether a named value is the same one as before, in hexadecimal. It is
    /// keyed by the keyring's pepper: without it no guess at the value can be checked.
    #[must_use]
    pub fn digest(&self, name: &str, value: &Secret<String>) -> String {
        self.sealer.keyring().digest(name, value.expose())
    }

    /// What stands in for the record of an account that does not exist.
    pub(crate) fn decoy(&self) -> Record {
        Record::clone(&self.sealed_decoy.load())
    }

    /// Uses a later state of the keyring. The decoy may have been sealed with a key that is gone.
    pub(crate) fn adopt(&self, keyring: Keyring) {
        self.sealed_decoy.store(Arc::new(self.decoy.seal(&keyring)));
        self.sealer.adopt(Arc::new(keyring));
    }

    /// What reads the database as it is from the first look on.
    pub(crate) async fn snapshot(&self) -> Result<Connection, Error> {
        self.pool.snapshot().await
    }

    pub(crate) fn writing(&self) -> Writing {
        self.pool.writing()
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
