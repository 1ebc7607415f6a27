//! Makes what is missing: the data folder, the keys, a certificate, the first administrator.
//!
//! Nothing that exists is ever replaced, and keys are made only for a database that holds nothing.

use crate::{certificate, receipt_key};
use anyhow::Context as _;
use data_encoding::BASE32_NOPAD;
use fourauth_auth::{compute::Requester, entropy, hashing::Hasher, receipt::ReceiptKey};
use fourauth_config::Config;
use fourauth_factors::password_rule::NewPassword;
use fourauth_private_file as private_file;
use fourauth_protocol::{secret::Secret, time::UnixMillis, username::Username};
use fourauth_store::{Keyring, KeyringError, Location, Store, holds_data};
use std::{fs, io::ErrorKind, os::unix::fs::DirBuilderExt as _, path::Path};
use time::OffsetDateTime;

/// The name of the first administrator. Nobody else can have it.
pub const SETUP: &str = "setup";

/// Makes the data folder, readable by its owner alone.
///
/// # Errors
///
/// If the operating system refuses.
pub fn data_dir(config: &Config) -> anyhow::Result<()> {
    private_dir(&config.data_dir)
}

fn private_dir(path: &Path) -> anyhow::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("cannot make the folder {}", path.display()))
}

/// The keyring; a new one only if the database holds nothing that an old one sealed.
///
/// # Errors
///
/// If it is missing though there is data, cannot be read, or is readable by others.
pub async fn keyring(
    config: &Config,
    location: &Location,
    now: UnixMillis,
) -> anyhow::Result<Keyring> {
    let path = config.keyring_file();
    match Keyring::load(&path) {
        Err(KeyringError::Missing { .. }) if !holds_data(location).await? => {
            let keyring = Keyring::create(&path, &Secret::new(entropy::bytes()), now)?;
            tracing::info!(path = %path.display(), "made a keyring; keep a copy of it elsewhere");
            Ok(keyring)
        }
        loaded => Ok(loaded?),
    }
}

/// A development certificate, unless the operator has named another or it is there already.
///
/// # Errors
///
/// If it cannot be made or written.
pub fn certificate(config: &Config, now: UnixMillis) -> anyhow::Result<()> {
    let (chain, key) = (config.certificate_file(), config.private_key_file());
    let is_ours = config.tls.certificate.is_none() && config.tls.private_key.is_none();
    if !is_ours || chain.exists() {
        return Ok(());
    }
    let now = OffsetDateTime::from_unix_timestamp(now.seconds()).context("no such time")?;
    let made = certificate::development(&[], now)?;
    if let Some(folder) = chain.parent() {
        private_dir(folder)?;
    }
    // The certificate last: while it is missing the pair is not finished, and a key that an
    // interrupted start has left belongs to nothing.
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

/// The key that receipts are signed with.
///
/// # Errors
///
/// If it cannot be made or read, or is readable by others.
pub fn receipt_key(config: &Config) -> anyhow::Result<ReceiptKey> {
    let path = config.receipt_key_file();
    if let Some(folder) = path.parent() {
        private_dir(folder)?;
    }
    receipt_key::load_or_create(&path)
}

/// The first administrator, if there is none: a secret in a file, for as long as nobody else is
/// named.
///
/// # Errors
///
/// If the secret cannot be written or stored.
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
    let hash = hasher.create(NewPassword::in_use(&secret), Requester::this_machine()).await?;
    let name = Username::parse(SETUP)?;
    store.write(move |tx| Box::pin(async move { tx.add_admin(&name, &hash, now).await })).await?;
    tracing::info!(path = %path.display(), "the first administrator's secret is in this file");
    Ok(())
}

/// A fresh secret, durable before it is of use. What an interrupted start has left, or somebody has
/// put there, is no administrator's yet and goes.
fn setup_secret(path: &Path) -> anyhow::Result<Secret<String>> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).context("cannot remove a setup secret of nobody");
        }
        Ok(()) | Err(_) => {}
    }
    let secret = Secret::new(BASE32_NOPAD.encode(&entropy::bytes::<20>()));
    create(path, &secret)?;
    Ok(secret)
}

/// Removes the file with the first administrator's secret, once there is another administrator.
///
/// # Errors
///
/// If the file system refuses.
pub fn remove_setup_secret(config: &Config) -> anyhow::Result<()> {
    match fs::remove_file(config.setup_secret_file()) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}
