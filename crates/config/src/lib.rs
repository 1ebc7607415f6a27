//! What an operator can choose. The empty configuration runs.
//!
//! One file a section; every field says its unit and why it has the default it has.
//! `config/example.toml` lists them all, and a test holds it against the defaults here. Where a
//! value came from is the business of [`layers`].

mod attempts;
mod audit;
mod auth;
mod bounds;
#[cfg(test)]
mod canary;
mod compat;
mod compute;
mod error;
mod face;
pub mod layers;
mod limits;
mod log;
mod network;
mod store;
mod store_url;
mod time;
mod tls;
mod validity;
mod warnings;

pub use attempts::AttemptsConfig;
pub use audit::AuditConfig;
pub use auth::AuthConfig;
pub use compat::CompatConfig;
pub use compute::ComputeConfig;
pub use error::ConfigError;
pub use face::FaceConfig;
pub use limits::LimitsConfig;
pub use log::{LogConfig, LogFormat};
pub use network::{Network, NotANetwork};
pub use store::StoreConfig;
pub use store_url::StoreUrl;
pub use time::TimeConfig;
pub use tls::{TlsConfig, TlsVersion};
pub use validity::Unusable;

use fourauth_checkpoints::{PublisherSettings, sink::SinkAddress};
use fourauth_protocol::secret::Secret;
use fourauth_store::Location;
use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, path::PathBuf};
use toml::{Table, Value};

/// The whole configuration.
///
/// Neither `Debug` nor `Serialize` show a secret: the types of settings that may hold one leave it out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the server listens.
    pub listen: SocketAddr,
    /// The folder that holds everything the server keeps: keys, certificate, database, models.
    pub data_dir: PathBuf,
    /// TLS.
    pub tls: TlsConfig,
    /// The database.
    pub store: StoreConfig,
    /// What logins need and what peers are told.
    pub auth: AuthConfig,
    /// How often an account may be tried.
    pub attempts: AttemptsConfig,
    /// What older systems did.
    pub compat: CompatConfig,
    /// Faces.
    pub face: FaceConfig,
    /// Trusted time.
    pub time: TimeConfig,
    /// The evidence that the audit log was not changed.
    pub audit: AuditConfig,
    /// How much one peer and all peers may take.
    pub limits: LimitsConfig,
    /// Threads for slow work.
    pub compute: ComputeConfig,
    /// The text log.
    pub log: LogConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            // Port 65432 is documented for 4Auth.
            listen: SocketAddr::from(([0, 0, 0, 0], 65432)),
            data_dir: PathBuf::from("fourauth-data"),
            tls: TlsConfig::default(),
            store: StoreConfig::default(),
            auth: AuthConfig::default(),
            attempts: AttemptsConfig::default(),
            compat: CompatConfig::default(),
            face: FaceConfig::default(),
            time: TimeConfig::default(),
            audit: AuditConfig::default(),
            limits: LimitsConfig::default(),
            compute: ComputeConfig::default(),
            log: LogConfig::default(),
        }
    }
}

impl Config {
    /// Every setting that has a value, by dotted name. Fit to be shown.
    ///
    /// # Errors
    ///
    /// If a number is too large for TOML, which [`check`](Self::check) refuses.
    pub fn settings(&self) -> Result<Vec<(String, Value)>, toml::ser::Error> {
        let mut settings = Vec::new();
        flatten(&Table::try_from(self)?, "", &mut settings);
        Ok(settings)
    }

    /// The same with the whole value of each, which may hold a secret and is for comparisons alone.
    ///
    /// # Errors
    ///
    /// As [`settings`](Self::settings).
    pub fn whole_settings(&self) -> Result<Vec<(String, Value, Secret<String>)>, toml::ser::Error> {
        let with_whole = |(name, shown): (String, Value)| {
            let whole = self.withheld(&name).unwrap_or_else(|| Secret::new(shown.to_string()));
            (name, shown, whole)
        };
        Ok(self.settings()?.into_iter().map(with_whole).collect())
    }

    /// The whole value of a setting of a type that does not show all of it.
    fn withheld(&self, name: &str) -> Option<Secret<String>> {
        match name {
            "store.url" => self.store.url.as_ref().map(StoreUrl::whole),
            "audit.checkpoint_sinks" => self.audit.checkpoint_sinks.as_ref().map(|sinks| {
                // An address holds no line feed.
                let whole = sinks.iter().map(|sink| sink.whole().expose().clone() + "\n");
                Secret::new(whole.collect())
            }),
            _ => None,
        }
    }

    /// The keyring: the master keys and the pepper.
    #[must_use]
    pub fn keyring_file(&self) -> PathBuf {
        self.data_dir.join("keyring.toml")
    }

    /// The secret of the first administrator, until there is another.
    #[must_use]
    pub fn setup_secret_file(&self) -> PathBuf {
        self.data_dir.join("setup-secret")
    }

    /// The certificate chain, leaf first, as PEM.
    #[must_use]
    pub fn certificate_file(&self) -> PathBuf {
        self.tls.certificate.clone().unwrap_or_else(|| self.data_dir.join("tls/cert.pem"))
    }

    /// The certificate's private key, as PEM.
    #[must_use]
    pub fn private_key_file(&self) -> PathBuf {
        self.tls.private_key.clone().unwrap_or_else(|| self.data_dir.join("tls/key.pem"))
    }

    /// Where the database is.
    #[must_use]
    pub fn location(&self) -> Location {
        let embedded = || Location::Sqlite(self.data_dir.join("fourauth.db"));
        self.store.url.as_ref().map_or_else(embedded, |url| url.location().clone())
    }

    /// The folder with the keys of the audit log, and its checkpoints unless they go elsewhere.
    #[must_use]
    pub fn audit_dir(&self) -> PathBuf {
        self.data_dir.join("audit")
    }

    /// The key that receipts are signed with, as PEM.
    #[must_use]
    pub fn receipt_key_file(&self) -> PathBuf {
        self.audit_dir().join("receipts.key")
    }

    /// Where checkpoints go.
    #[must_use]
    pub fn checkpoint_sinks(&self) -> Vec<SinkAddress> {
        let beside = || vec![SinkAddress::File(self.audit_dir().join("checkpoints.log"))];
        self.audit.checkpoint_sinks.clone().unwrap_or_else(beside)
    }

    /// The settings of the publisher of checkpoints.
    #[must_use]
    pub fn publisher(&self) -> PublisherSettings {
        PublisherSettings { folder: self.audit_dir(), sinks: self.checkpoint_sinks() }
    }

    /// The folder that holds model packs, one folder each.
    #[must_use]
    pub fn packs_dir(&self) -> PathBuf {
        self.face.packs_dir.clone().unwrap_or_else(|| self.data_dir.join("models"))
    }

    /// The folder of the pack in use.
    #[must_use]
    pub fn pack_dir(&self) -> PathBuf {
        self.packs_dir().join(&self.face.pack)
    }
}

fn flatten(table: &Table, prefix: &str, settings: &mut Vec<(String, Value)>) {
    for (key, value) in table {
        match value {
            Value::Table(section) => flatten(section, &format!("{prefix}{key}."), settings),
            value => settings.push((format!("{prefix}{key}"), value.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_lists_every_setting_with_its_default() {
        let example = include_str!("../../../config/example.toml");
        let parsed: Config = toml::from_str(example).unwrap();
        assert_eq!(parsed, Config::default());

        let defaults = toml::Table::try_from(Config::default()).unwrap();
        let listed: toml::Table = example.parse().unwrap();
        assert_eq!(listed, defaults, "the example leaves a setting out");
    }
}
