//! The file of `fourauth-gateway`: which server it trusts, as which gateway, and its listeners.
//!
//! A configuration that exists can work, as far as a file can tell: trust, name, key and listeners are
//! parsed and checked. No error quotes a value.

use fourauth_client::{Fingerprint, Identity, Roots, ServerAddress, Trust};
use fourauth_daemon::{
    settings::{LogConfig, TlsConfig, WebConfig},
    toml_text,
};
use fourauth_protocol::gateway::GatewayName;
use serde::Deserialize;
use std::{
    fmt::Display,
    io,
    path::{Path, PathBuf},
};

/// Files that are not connections of visitors: listeners, the server, the runtime.
const RESERVE: usize = 64;

/// The settings, parsed.
#[derive(Debug)]
pub struct Configuration {
    /// The server.
    pub server: ServerAddress,
    /// Why it is trusted.
    pub trust: Trust,
    /// The name under which this gateway is registered.
    pub name: GatewayName,
    /// The key that is registered.
    pub identity: Identity,
    /// The files of chain and key. `None` if no listener has TLS.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// `[tls]`
    pub tls: TlsConfig,
    /// `[web]`
    pub web: WebConfig,
    /// `[log]`
    pub log: LogConfig,
}

/// The settings as they are written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    server: String,
    pin: Option<String>,
    ca: Option<PathBuf>,
    name: String,
    key: PathBuf,
    #[serde(default)]
    tls: TlsConfig,
    web: WebConfig,
    #[serde(default)]
    log: LogConfig,
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It cannot be read.
    #[error("cannot read it ({0})")]
    Unreadable(#[from] io::Error),
    /// It is not TOML, or has a setting that does not exist or has a wrong type.
    #[error("line {line}, column {column}: {reason}")]
    Text {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What was expected.
        reason: String,
    },
    /// A value cannot work.
    #[error("{key}: {reason}")]
    Setting {
        /// Its name.
        key: &'static str,
        /// The problem.
        reason: String,
    },
}

impl Configuration {
    /// Reads a file, and the files that it names. Makes the gateway's key if `may_make_key` and the
    /// file does not exist.
    ///
    /// # Errors
    ///
    /// [`Unusable`].
    pub fn load(file: &Path, may_make_key: bool) -> Result<Self, Unusable> {
        let written = read(&fourauth_text_file::read(file)?)?;
        let trust = trust(written.pin.as_deref(), written.ca.as_deref())?;
        let server = ServerAddress::parse(&written.server).map_err(setting("server"))?;
        let name = GatewayName::parse(&written.name).map_err(setting("name"))?;
        let certificate = certificate(&written.tls, &written.web)?;
        check(&written.web)?;
        let key = if may_make_key { Identity::load_or_create } else { Identity::load };
        let identity = key(&written.key).map_err(setting("key"))?;
        let Written { tls, web, log, .. } = written;
        Ok(Self { server, trust, name, identity, certificate, tls, web, log })
    }
}

impl Configuration {
    /// Lowers the number of connections to what `files` open files allow. `None` is no limit.
    pub fn fit(&mut self, files: Option<u64>) {
        let files = files.map_or(usize::MAX, |it| usize::try_from(it).unwrap_or(usize::MAX));
        let (wanted, room) = (self.web.connections, files.saturating_sub(RESERVE).max(1));
        if room < wanted {
            tracing::warn!(wanted, room, "the limit of open files is too low for web.connections");
            self.web.connections = room;
        }
    }
}

fn read(text: &str) -> Result<Written, Unusable> {
    toml::from_str(text).map_err(|error| {
        let (line, column) = toml_text::position(text, &error);
        Unusable::Text { line, column, reason: toml_text::reason(error.message()) }
    })
}

fn trust(pin: Option<&str>, ca: Option<&Path>) -> Result<Trust, Unusable> {
    match (pin, ca) {
        (Some(pin), None) => Fingerprint::parse(pin).map(Trust::Pin).map_err(setting("pin")),
        (None, Some(ca)) => Roots::from_file(ca).map(Trust::Roots).map_err(setting("ca")),
        _ => Err(setting("pin")("set either this or `ca`; without one, no server is trusted")),
    }
}

fn certificate(tls: &TlsConfig, web: &WebConfig) -> Result<Option<(PathBuf, PathBuf)>, Unusable> {
    if let Some(broken) = tls.requirements().into_iter().find(|requirement| !requirement.holds) {
        return Err(setting(broken.key)(broken.reason));
    }
    if web.listener.iter().all(|listener| !listener.tls) {
        return Ok(None);
    }
    let needed = |key| setting(key)("must be set, because a listener has TLS");
    let chain = tls.certificate.clone().ok_or_else(|| needed("tls.certificate"))?;
    let key = tls.private_key.clone().ok_or_else(|| needed("tls.private_key"))?;
    Ok(Some((chain, key)))
}

