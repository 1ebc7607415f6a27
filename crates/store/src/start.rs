//! Opening a database: by a server, which migrates it, or by a local command, which does not.

use crate::{
    account::{session_cache::SessionCache, session_use::SessionUses},
    audit::evidence,
    engine::{driver::Pool, location::Location, writer::Writer},
    error::OpenError,
    keys::{key_check, keyring::Keyring, seal::Sealer, sealing::ids},
    limits::refusal_counter::Counter,
    store::Store,
};
use std::sync::{Arc, OnceLock};

impl Store {
    /// Connects, migrates the schema and checks that the keyring matches the database. An empty
    /// database belongs to this keyring afterwards.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; its message says what to do. Migrations may have been applied; nothing else
    /// has changed.
    pub async fn open(location: &Location, keyring: Arc<Keyring>) -> Result<Self, OpenError> {
        Self::start(Pool::connect(location).await?, location, keyring).await
    }

    /// Connects to the database of a server and changes nothing in it.
    ///
    /// # Errors
    ///
    /// [`OpenError`] as for [`Store::open`]; [`OpenError::OlderSchema`] if a server of this version
    /// has not finished a start: migrations, check values of the keys or leaves of old rows are
    /// missing.
    pub async fn open_existing(
        location: &Location,
        keyring: Arc<Keyring>,
    ) -> Result<Self, OpenError> {
        if let Location::Sqlite(path) = location
            && !path.exists()
        {
            return Err(OpenError::OlderSchema);
        }
        let pool = Pool::connect(location).await?;
        let checked = async {
            pool.check_schema().await?;
            key_check::check(&pool, &keyring).await?;
            if evidence::has_old_rows(&pool).await? { Err(OpenError::OlderSchema) } else { Ok(()) }
        };
        if let Err(refusal) = checked.await {
            pool.close().await;
            return Err(refusal);
        }
        Ok(Self::assemble(pool, location, keyring))
    }

    /// Opens a SQLite file through the VFS and settings of `vfs_override`.
    ///
    /// # Errors
    ///
    /// As [`Store::open`].
    #[cfg(feature = "faults")]
    pub async fn open_with_vfs(
        path: &std::path::Path,
        vfs_override: crate::VfsOverride,
        keyring: Arc<Keyring>,
    ) -> Result<Self, OpenError> {
        let pool = Pool::connect_with_vfs(path, vfs_override).await?;
        Self::start(pool, &Location::Sqlite(path.to_owned()), keyring).await
    }

    async fn start(
        pool: Pool,
        location: &Location,
        keyring: Arc<Keyring>,
    ) -> Result<Self, OpenError> {
        pool.migrate().await?;
        let store = Self::assemble(pool, location, Arc::clone(&keyring));
        if let Err(refusal) = key_check::run(&store.pool, &store.writer, keyring).await {
            store.close().await;
            return Err(refusal);
        }
        store.sealer.note_known(ids(&key_check::known(&store.pool).await?)?);
        store.seal_old_rows().await?;
        Ok(store)
    }

    fn assemble(pool: Pool, location: &Location, keyring: Arc<Keyring>) -> Self {
        let pool = Arc::new(pool);
        let sealer = Arc::new(Sealer::new(keyring));
        let node = evidence::node(location).into();
        let writer = Arc::new(Writer::start(Arc::clone(&pool), Arc::clone(&sealer), node));
        let refusals = Counter::start(Arc::clone(&writer));
        let (uses, recent) = (SessionUses::default(), SessionCache::default());
        let erasure_signer = OnceLock::new();
        Self { pool, writer, refusals, uses, recent, sealer, erasure_signer }
    }
}
