//! Writing, reading and closing. `start` opens a store; the queries are in the module of each noun.

use crate::{
    account::{session_cache::SessionCache, session_use::SessionUses},
    engine::{
        driver::{Connection, Pool, Remains, Row, Value, Writing},
        tx::Tx,
        writer::Writer,
    },
    error::Error,
    keys::seal::Sealer,
    limits::refusal_counter::Counter,
};
use fourauth_audit::ErasureSigner;
use fourauth_protocol::secret::Secret;
use futures_util::future::BoxFuture;
use sqlx::SqlSafeStr;
use std::sync::{Arc, OnceLock};

/// Accounts, secrets, sessions and the audit log in one database.
#[derive(Debug)]
pub struct Store {
    pub(crate) pool: Arc<Pool>,
    pub(crate) writer: Arc<Writer>,
    pub(crate) refusals: Counter,
    pub(crate) uses: SessionUses,
    pub(crate) recent: SessionCache,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) erasure_signer: OnceLock<Arc<ErasureSigner>>,
}

impl Store {
    /// Runs `job` in its own transaction, all or nothing, and returns once the commit is durable.
    ///
    /// The job must only write; slow work is done before. It may share a commit with other jobs,
    /// which it cannot observe. Dropping the future does not cancel the job.
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
    /// The job's own error; none of its writes were committed then. [`Error::Unavailable`] if a
    /// statement or the commit failed.
    pub async fn write<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: for<'a> FnOnce(&'a mut Tx) -> BoxFuture<'a, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.writer.write(job).await
    }

    /// Rewrites the database, so that no page holds deleted data, and empties its journal. Other
    /// connections may use it at the same time: on SQLite they can read, but wait to write.
    ///
    /// PostgreSQL only marks the space as free, so pages may hold the bytes until they are reused.
    ///
    /// # Errors
    ///
    /// [`Error`] if the disk has no room, or the database stayed busy. Deleted rows stay deleted.
    pub async fn compact(&self) -> Result<Remains, Error> {
        self.pool.compact().await
    }

    /// Checks that the database answers.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if it does not.
    pub async fn ping(&self) -> Result<(), Error> {
        // SQLite would answer a statement without a table from memory.
        const SQL: &str = "SELECT size FROM audit_tree";

        self.row(SQL, &[]).await.map(|_| ())
    }

    /// Checks that the database takes a write: a row is written as it is, and is on disk when this
    /// returns.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] with the cause if it does not.
    pub async fn probe(&self) -> Result<(), Error> {
        const SQL: &str = "UPDATE server_run SET running = running";

        self.write(|tx| Box::pin(async move { tx.execute(SQL, &[]).await.map(|_| ()) })).await
    }

    /// Accepts no more jobs, finishes the queued ones and disconnects.
    pub async fn close(&self) {
        self.refusals.close().await;
        self.writer.close().await;
        self.pool.close().await;
    }

    /// Size of the data in bytes, to be compared with a size limit. The sizes of the files and of a
    /// backup or a dump differ.
    pub async fn size_bytes(&self) -> Result<u64, Error> {
        self.pool.size_bytes().await
    }

    /// Number of statements executed so far, without transaction control. Tests compare it between
    /// two attempts to show that both do the same work.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.pool.statements()
    }

    /// Number of sealed values opened so far, for the same comparison.
    #[must_use]
    pub fn openings(&self) -> u64 {
        self.sealer.opened()
    }

    /// Digest of a named value in hexadecimal, to detect if the value changed. It is keyed by the
    /// keyring's pepper: without the pepper, a guess at the value cannot be checked.
    #[must_use]
    pub fn digest(&self, name: &str, value: &Secret<String>) -> String {
        self.sealer.keyring().digest(name, value.expose())
    }

    /// The keys that grants are made and checked with, derived from the keyring. The first one makes
    /// grants, and all of them check: a grant that was made before a rotation stays valid until its
    /// key is removed from the keyring.
    #[must_use]
    pub fn grant_keys(&self) -> Vec<Secret<[u8; 32]>> {
        self.sealer.grant_keys()
    }

    /// The seeds of the key pairs that sign tokens, derived from the keyring. The first one signs, and
    /// all of them verify.
    #[must_use]
    pub fn jwt_seeds(&self) -> Vec<Secret<[u8; 32]>> {
        self.sealer.jwt_seeds()
    }

    /// A connection that reads the database as of its first statement.
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
        Box::pin(self.pool.rows(sql, values)).await
    }

    pub(crate) async fn row(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Option<Row>, Error> {
        // On the heap, because it is large and callers have it in their own future even if they do
        // not ask the database.
        Box::pin(self.pool.row(sql, values)).await
    }
}
