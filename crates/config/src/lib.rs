//! The configuration. An empty one is valid.
//!
//! There is one file per section. Every field documents its unit and the reason for its default.
//! `config/example.toml` lists all settings, and a test compares it with the defaults here.
//! [`layers`] records where each value came from.

mod attempts;
mod audit;
mod auth;
mod bounds;
#[cfg(test)]
mod canary;
mod compat;
mod compute;
mod courier;
mod dotenv;
mod env_names;
mod error;
mod face;
mod hidden;
pub mod layers;
mod limits;
mod sign_in;
mod store;
mod store_url;
mod text;
mod time;
mod validity;
mod warnings;

pub use attempts::AttemptsConfig;
pub use audit::AuditConfig;
pub use auth::AuthConfig;
pub use compat::CompatConfig;
pub use compute::ComputeConfig;
pub use courier::CourierConfig;
pub use error::ConfigError;
pub use face::{ChallengeConfig, FaceConfig};
pub use fourauth_daemon::settings::{
    LogConfig, LogFormat, Network, NotANetwork, NotAnOrigin, Origin, TlsConfig, TlsVersion,
    WebConfig, WebListener, WebResource,
};
pub use hidden::Hidden;
pub use limits::LimitsConfig;
pub use sign_in::SignInConfig;
pub use store::StoreConfig;
pub use store_url::StoreUrl;
pub use text::TextConfig;
pub use time::TimeConfig;
pub use validity::Unusable;

use fourauth_checkpoints::{PublisherSettings, sink::SinkAddress};
use fourauth_daemon::settings::Collector;
use fourauth_protocol::secret::Secret;
use fourauth_store::Location;
use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, path::PathBuf};
use toml::{Table, Value};

/// The whole configuration.
///
/// Neither `Debug` nor `Serialize` shows a secret: the types of settings that may hold one omit it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The address that the server listens on.
    pub listen: SocketAddr,
    /// The folder for all data of the server: keys, certificate, database, models.
    pub data_dir: PathBuf,
    /// TLS.
    pub tls: TlsConfig,
    /// The database.
    pub store: StoreConfig,
    /// Requirements of a login, and the answers to peers.
    pub auth: AuthConfig,
    /// Logins without a face.
    pub sign_in: SignInConfig,
    /// Limits on the attempts per account.
    pub attempts: AttemptsConfig,
    /// The text protocol of the passcode systems.
    pub text: TextConfig,
    /// Compatibility with older systems.
    pub compat: CompatConfig,
    /// HTTP.
    pub web: WebConfig,
    /// Face recognition.
    pub face: FaceConfig,
    /// Trusted time.
    pub time: TimeConfig,
    /// Evidence that the audit log is unchanged.
    pub audit: AuditConfig,
    /// Resource limits, per peer and in total.
    pub limits: LimitsConfig,
    /// Threads for slow work.
    pub compute: ComputeConfig,
    /// Mail and text messages to the owners of accounts.
    pub courier: CourierConfig,
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
            sign_in: SignInConfig::default(),
            attempts: AttemptsConfig::default(),
            text: TextConfig::default(),
            compat: CompatConfig::default(),
            web: WebConfig::default(),
            face: FaceConfig::default(),
            time: TimeConfig::default(),
            audit: AuditConfig::default(),
            limits: LimitsConfig::default(),
            compute: ComputeConfig::default(),
            courier: CourierConfig::default(),
            log: LogConfig::default(),
        }
    }
}

impl Config {
    /// Every setting that has a value, by dotted name. It holds no secret.
    ///
    /// # Errors
    ///
    /// Fails if a number is too large for TOML. [`check`](Self::check) refuses such a number.
    pub fn settings(&self) -> Result<Vec<(String, Value)>, toml::ser::Error> {
        let mut settings = Vec::new();
        flatten(&Table::try_from(self)?, "", &mut settings);
        Ok(settings)
    }

