//! The address of a checkpoint sink: `file:PATH`, `syslog+udp|tcp|tls://HOST:PORT` or `https://…`.
//!
//! Only the syntax is checked here, not that the sink can be reached.

use fourauth_protocol::{host_port::HostPort, secret::Secret};
use reqwest::Url;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    path::PathBuf,
    str::FromStr,
};

/// Longest accepted address, in bytes.
const MAX_TEXT: usize = 2048;

/// The address of a checkpoint sink.
#[derive(Clone, PartialEq, Eq)]
pub enum SinkAddress {
    /// A file, to which checkpoints are appended.
    File(PathBuf),
    /// A collector of syslog messages (RFC 5424).
    Syslog(Transport, HostPort),
    /// A URL that accepts a checkpoint by POST and returns the newest one by GET. It may hold a
    /// password.
    Https(Url),
}

/// The transport of syslog messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// RFC 5426: unacknowledged and unencrypted.
    Udp,
    /// RFC 6587 §3.4.1: unencrypted.
    Tcp,
    /// RFC 5425.
    Tls,
}

/// The text is not the address of a checkpoint sink. The message does not quote it, because it may
/// hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a checkpoint sink is file:PATH, syslog+udp://HOST:PORT, syslog+tcp://HOST:PORT, \
     syslog+tls://HOST:PORT or https://…"
)]
pub struct NotASink;

impl FromStr for SinkAddress {
    type Err = NotASink;

    fn from_str(text: &str) -> Result<Self, NotASink> {
        if text.len() > MAX_TEXT || text.contains(char::is_control) {
            return Err(NotASink);
        }
        let (scheme, rest) = text.split_once(':').ok_or(NotASink)?;
        match scheme {
            "file" => file(rest),
            "syslog+udp" => syslog(Transport::Udp, rest),
            "syslog+tcp" => syslog(Transport::Tcp, rest),
            "syslog+tls" => syslog(Transport::Tls, rest),
            "https" | "http" => web(text),
            _ => Err(NotASink),
        }
    }
}

fn file(path: &str) -> Result<SinkAddress, NotASink> {
    if path.is_empty() || path.ends_with('/') {
        return Err(NotASink);
    }
    Ok(SinkAddress::File(PathBuf::from(path)))
}

fn syslog(transport: Transport, rest: &str) -> Result<SinkAddress, NotASink> {
    let authority = rest.strip_prefix("//").ok_or(NotASink)?;
    let place = HostPort::parse(authority, None).map_err(|_| NotASink)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
    let is_fit = if authority.starts_with('[') {
        place.host.parse::<Ipv6Addr>().is_ok()
    } else {
        place.host.chars().all(plain)
    };
    if is_fit { Ok(SinkAddress::Syslog(transport, place)) } else { Err(NotASink) }
}

/// Accepts plain HTTP only to this machine, for tests and for a forwarder on the same machine.
fn web(text: &str) -> Result<SinkAddress, NotASink> {
    let url = Url::parse(text).map_err(|_| NotASink)?;
    let encrypted = url.scheme() == "https";
    if url.host().is_none() || !(encrypted || is_here(&url)) {
        return Err(NotASink);
    }
    Ok(SinkAddress::Https(url))
}

fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

impl SinkAddress {
    /// The full address, including secrets, in the form that is parsed.
    #[must_use]
    pub fn whole(&self) -> Secret<String> {
        Secret::new(match self {
            Self::Https(url) => url.to_string(),
            Self::File(_) | Self::Syslog(..) => self.to_string(),
        })
    }
}

/// Safe for logs. Of a URL, only scheme, host and port are shown, because the rest may hold a
/// secret.
impl fmt::Display for SinkAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Syslog(transport, place) => write!(f, "syslog+{transport}://{place}"),
            Self::Https(url) => {
                write!(f, "{}://{}", url.scheme(), url.host_str().unwrap_or_default())?;
                url.port().map_or(Ok(()), |port| write!(f, ":{port}"))?;
                f.write_str("/…")
            }
        }
    }
}

impl fmt::Debug for SinkAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        })
    }
}

/// Serialises the address without its secrets.
impl Serialize for SinkAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SinkAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_sink_is_parsed_and_written_back() {
        for text in [
            "file:fourauth-data/audit/checkpoints.log",
            "file:/mnt/worm/checkpoints.log",
            "syslog+udp://127.0.0.1:514",
            "syslog+tcp://[::1]:601",
            "syslog+tls://logs.example.org:6514",
            "https://witness.example.org/checkpoints?from=a",
            "http://127.0.0.1:8080/",
            "http://[::1]:8080/x",
            "http://localhost:8080/x",
        ] {
            let written = match text.parse().unwrap() {
                SinkAddress::Https(url) => url.to_string(),
                other @ (SinkAddress::File(_) | SinkAddress::Syslog(..)) => other.to_string(),
            };
            assert_eq!(written, text);
        }
    }

    #[test]
    fn an_invalid_sink_is_refused() {
        for text in [
            "",
            "/var/log/checkpoints.log",
            "file:",
            "file:folder/",
            "syslog://h:514",
            "syslog+tls://h",
            "syslog+tls://h:0",
            "syslog+tls://h:65536",
            "syslog+tls://:6514",
            "syslog+tls://h/x:6514",
            "syslog+tls://user@h:6514",
            "syslog+tcp://[localhost]:601",
            "http://witness.example.org/",
            "http://127.0.0.1.example.org/",
            "https://",
            "ftp://h/",
            "file:a\nb",
        ] {
            assert_eq!(text.parse::<SinkAddress>(), Err(NotASink), "{text}");
        }
    }

    #[test]
    fn secret_parts_of_a_url_are_not_shown() {
        let text = "https://log:Tr0ub4dor@witness.example.org:8443/in/Tr0ub4dor";
        let address: SinkAddress = text.parse().unwrap();
        let serialised = toml::Value::try_from(&address).unwrap();
        assert_eq!(format!("{address} {address:?} {serialised}").matches("Tr0ub4dor").count(), 0);
        assert_eq!(address.to_string(), "https://witness.example.org:8443/…");
    }
}
