//! What decides and remembers, made from the configuration.

use crate::{config::Config, first_run};
use anyhow::Context as _;
use fourauth_auth::{
    authenticator::{self, Authenticator, Settings},
    compute::{Compute, Limits},
    faces::Faces,
    hashing::Hasher,
    undecided::Undecided,
};
use fourauth_face::Engine;
use fourauth_factors::{password::Cost, password_rule::PasswordRule};
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{Keyring, Location, Store};
use std::{num::NonZero, sync::Arc, thread::available_parallelism, time::Duration};

/// The store and what examines evidence.
pub(crate) struct Parts {
    pub(crate) store: Arc<Store>,
    hasher: Hasher,
    faces: Faces,
}

impl Parts {
    /// Opens the database with its keyring and names the first administrator.
    pub(crate) async fn open(
        config: &Config,
        engine: Arc<Engine>,
        now: UnixMillis,
    ) -> anyhow::Result<Self> {
        let location = Location::parse(&config.store_url())?;
        let keyring = Arc::new(first_run::keyring(config, &location, now).await?);
        let compute = Compute::start(compute_limits(config))?;
        let hasher = hasher(config, &compute, &keyring)?;
        let faces = Faces::new(compute, engine, keyring.pepper().clone());
        let decoy =
            authenticator::decoy(&hasher, |account, epoch| faces.decoy(account, epoch)).await?;
        let store = Arc::new(Store::open(&location, keyring, decoy).await?);
        first_run::setup_admin(config, &store, &hasher, now).await?;
        Ok(Self { store, hasher, faces })
    }

    /// What decides commands.
    pub(crate) fn authenticator(self, config: &Config, undecided: Undecided) -> Authenticator {
        let settings = Settings {
            profile: config.auth.profile,
            password_rule: PasswordRule::default(),
            issuer: config.auth.issuer.clone(),
            session_ms: i64::from(config.auth.session_s) * 1000,
            keep_image: config.face.keep_image,
        };
        Authenticator::new(self.store, self.hasher, self.faces, settings, undecided)
    }
}

/// A hasher of the configured cost.
pub(crate) fn hasher(
    config: &Config,
    compute: &Compute,
    keyring: &Keyring,
) -> anyhow::Result<Hasher> {
    let cost =
        Cost { memory_kib: config.auth.argon2_memory_kib, passes: config.auth.argon2_passes };
    Hasher::new(compute.clone(), cost, keyring.pepper().clone())
        .context("auth.argon2_memory_kib and auth.argon2_passes name no cost that can be used")
}

/// The configured limits of the compute pool.
pub(crate) fn compute_limits(config: &Config) -> Limits {
    let cores = || available_parallelism().map_or(1, NonZero::get);
    Limits {
        threads: if config.compute.threads == 0 { cores() } else { config.compute.threads },
        queue: config.compute.queue,
        deadline: Duration::from_millis(config.compute.deadline_ms.into()),
    }
}
