//! `[tls]`

use super::Requirement;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Longest path that Linux opens, in bytes (`PATH_MAX`).
const LONGEST_PATH: usize = 4096;

/// TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    /// Certificate chain as PEM, leaf first. Default: `<data_dir>/tls/cert.pem`, created on first
    /// run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// Private key as PEM. Default: `<data_dir>/tls/key.pem`, created on first run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_key: Option<PathBuf>,
    /// Oldest supported version.
    pub min_version: TlsVersion,
}

impl TlsConfig {
    /// Everything that must be true of the paths. A mistaken value may be the private key itself, which
    /// no message may quote.
    #[must_use]
    pub fn requirements(&self) -> [Requirement; 2] {
        let place = |key, path: &Option<PathBuf>| Requirement {
            key,
            reason: "must be the path of a file, and this is its content; a variable of it is without _FILE",
            holds: path.as_deref().is_none_or(is_a_path),
        };
        [place("tls.certificate", &self.certificate), place("tls.private_key", &self.private_key)]
    }
}

/// False for a path that looks like the content of a file.
fn is_a_path(path: &Path) -> bool {
    let text = path.to_string_lossy();
    text.len() <= LONGEST_PATH && !text.contains(['\n', '\r']) && !text.contains("-----BEGIN")
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TlsVersion {
    /// For clients without TLS 1.3.
    #[serde(rename = "1.2")]
    V1_2,
    /// RFC 8446.
    #[default]
    #[serde(rename = "1.3")]
    V1_3,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_of_a_key_file_is_no_path() {
        let holds = |path: &str| {
            let tls = TlsConfig { private_key: Some(path.into()), ..TlsConfig::default() };
            tls.requirements().iter().all(|requirement| requirement.holds)
        };
        assert!(holds("/run/secrets/key.pem") && holds("a folder/key?.pem"));
        let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n-----END PRIVATE KEY-----";
        for content in [pem, &pem.replace('\n', ""), "MC4CAQAwBQYDK2\nVwBCIEIA", &"A".repeat(5000)]
        {
            assert!(!holds(content), "{content}");
        }
    }
}
