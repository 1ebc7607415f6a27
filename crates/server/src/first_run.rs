//! First-run setup: creates the data folder, the keys, a certificate and the first administrator if
//! they are missing.
//!
//! Existing keys and certificates are never replaced, and a keyring is created only for an empty
//! database.

use crate::{certificate, receipt_key};
use anyhow::Context as _;
use data_encoding::BASE32_NOPAD;
use fourauth_auth::{compute::Requester, entropy, hashing::Hasher, receipt_key::ReceiptKey};
use fourauth_config::Config;
use fourauth_factors::password_rule::NewPassword;
use fourauth_private_file as private_file;
use fourauth_protocol::{secret::Secret, time::UnixMillis, username::Username};
use fourauth_store::{Keyring, KeyringError, Location, Store, holds_data};
use std::{fs, io::ErrorKind, os::unix::fs::DirBuilderExt as _, path::Path};
use time::OffsetDateTime;

/// The name of the first administrator. It is reserved.
pub const SETUP: &str = "setup";

/// Creates the data folder, readable by its owner only.
///
/// # Errors
///
/// Fails if the operating system refuses.
pub fn data_dir(path: &Path) -> anyhow::Result<()> {
    private_dir(path)
}

fn private_dir(path: &Path) -> anyhow::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("cannot create the folder {}", path.display()))
}

/// Loads the keyring, or creates one if the database is empty.
///
/// # Errors
///
/// Fails if the keyring is missing but the database has data, or if it cannot be read or is
/// readable by other users.
pub async fn keyring(
    config: &Config,
    location: &Location,
    now: UnixMillis,
) -> anyhow::Result<Keyring> {
    let path = config.keyring_file();
    match Keyring::load(&path) {
        Err(KeyringError::Missing { .. }) if !holds_data(location).await? => {
            let keyring = Keyring::create(&path, &Secret::new(entropy::bytes()), now)?;
            tracing::info!(path = %path.display(), "keyring created; keep a copy elsewhere");
            Ok(keyring)
        }
        loaded => Ok(loaded?),
    }
}

/// Creates a development certificate, unless one exists or the configuration names another.
///
/// # Errors
///
/// Fails if the certificate cannot be created or written.
pub fn certificate(config: &Config, now: UnixMillis) -> anyhow::Result<()> {
    let (chain, key) = (config.certificate_file(), config.private_key_file());
    let is_ours = config.tls.certificate.is_none() && config.tls.private_key.is_none();
    if !is_ours || chain.exists() {
        return Ok(());
    }
    let now = OffsetDateTime::from_unix_timestamp(now.seconds())
        .context("the system time is out of range")?;
    let made = certificate::development(&[], now)?;
    if let Some(folder) = chain.parent() {
        private_dir(folder)?;
    }
    // The certificate is written last. While it is missing the pair is incomplete, and a key that
    // an interrupted start left behind is unused.
    if key.exists() {
        fs::remove_file(&key).with_context(|| format!("cannot remove {}", key.display()))?;
    }
    for (path, pem) in [(&key, made.private_key), (&chain, made.certificate)] {
        create(path, &Secret::new(pem))?;
    }
    Ok(())
}

fn create(path: &Path, text: &Secret<String>) -> anyhow::Result<()> {
    private_file::create(path, text.expose().as_bytes(), entropy::bytes())
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Loads the key that receipts are signed with, or creates it.
///
/// # Errors
///
/// Fails if the key cannot be created or read, or is readable by other users.
pub fn receipt_key(path: &Path) -> anyhow::Result<ReceiptKey> {
    if let Some(folder) = path.parent() {
        private_dir(folder)?;
    }
    receipt_key::load_or_create(path)
}

/// Creates the first administrator if there is no administrator, with a secret in a file. Both
/// exist until another administrator is added.
///
/// # Errors
///
/// Fails if the secret cannot be written or stored.
pub async fn setup_admin(
    config: &Config,
    store: &Store,
    hasher: &Hasher,
    now: UnixMillis,
) -> anyhow::Result<()> {
    if !store.admins().await?.is_empty() {
        return Ok(());
    }
    let path = config.setup_secret_file();
    let secret = setup_secret(&path)?;
    let secret = NewPassword::in_use(&secret).context("the generated secret is too long")?;
    let hash = hasher.create(secret, Requester::this_machine()).await?;
    let name = Username::parse(SETUP)?;
    store.write(move |tx| Box::pin(async move { tx.add_admin(&name, &hash, now).await })).await?;
    tracing::info!(path = %path.display(), "secret of the first administrator written");
    Ok(())
}

/// Writes a new secret to a file, durably, before the store gets its hash. A file that is already
/// there, for example from an interrupted start, belongs to no administrator and is removed.
fn setup_secret(path: &Path) -> anyhow::Result<Secret<String>> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error)
                .with_context(|| format!("cannot remove the old secret {}", path.display()));
        }
        Ok(()) | Err(_) => {}
    }
    let secret = Secret::new(BASE32_NOPAD.encode(&entropy::bytes::<20>()));
    create(path, &secret)?;
    Ok(secret)
}

/// Removes the secret file of the first administrator, once there is another administrator.
///
/// # Errors
///
/// Fails if the file cannot be removed.
pub fn remove_setup_secret(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}
