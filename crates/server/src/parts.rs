//! Builds the store and the authenticator from the configuration.

use crate::first_run;
use anyhow::Context as _;
use fourauth_auth::{
    attempt::undecided::Undecided,
    authenticator::{self, Authenticator, Settings},
    command::Passcodes,
    compute::{Compute, PoolLimits},
    delivery::Delivery,
    entropy,
    faces::Faces,
    hashing::Hasher,
    limits,
    policy::{Optional, Policy},
    receipt_key::ReceiptKey,
    tokens::{TokenSettings, Tokens},
};
use fourauth_config::{
    AttemptsConfig, AuthConfig, ChallengeConfig, ComputeConfig, Config, CourierConfig,
};
use fourauth_face::Engine;
use fourauth_factors::{password::Cost, password_rule::PasswordRule};
use fourauth_private_file as private_file;
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{Keyring, SealedDecoy, Store};
use std::{num::NonZero, path::Path, sync::Arc, thread::available_parallelism, time::Duration};

/// Content of the file that says that all rows were sealed.
const SEALED_NOTE: &[u8] =
    b"The rows of accounts and administrators are sealed. Without this file the \
    next start seals\nrows that have no seal, also those that another program wrote.\n";

/// Content of the file that says that devices, gateways and recovery codes were sealed.
const DEVICES_NOTE: &[u8] =
    b"The rows of devices and gateways are sealed, and recovery codes have a key. Without\n\
    this file the next start seals rows that have no seal, also those that another program wrote.\n";

/// The store, and the parts of the authenticator that check evidence.
pub(crate) struct Parts {
    pub(crate) store: Arc<Store>,
    decoy: SealedDecoy,
    hasher: Hasher,
    faces: Faces,
    receipts: ReceiptKey,
    tokens: Tokens,
}

impl Parts {
    /// Opens the database with its keyring and creates the first administrator.
    pub(crate) async fn open(
        config: &Config,
        engine: Arc<Engine>,
        now: UnixMillis,
    ) -> anyhow::Result<Self> {
        let location = config.location();
        let keyring = Arc::new(first_run::keyring(config, &location, now).await?);
        let compute = Compute::start(compute_limits(&config.compute))?;
        let hasher = hasher(&config.auth, &compute, &keyring)?;
        let faces = Faces::new(compute, engine, keyring.pepper().clone());
        let tokens = Tokens::new(keyring.pepper(), token_settings(&config.auth));
        let store = Arc::new(Store::open(&location, keyring).await?);
        seal_rows(&store, &config.sealed_rows_file()).await?;
        seal_devices(&store, &config.sealed_devices_file()).await?;
        settle_names(&store, now).await?;
        let decoy =
            authenticator::decoy(&hasher, |account, epoch| faces.decoy(account, epoch)).await?;
        let decoy = store.seal_decoy(decoy);
        first_run::setup_admin(config, &store, &hasher, now).await?;
        let receipts = first_run::receipt_key(&config.receipt_key_file())?;
        Ok(Self { store, decoy, hasher, faces, receipts, tokens })
    }

    /// Builds the authenticator, which decides commands.
    pub(crate) fn authenticator(self, config: &Config, undecided: Undecided) -> Authenticator {
        let settings = Settings {
            profile: config.auth.profile,
            password_rule: PasswordRule::default(),
            issuer: config.auth.issuer.clone(),
            portal: config.web.origin.as_ref().map(|origin| origin.as_str().to_owned()),
            keep_image: config.face.keep_image,
            trust_on_first_use: config.auth.device_trust_on_first_use,
            mac_only: config.compat.mac_only,
            passcodes: passcodes(config),
            resets: config.sign_in.password_reset.then(|| delivery(&config.courier)),
            policy: policy(config),
            limits: attempt_limits(&config.attempts, self.faces.judge_liveness()),
            cooldown_ms: milliseconds(config.attempts.recovery_cooldown_s),
        };
        let Self { store, decoy, hasher, faces, receipts, tokens } = self;
        Authenticator::new(authenticator::Parts {
            store,
            decoy,
            hasher,
            faces,
            settings,
            receipts,
            tokens,
            undecided,
        })
    }
}

/// Seals the rows of an earlier version, once in the life of a data folder. After that, a row
/// without a seal was written by another program.
async fn seal_rows(store: &Store, done: &Path) -> anyhow::Result<()> {
    if done.exists() {
        return Ok(());
    }
    let rows = store.seal_rows().await?;
    if rows > 0 {
        tracing::info!(rows, "the rows of accounts and administrators are sealed");
    }
    private_file::create(done, SEALED_NOTE, entropy::bytes())
        .with_context(|| format!("cannot write {}", done.display()))
}