fn check(web: &WebConfig) -> Result<(), Unusable> {
    if web.listener.is_empty() {
        return Err(setting("web.listener")("must have at least one entry"));
    }
    match web.requirements().into_iter().find(|requirement| !requirement.holds) {
        Some(broken) => Err(setting(broken.key)(broken.reason)),
        None => Ok(()),
    }
}

fn setting<E: Display>(key: &'static str) -> impl Fn(E) -> Unusable {
    move |reason| Unusable::Setting { key, reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_daemon::settings::Network;
    use std::fs;
    use tempfile::TempDir;

    const PIN: &str = "ab:cd:ef:01:23:45:67:89:ab:cd:ef:01:23:45:67:89:\
                       ab:cd:ef:01:23:45:67:89:ab:cd:ef:01:23:45:67:89";

    /// A file with every setting that it must have.
    fn whole() -> String {
        format!(
            "server = 'auth.example.org'\npin = '{PIN}'\nname = 'portal'\nkey = 'KEY'\n\
             [[web.listener]]\nbind = '127.0.0.1:8080'\ntls = false\nresources = ['api']\n"
        )
    }

    /// Loads `text`, with a key in a new folder.
    fn loaded(text: &str) -> Result<Configuration, String> {
        let folder = TempDir::new().unwrap();
        let (file, key) = (folder.path().join("gateway.toml"), folder.path().join("gateway.key"));
        fs::write(&file, text.replace("KEY", key.to_str().unwrap())).unwrap();
        Configuration::load(&file, true).map_err(|unusable| unusable.to_string())
    }

    #[test]
    fn the_example_has_every_setting() {
        let example = include_str!("../../../../config/gateway.example.toml");
        let written = read(example).unwrap();
        assert_eq!(written.web.connections, WebConfig::default().connections);
        assert_eq!(written.web.proxies, Vec::<Network>::new());
        assert_eq!(written.log, LogConfig::default());
        assert_eq!(written.tls.min_version, TlsConfig::default().min_version);
        assert!(check(&written.web).is_ok() && written.pin.is_some());
    }

    #[test]
    fn a_whole_file_is_accepted() {
        let configuration = loaded(&whole()).unwrap();
        assert_eq!(configuration.server.to_string(), "auth.example.org:65432");
        assert!(configuration.certificate.is_none());
    }

    #[test]
    fn a_setting_that_cannot_work_is_named_and_not_quoted() {
        let tls = "[tls]\ncertificate = 'c.pem'\n[[web.listener]]";
        let secret = "hunter2 is no value";
        for (change, to, told) in [
            (format!("pin = '{PIN}'"), String::new(), "pin: set either"),
            ("name =".into(), "ca = 'ca.pem'\nname =".into(), "pin: set either"),
            (PIN.into(), secret.into(), "pin: not a SHA-256"),
            (format!("pin = '{PIN}'"), "ca = '/nonexistent'".into(), "ca: cannot read"),
            ("auth.example.org".into(), secret.into(), "server: not a server address"),
            ("portal".into(), secret.into(), "name: "),
            ("tls = false".into(), "tls = true".into(), "tls.certificate: must be set"),
            ("[[web.listener]]".into(), tls.into(), ""),
            ("127.0.0.1".into(), "0.0.0.0".into(), "web.listener: must have tls = true"),
            ("['api']".into(), "[]".into(), "web.listener: must name"),
            ("[[web".into(), "[web]\nconnections = 1\n[[web".into(), "web.connections: "),
            ("key =".into(), "keys =".into(), "line 4, column 1: there is no such setting"),
            ("'portal'".into(), secret.into(), "line 3"),
        ] {
            let found = loaded(&whole().replacen(&change, &to, 1)).map(|_| String::new());
            let refused = found.unwrap_or_else(|error| error);
            assert!(
                refused.starts_with(told) && refused.is_empty() == told.is_empty(),
                "{refused}"
            );
            assert!(!refused.contains("hunter2"), "{refused}");
        }
    }

    #[test]
    fn connections_fit_into_the_limit_of_open_files() {
        let mut configuration = loaded(&whole()).unwrap();
        for (files, connections) in [(None, 1024), (Some(1088), 1024), (Some(1024), 960)] {
            configuration.fit(files);
            assert_eq!(configuration.web.connections, connections);
        }
    }

    #[test]
    fn a_key_is_made_at_a_start_and_not_at_a_check() {
        let folder = TempDir::new().unwrap();
        let (file, key) = (folder.path().join("gateway.toml"), folder.path().join("gateway.key"));
        fs::write(&file, whole().replace("KEY", key.to_str().unwrap())).unwrap();
        let refused = Configuration::load(&file, false).unwrap_err().to_string();
        assert!(refused.starts_with("key: ") && !key.exists(), "{refused}");
        let made = Configuration::load(&file, true).unwrap().identity.key();
        assert_eq!(Configuration::load(&file, false).unwrap().identity.key(), made);
    }
}
