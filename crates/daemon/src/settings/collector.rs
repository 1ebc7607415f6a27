//! The URL of a collector that takes spans by OTLP over HTTP.
//!
//! No value exists in a program that was built without the feature `otlp`.

use fourauth_protocol::secret::Secret;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr};

/// Longest accepted URL, in bytes.
#[cfg(feature = "otlp")]
const MAX_TEXT: usize = 2048;

#[cfg(feature = "otlp")]
type Place = reqwest::Url;

#[cfg(not(feature = "otlp"))]
type Place = std::convert::Infallible;

/// The URL of a collector, `https://…`, or `http://…` on this machine. It may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Collector(Place);

/// Why a text is not a collector. The message does not quote it, because it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotACollector {
    /// It has another form, or would send spans to another machine without TLS.
    #[error(
        "a collector is https://HOST/v1/traces, or http://HOST:PORT/v1/traces if the host is \
         localhost or a loopback address"
    )]
    Syntax,
    /// The program cannot send spans.
    #[error(
        "this program was built without traces; build it with the feature `otlp`, or remove this \
         setting"
    )]
    NotBuilt,
}

impl Collector {
    /// The full URL, including secrets.
    #[must_use]
    pub fn whole(&self) -> Secret<String> {
        Secret::new(self.0.to_string())
    }

    pub(crate) const fn place(&self) -> &Place {
        &self.0
    }
}

impl FromStr for Collector {
    type Err = NotACollector;

    fn from_str(text: &str) -> Result<Self, NotACollector> {
        place(text).map(Self)
    }
}

#[cfg(feature = "otlp")]
fn place(text: &str) -> Result<Place, NotACollector> {
    if text.len() > MAX_TEXT || text.contains(char::is_control) {
        return Err(NotACollector::Syntax);
    }
    let url = Place::parse(text).map_err(|_| NotACollector::Syntax)?;
    let host = url.host_str().ok_or(NotACollector::Syntax)?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(host) => Ok(url),
        _ => Err(NotACollector::Syntax),
    }
}

#[cfg(not(feature = "otlp"))]
const fn place(_: &str) -> Result<Place, NotACollector> {
    Err(NotACollector::NotBuilt)
}

#[cfg(feature = "otlp")]
fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse().ok();
    bare == "localhost" || address.is_some_and(|address: std::net::IpAddr| address.is_loopback())
}

/// Safe for logs: only scheme, host and port are shown, because the rest may hold a secret.
#[cfg(feature = "otlp")]
impl fmt::Display for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.0.host_str().unwrap_or_default())?;
        self.0.port().map_or(Ok(()), |port| write!(f, ":{port}"))?;
        f.write_str("/…")
    }
}

#[cfg(not(feature = "otlp"))]
impl fmt::Display for Collector {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self.place() {}
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Serialises the URL without its secrets.
impl Serialize for Collector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Collector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(all(test, not(feature = "otlp")))]
mod tests {
    use super::*;
    use crate::settings::LogConfig;

    #[test]
    fn a_program_without_traces_refuses_a_collector() {
        for text in ["http://127.0.0.1:4318/v1/traces", "https://otel.example.org/v1/traces", ""] {
            assert_eq!(text.parse::<Collector>(), Err(NotACollector::NotBuilt));
        }
        let refused = toml::from_str::<LogConfig>("otlp_endpoint = 'http://127.0.0.1:4318/'");
        let words = refused.unwrap_err().to_string();
        assert!(words.contains("built without traces"), "{words}");
        assert_eq!(toml::from_str::<LogConfig>("").unwrap(), LogConfig::default());
    }
}

#[cfg(all(test, feature = "otlp"))]
mod tests {
    use super::*;

    #[test]
    fn a_collector_is_here_or_behind_tls() {
        for text in [
            "http://127.0.0.1:4318/v1/traces",
            "http://[::1]:4318/v1/traces",
            "http://localhost:4318/v1/traces",
            "https://otel.example.org/v1/traces",
        ] {
            assert_eq!(text.parse::<Collector>().unwrap().place().as_str(), text);
        }
        for text in [
            "",
            "127.0.0.1:4318",
            "http://192.0.2.1:4318/v1/traces",
            "http://otel.example.org/v1/traces",
            "http://127.0.0.1.example.org/v1/traces",
            "https://",
            "grpc://127.0.0.1:4317",
            "https://otel.example.org/\n",
        ] {
            assert_eq!(text.parse::<Collector>(), Err(NotACollector::Syntax), "{text}");
        }
    }

    #[test]
    fn secret_parts_of_the_url_are_not_shown() {
        let text = "https://u:Tr0ub4dor@otel.example.org:8443/v1/traces?key=Tr0ub4dor";
        let collector: Collector = text.parse().unwrap();
        let serialised = toml::Value::try_from(&collector).unwrap();
        let shown = format!("{collector} {collector:?} {serialised}");
        assert_eq!(shown.matches("Tr0ub4dor").count(), 0);
        assert_eq!(collector.to_string(), "https://otel.example.org:8443/…");
    }
}