/// As [`seal_rows`], for devices, gateways and recovery codes.
async fn seal_devices(store: &Store, done: &Path) -> anyhow::Result<()> {
    if done.exists() {
        return Ok(());
    }
    let rows = store.seal_devices().await?;
    if rows > 0 {
        tracing::info!(rows, "the rows of devices, gateways and recovery codes are sealed");
    }
    private_file::create(done, DEVICES_NOTE, entropy::bytes())
        .with_context(|| format!("cannot write {}", done.display()))
}

/// Settles names and addresses of earlier versions. The log has their number and not the names, because
/// an erasure does not reach it.
async fn settle_names(store: &Store, now: UnixMillis) -> anyhow::Result<()> {
    let renamed = store.settle_names(now).await?.len();
    if renamed > 0 {
        tracing::warn!(
            renamed,
            "names were brought to their one spelling; `fourauthd audit --action user_rename` lists \
             them, and those with `why=taken` got a number, so tell their owners"
        );
    }
    let collisions = store.name_collisions().await?.len();
    if collisions > 0 {
        tracing::warn!(
            collisions,
            "accounts of an earlier version share a name or a mail address with another account; \
             `fourauthd user collisions` lists them and says what to do"
        );
    }
    Ok(())
}

/// Creates a hasher with the configured cost.
///
/// # Errors
///
/// If the configured cost is not valid for Argon2.
pub fn hasher(auth: &AuthConfig, compute: &Compute, keyring: &Keyring) -> anyhow::Result<Hasher> {
    let cost = Cost { memory_kib: auth.argon2_memory_kib, passes: auth.argon2_passes };
    Hasher::new(compute.clone(), cost, keyring.pepper().clone())
        .context("auth.argon2_memory_kib and auth.argon2_passes are not a valid cost")
}

/// What the operator has switched on.
fn policy(config: &Config) -> Policy {
    let challenge = config.face_challenge();
    Policy::default()
        .with(Optional::TwoSteps, config.sign_in.two_steps)
        .with(Optional::SelfRegistration, config.sign_in.self_registration)
        .with(Optional::ChallengeAtRecovery, challenge != ChallengeConfig::Off)
        .with(Optional::ChallengeAtLogin, challenge == ChallengeConfig::Always)
        .with(Optional::StillFaces, config.compat.still_faces)
}

/// How passcodes are sent, if they open sessions.
fn passcodes(config: &Config) -> Option<Passcodes> {
    config.auth.passcodes.then(|| Passcodes {
        delivery: delivery(&config.courier),
        for_a_source: config.courier.passcodes_for_a_source,
    })
}

/// The messages with codes that the courier can send.
fn delivery(courier: &CourierConfig) -> Delivery {
    Delivery {
        by_mail: courier.mail().is_some(),
        by_sms: courier.sms().is_some(),
        for_an_account: [courier.owner_in_15_min, courier.owner_in_a_day],
    }
}

/// The configured lifetime and binding of sessions.
fn token_settings(auth: &AuthConfig) -> TokenSettings {
    TokenSettings {
        lifetime_ms: milliseconds(auth.session_s),
        session_ms: milliseconds(auth.session_max_s),
        address: auth.session_address,
        prefix: auth.token_prefix.clone(),
    }
}

/// Upper bound of wrong faces in a row, of unknown devices and of known ones each, if liveness is not
/// judged: ten in all.
const FACES_WITHOUT_LIVENESS: u32 = 5;

/// The configured limits on attempts.
fn attempt_limits(attempts: &AttemptsConfig, judges_liveness: bool) -> limits::Limits {
    let most_faces = if judges_liveness { u32::MAX } else { FACES_WITHOUT_LIVENESS };
    limits::Limits {
        unknown_device: attempts.unknown_device,
        known_device: attempts.known_device,
        backoff_max_ms: u64::from(attempts.backoff_max_s) * 1000,
        totp_in_a_minute: attempts.totp_in_a_minute,
        face_before_waiting: attempts.face_before_waiting,
        face_wait_ms: u64::from(attempts.face_wait_s) * 1000,
        face_unknown_device: attempts.face_unknown_device.min(most_faces),
        face_known_device: attempts.face_known_device.min(most_faces),
        at_once: attempts.at_once,
    }
}

fn milliseconds(seconds: u32) -> i64 {
    i64::from(seconds) * 1000
}

/// The configured limits of the compute pool.
#[must_use]
pub fn compute_limits(compute: &ComputeConfig) -> PoolLimits {
    let cores = || available_parallelism().map_or(1, NonZero::get);
    PoolLimits {
        threads: if compute.threads == 0 { cores() } else { compute.threads },
        queue: compute.queue,
        queue_per_source: compute.queue_per_source,
        deadline: Duration::from_millis(compute.deadline_ms.into()),
    }
}
