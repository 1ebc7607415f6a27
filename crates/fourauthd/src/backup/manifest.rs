//! The first file of a backup: the sizes and hashes of the other files, and the state of the
//! database.

use super::contents::{self, DATABASE, KEYRING};
use anyhow::{Context as _, bail, ensure};
use data_encoding::HEXLOWER;
use fourauth_audit::key::VerifyingKey;
use fourauth_checkpoints::KeyFileError;
use fourauth_protocol::time::UnixMillis;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, path::Path};

/// Name of the manifest.
pub(super) const NAME: &str = "manifest.toml";

/// Largest manifest, in bytes.
pub(super) const MOST: u64 = 64 << 10;

/// Begins the line after a signed manifest. It is a comment, so that earlier versions read it too.
const SIGNATURE: &str = "# signature ";

/// Version of the format. There is only one.
const FORMAT: u32 = 1;

/// Content of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    format: u32,
    pub(super) created_utc: UnixMillis,
    /// Version of the program that wrote it.
    program: String,
    /// Absent if the backup does not contain the database.
    pub(super) database: Option<Database>,
    pub(super) file: Vec<Entry>,
    /// `None` if it is not signed, as by earlier versions.
    #[serde(skip)]
    pub(super) signed: Option<Signed>,
}

/// A text and its signature, which is not verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signed {
    text: String,
    signature: String,
}

/// The database at the moment of the copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Database {
    /// Version of its newest migration.
    pub(super) schema: i64,
    /// Number of leaves in the tree of the audit log.
    pub(super) tree_size: u64,
    /// Root of the tree, in hexadecimal.
    pub(super) tree_root: String,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) bytes: u64,
    /// In hexadecimal.
    sha256: String,
}

/// The field that tells a program whether it can read the rest.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

impl Manifest {
    pub(super) fn new(
        created_utc: UnixMillis,
        database: Option<Database>,
        file: Vec<Entry>,
    ) -> Self {
        let program = env!("CARGO_PKG_VERSION").to_owned();
        Self { format: FORMAT, created_utc, program, database, file, signed: None }
    }

    pub(super) fn to_toml(&self) -> anyhow::Result<String> {
        Ok(toml::to_string(self)?)
    }

    /// The text with a signature, if the key of the log is in `keys`.
    pub(super) fn to_signed_toml(&self, keys: &Path) -> anyhow::Result<String> {
        let text = self.to_toml()?;
        match fourauth_checkpoints::sign_manifest(keys, &text) {
            Ok(signature) => Ok(format!("{text}{SIGNATURE}{signature}\n")),
            Err(KeyFileError::Missing { .. }) => Ok(text),
            Err(error) => Err(error).context("the backup cannot be signed"),
        }
    }

    /// Parses an untrusted manifest.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let Format { format } = toml::from_str(text).context("the manifest cannot be parsed")?;
        if format != FORMAT {
            bail!("the backup has format {format}; use a newer version of this program");
        }
        let mut manifest: Self = toml::from_str(text).context("the manifest cannot be parsed")?;
        manifest.signed = Signed::parse(text);
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> anyhow::Result<()> {
        let mut names = BTreeSet::new();
        for Entry { name, bytes, .. } in &self.file {
            let most = contents::most(name).context("the manifest names an unknown file")?;
            ensure!(*bytes <= most, "the manifest names a {name} that is too large");
            ensure!(names.insert(name.as_str()), "the manifest names {name} twice");
        }
        ensure!(names.contains(KEYRING), "the backup has no keyring");
        let has_database = names.contains(DATABASE);
        ensure!(has_database == self.database.is_some(), "the manifest contradicts itself");
        Ok(())
    }

    pub(super) fn entry(&self, name: &str) -> Option<&Entry> {
        self.file.iter().find(|entry| entry.name == name)
    }
}

impl Signed {
    fn parse(text: &str) -> Option<Self> {
        let (before, signature) = text.split_once(&format!("\n{SIGNATURE}"))?;
        let signature = signature.trim_end_matches('\n').to_owned();
        Some(Self { text: format!("{before}\n"), signature })
    }

    /// True if this key has signed the manifest.
    pub(super) fn is_by(&self, key: &VerifyingKey) -> bool {
        fourauth_checkpoints::is_manifest_signed(key, &self.text, &self.signature)
    }
}

impl Entry {
    pub(super) fn new(name: &str, bytes: u64, sha256: &[u8]) -> Self {
        Self { name: name.to_owned(), bytes, sha256: HEXLOWER.encode(sha256) }
    }

    pub(super) fn has(&self, sha256: &[u8]) -> bool {
        self.sha256 == HEXLOWER.encode(sha256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let database = Database { schema: 4, tree_size: 9, tree_root: "ab".into() };
        let file = [DATABASE, KEYRING].map(|name| Entry::new(name, 10, &[1; 32])).to_vec();
        Manifest::new(UnixMillis(1_795_262_400_000), Some(database), file)
    }

    #[test]
    fn a_manifest_is_read_as_it_was_written() {
        let text = manifest().to_toml().unwrap();
        assert_eq!(Manifest::parse(&text).unwrap(), manifest());
        let without = Manifest { database: None, ..manifest() };
        let file = without.file[1..].to_vec();
        let text = Manifest { file, ..without.clone() }.to_toml().unwrap();
        assert_eq!(Manifest::parse(&text).unwrap().database, None);
    }

    #[test]
    fn a_signature_covers_the_text_before_it() {
        let text = manifest().to_toml().unwrap();
        let signed = Manifest::parse(&format!("{text}{SIGNATURE}c2ln\n")).unwrap();
        assert_eq!(signed.signed, Some(Signed { text: text.clone(), signature: "c2ln".into() }));
        assert_eq!(Manifest { signed: None, ..signed }, manifest());
        // What follows a signature belongs to it, and spoils it.
        let more = Manifest::parse(&format!("{text}{SIGNATURE}c2ln\n# more\n")).unwrap();
        assert_eq!(more.signed.unwrap().signature, "c2ln\n# more");
    }

    #[test]
    fn an_invalid_manifest_is_refused() {
        let text = manifest().to_toml().unwrap();
        for (spoilt, reason) in [
            (text.replace("keyring.toml", "../keyring.toml"), "names an unknown file"),
            (text.replace("keyring.toml", "/etc/passwd"), "names an unknown file"),
            (text.replace("keyring.toml", "database.db"), "twice"),
            (text.replace("keyring.toml", "setup-secret"), "no keyring"),
            (text.replace("bytes = 10", "bytes = 100000000"), "too large"),
            (text.replace("database.db", "setup-secret"), "contradicts itself"),
            (text.replace("format = 1", "format = 2"), "format 2"),
            (text.replace("bytes = 10", "bytes = -1"), "cannot be parsed"),
            (text.replace("program", "programme"), "cannot be parsed"),
            (String::new(), "cannot be parsed"),
        ] {
            let refused = Manifest::parse(&spoilt).unwrap_err().to_string();
            assert!(refused.contains(reason), "{refused}");
        }
    }
}
