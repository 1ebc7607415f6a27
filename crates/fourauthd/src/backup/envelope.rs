//! Encryption of a backup: an age file (<https://c2sp.org/age>), which other programs can open too.
//!
//! A passphrase authenticates the backup: only a program that knows it can create one that opens. A
//! recipient does not, because its key is public: keep such backups where others cannot write.

use age::{
    Decryptor, Encryptor, Identity, Recipient, scrypt,
    secrecy::SecretString,
    stream::{StreamReader, StreamWriter},
    x25519,
};
use anyhow::{Context as _, anyhow};
use clap::Args;
use fourauth_factors::password_rule::PasswordRule;
use fourauth_private_file::{self as private_file, Unread};
use fourauth_protocol::secret::Secret;
use std::{
    io::{BufRead, Write},
    path::{Path, PathBuf},
};

/// Work factor for a passphrase: 2^17 blocks of scrypt, 128 MiB and about half a second.
const WORK_FACTOR: u8 = 17;

/// Largest work factor that is accepted, because the file is untrusted: 256 MiB.
const MAX_WORK_FACTOR: u8 = 18;

/// Largest file with a passphrase or identities, in bytes.
const MOST: u64 = 16 << 10;

/// Passphrase or recipients of a new backup.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Lock {
    /// A file with the passphrase that opens it, at least 16 characters
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// A public key that age-keygen made (age1…); may be given several times
    #[arg(long, value_name = "AGE1…")]
    pub recipient: Vec<String>,
}

/// Passphrase or identities that open a backup.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Unlock {
    /// A file with the passphrase
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// A file with secret keys that age-keygen made
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,
}

impl Lock {
    /// Returns a writer that encrypts to `to`. The caller must finish it.
    pub(super) fn encrypt<W: Write>(&self, to: W) -> anyhow::Result<StreamWriter<W>> {
        let recipients: Vec<Box<dyn Recipient>> = match &self.passphrase_file {
            Some(file) => vec![Box::new(by_passphrase(file)?)],
            None => self.recipient.iter().map(|text| by_key(text)).collect::<Result<_, _>>()?,
        };
        let encryptor = Encryptor::with_recipients(recipients.iter().map(|known| &**known))?;
        Ok(encryptor.wrap_output(to)?)
    }
}

fn by_passphrase(file: &Path) -> anyhow::Result<scrypt::Recipient> {
    let passphrase = passphrase(file)?;
    // Only checked, not normalised: the passphrase itself is used byte by byte.
    PasswordRule::OPERATOR.accept(&passphrase, "backup").with_context(|| {
        format!(
            "the passphrase in {} is too weak: use at least 16 characters that need ten billion \
             guesses, and no value from the documentation",
            file.display()
        )
    })?;
    let mut recipient = scrypt::Recipient::new(SecretString::from(passphrase.expose().clone()));
    recipient.set_work_factor(WORK_FACTOR);
    Ok(recipient)
}

fn by_key(text: &str) -> anyhow::Result<Box<dyn Recipient>> {
    let key: x25519::Recipient =
        text.parse().map_err(|reason: &str| anyhow!("{text} is not a recipient: {reason}"))?;
    Ok(Box::new(key))
}

impl Unlock {
    /// Returns a reader that decrypts `from`. The content is complete only if it is read to the end
    /// without an error.
    pub(super) fn decrypt<R: BufRead>(&self, from: R) -> anyhow::Result<StreamReader<R>> {
        let identities: Vec<Box<dyn Identity>> = match (&self.passphrase_file, &self.identity) {
            (Some(file), _) => {
                let passphrase = SecretString::from(passphrase(file)?.expose().clone());
                let mut identity = scrypt::Identity::new(passphrase);
                identity.set_max_work_factor(MAX_WORK_FACTOR);
                vec![Box::new(identity)]
            }
            (None, Some(file)) => keys(file)?,
            (None, None) => Vec::new(),
        };
        let decryptor = Decryptor::new_buffered(from).context("this is not an age file")?;
        decryptor
            .decrypt(identities.iter().map(|identity| &**identity))
            .context("the backup does not open with this")
    }
}

fn passphrase(file: &Path) -> anyhow::Result<Secret<String>> {
    let text = private(file)?;
    Ok(Secret::new(text.expose().trim_end_matches(['\r', '\n']).to_owned()))
}

/// Parses a file of age-keygen: one identity per line, with comments.
fn keys(file: &Path) -> anyhow::Result<Vec<Box<dyn Identity>>> {
    let text = private(file)?;
    let lines = text.expose().lines().map(str::trim);
    let keys = lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
        let key: Result<x25519::Identity, &str> = line.parse();
        // The line is not quoted, because it may contain a secret.
        let key = key.map_err(|_| anyhow!("{} has a line that is not a key", file.display()))?;
        Ok(Box::new(key) as Box<dyn Identity>)
    });
    keys.collect()
}

fn private(file: &Path) -> anyhow::Result<Secret<String>> {
    private_file::read(file, MOST).map_err(|unread| {
        let file = file.display();
        match unread {
            Unread::Exposed { mode } => {
                anyhow!("{file} can be read by others (mode {mode:03o}): run `chmod 600 {file}`")
            }
            Unread::Io(error) => anyhow::Error::from(error).context(format!("cannot use {file}")),
        }
    })
}
