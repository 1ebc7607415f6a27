//! Files that a backup may hold, and the largest size of each.
//!
//! Exported checkpoints are left out: a restore must not replace them, because they show that it
//! took place. The first epoch key is left out because only the auditor may have it.

use anyhow::Context as _;
use fourauth_config::Config;
use fourauth_private_file as private_file;
use fourauth_protocol::secret::Secret;
use std::{
    fs::File,
    io::{ErrorKind, Read as _},
    path::Path,
};

/// Name of the database in a backup. Its size is limited only by that of the backup.
pub(super) const DATABASE: &str = "database.db";

/// Name of the keyring in a backup and in the data folder.
pub(super) const KEYRING: &str = "keyring.toml";

/// Folder of the audit log's keys.
pub(super) const AUDIT: &str = "audit";

/// File of the current epoch key.
pub(super) const EPOCH: &str = "audit/epoch.toml";

/// A file of the data folder, by its path there.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) name: &'static str,
    /// Largest size, in bytes.
    pub(super) most: u64,
}

/// All files except the database.
pub(super) const PARTS: [Part; 10] = [
    Part { name: "audit/log.key", most: 16 << 10 },
    Part { name: "audit/log.vkey", most: 16 << 10 },
    Part { name: EPOCH, most: 16 << 10 },
    Part { name: "audit/receipts.key", most: 16 << 10 },
    Part { name: "tls/cert.pem", most: 1 << 20 },
    Part { name: "tls/key.pem", most: 64 << 10 },
    Part { name: "setup-secret", most: 4 << 10 },
    Part { name: "rows-sealed", most: 4 << 10 },
    Part { name: "devices-sealed", most: 4 << 10 },
    // Last, so that an interrupted restore leaves a database without a keyring, which no server
    // starts with.
    Part { name: KEYRING, most: 64 << 10 },
];

/// Largest size of the file with this name, in bytes. `None` if a backup cannot hold such a file.
pub(super) fn most(name: &str) -> Option<u64> {
    if name == DATABASE {
        return Some(u64::MAX);
    }
    PARTS.iter().find(|part| part.name == name).map(|part| part.most)
}

/// Name and content of a part.
pub(super) type Found = (&'static str, Secret<Vec<u8>>);

/// Reads the parts that exist in the data folder.
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
