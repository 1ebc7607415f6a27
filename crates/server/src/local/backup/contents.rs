//! Which files a backup may hold, and how large each may be.
//!
//! Exported checkpoints are left out: they have to stay where a restore does not reach, or nothing
//! would show that one took place. So is the first epoch's key, which belongs to the auditor alone.

use anyhow::Context as _;
use fourauth_config::Config;
use fourauth_private_file as private_file;
use fourauth_protocol::secret::Secret;
use std::{
    fs::File,
    io::{ErrorKind, Read as _},
    path::Path,
};

/// The database's name in a backup. Its size is limited by that of the backup.
pub(super) const DATABASE: &str = "database.db";

/// The keyring's, as in the data folder.
pub(super) const KEYRING: &str = "keyring.toml";

/// The folder with what belongs to the audit log.
pub(super) const AUDIT: &str = "audit";

/// The key of the epoch.
pub(super) const EPOCH: &str = "audit/epoch.toml";

/// A file of the data folder, by its path there.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) name: &'static str,
    /// Largest size, in bytes.
    pub(super) most: u64,
}

/// Everything besides the database.
pub(super) const PARTS: [Part; 8] = [
    Part { name: "audit/log.key", most: 16 << 10 },
    Part { name: "audit/log.vkey", most: 16 << 10 },
    Part { name: EPOCH, most: 16 << 10 },
    Part { name: "audit/receipts.key", most: 16 << 10 },
    Part { name: "tls/cert.pem", most: 1 << 20 },
    Part { name: "tls/key.pem", most: 64 << 10 },
    Part { name: "setup-secret", most: 4 << 10 },
    // Last, so that a restore that was broken off leaves a database that nothing starts with.
    Part { name: KEYRING, most: 64 << 10 },
];

/// The largest size of the file of this name; `None` if a backup holds no such file.
pub(super) fn most(name: &str) -> Option<u64> {
    if name == DATABASE {
        return Some(u64::MAX);
    }
    PARTS.iter().find(|part| part.name == name).map(|part| part.most)
}

/// A part by its name, and what is in it.
pub(super) type Found = (&'static str, Secret<Vec<u8>>);

/// The parts that are there.
pub(super) fn collect(config: &Config) -> anyhow::Result<Vec<Found>> {
    let mut found = Vec::new();
    for part in &PARTS {
        let path = config.data_dir.join(part.name);
        let read = read(&path, part.most);
        if let Some(bytes) = read.with_context(|| format!("cannot read {}", path.display()))? {
            found.push((part.name, bytes));
        }
    }
    Ok(found)
}

fn read(path: &Path, most: u64) -> anyhow::Result<Option<Secret<Vec<u8>>>> {
    loop {
        let file = match File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let mut bytes = Vec::with_capacity(4096);
        let read = (&file).take(most + 1).read_to_end(&mut bytes);
        let bytes = Secret::new(bytes);
        anyhow::ensure!(u64::try_from(read?)? <= most, "it is larger than {most} bytes");
        if !private_file::is_replaced(&file)? {
            return Ok(Some(bytes));
        }
    }
}
