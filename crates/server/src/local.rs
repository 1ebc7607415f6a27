//! `fourauthd user|admin|audit|models|config|healthcheck`: administration on the machine itself.
//!
//! Whoever may read the data folder may do all of this; nothing here asks for a secret to prove it.
//! What changes an account leaves an audit row, in the transaction of the change.

pub mod admin;
pub mod audit;
pub mod config;
pub mod healthcheck;
pub mod models;
pub mod user;

use crate::{config::Config, parts};
use anyhow::Context as _;
use fourauth_auth::{
    authenticator,
    compute::{Compute, Limits},
    hashing::Hasher,
};
use fourauth_factors::{
    face::{DIMENSIONS, Template},
    rotation::Rotation,
};
use fourauth_protocol::{secret::Secret, time::UnixMillis};
use fourauth_store::{AuditEntry, Keyring, Location, Store};
use std::sync::Arc;

/// The database of a server, opened beside it.
#[derive(Debug)]
pub struct LocalStore {
    /// The database.
    pub store: Store,
    /// Makes hashes that the server accepts.
    pub hasher: Hasher,
    /// What the system clock says.
    pub now: UnixMillis,
}

impl LocalStore {
    /// Opens the database with the keyring that belongs to it. Makes neither.
    ///
    /// # Errors
    ///
    /// If the server has not run here yet, or the keyring does not fit.
    pub async fn open(config: &Config, now: UnixMillis) -> anyhow::Result<Self> {
        let keyring = Keyring::load(&config.keyring_file())
            .context("start `fourauthd` once, so that there is something to administer")?;
        let keyring = Arc::new(keyring);
        let compute = Compute::start(Limits { threads: 1, ..parts::compute_limits(config) })?;
        let hasher = parts::hasher(config, &compute, &keyring)?;
        // Nobody logs in here, so the decoy need not resemble a face.
        let decoy = authenticator::decoy(&hasher, |account, epoch| {
            let rotation = Rotation::derive(&Secret::new([0; 32]), account.0, epoch);
            Template::protect(&[0.0; DIMENSIONS], [0; 32], account.0, 1, &rotation)
        });
        let location = Location::parse(&config.store_url())?;
        let store = Store::open(&location, keyring, decoy.await?).await?;
        Ok(Self { store, hasher, now })
    }

    /// The row for something done on the machine itself.
    fn entry(&self, username: Option<String>, action: &'static str, detail: String) -> AuditEntry {
        AuditEntry { at: self.now, username, action, success: true, detail }
    }
}