    /// The [`settings`](Self::settings) together with the full value of each, which may hold a
    /// secret. Use the full values for comparisons only.
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

    /// The full value of a setting if its type omits a part of it when shown.
    fn withheld(&self, name: &str) -> Option<Secret<String>> {
        match name {
            "store.url" => self.store.url.as_ref().map(StoreUrl::whole),
            "audit.checkpoint_sinks" => self.audit.checkpoint_sinks.as_ref().map(|sinks| {
                // An address never contains a line feed.
                let whole = sinks.iter().map(|sink| sink.whole().expose().clone() + "\n");
                Secret::new(whole.collect())
            }),
            "courier.mail_user" => whole(self.courier.mail_user.as_ref()),
            "courier.mail_password" => whole(self.courier.mail_password.as_ref()),
            "courier.sms_account" => whole(self.courier.sms_account.as_ref()),
            "courier.sms_token" => whole(self.courier.sms_token.as_ref()),
            "log.otlp_endpoint" => self.log.otlp_endpoint.as_ref().map(Collector::whole),
            _ => None,
        }
    }

    /// The keyring: the master keys and the pepper.
    #[must_use]
    pub fn keyring_file(&self) -> PathBuf {
        self.data_dir.join("keyring.toml")
    }

    /// The secret of the first administrator. It exists until another administrator is added.
    #[must_use]
    pub fn setup_secret_file(&self) -> PathBuf {
        self.data_dir.join("setup-secret")
    }

    /// Exists once the rows of an earlier version have been sealed.
    #[must_use]
    pub fn sealed_rows_file(&self) -> PathBuf {
        self.data_dir.join("rows-sealed")
    }

    /// Exists once the devices, gateways and recovery codes of an earlier version have been sealed.
    #[must_use]
    pub fn sealed_devices_file(&self) -> PathBuf {
        self.data_dir.join("devices-sealed")
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

    /// The location of the database.
    #[must_use]
    pub fn location(&self) -> Location {
        let embedded = || Location::file(&self.data_dir.join("fourauth.db"));
        self.store.url.as_ref().map_or_else(embedded, |url| url.location().clone())
    }

    /// The folder for the keys of the audit log, and for its checkpoints unless another sink is
    /// set.
    #[must_use]
    pub fn audit_dir(&self) -> PathBuf {
        self.data_dir.join("audit")
    }

    /// The key that receipts are signed with, as PEM.
    #[must_use]
    pub fn receipt_key_file(&self) -> PathBuf {
        self.audit_dir().join("receipts.key")
    }

    /// The sinks for checkpoints.
    #[must_use]
    pub fn checkpoint_sinks(&self) -> Vec<SinkAddress> {
        let local = || vec![SinkAddress::File(self.audit_dir().join("checkpoints.log"))];
        self.audit.checkpoint_sinks.clone().unwrap_or_else(local)
    }

    /// The settings of the publisher of checkpoints.
    #[must_use]
    pub fn publisher(&self) -> PublisherSettings {
        PublisherSettings { folder: self.audit_dir(), sinks: self.checkpoint_sinks() }
    }

    /// The folder that holds the model packs, each in its own folder.
    #[must_use]
    pub fn packs_dir(&self) -> PathBuf {
        self.face.packs_dir.clone().unwrap_or_else(|| self.data_dir.join("models"))
    }

    /// Which commands need a face challenge: what is set, or what the profile demands.
    #[must_use]
    pub fn face_challenge(&self) -> ChallengeConfig {
        self.face.challenge.unwrap_or(ChallengeConfig::of(self.auth.profile))
    }

    /// The folder of the pack in use.
    #[must_use]
    pub fn pack_dir(&self) -> PathBuf {
        self.packs_dir().join(&self.face.pack)
    }
}

fn whole(hidden: Option<&Hidden>) -> Option<Secret<String>> {
    hidden.map(|hidden| hidden.secret().clone())
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
        assert_eq!(listed, defaults, "a setting is missing from config/example.toml");
    }
}
