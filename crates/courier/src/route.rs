//! Where messages go, as in settings: the address of a relay, of a provider, or a folder.
//!
//! No route holds a secret. Only the syntax is checked here.

use fourauth_protocol::host_port::HostPort;
use reqwest::Url;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, net::IpAddr, path::PathBuf, str::FromStr};

/// Longest accepted route, in bytes.
const MAX_TEXT: usize = 2048;

/// Where mail goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailRoute {
    /// A relay that accepts mail by SMTP.
    Relay(Security, HostPort),
    /// A folder that gets a file for each mail.
    Folder(PathBuf),
}

/// The protection of a connection to a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// The connection begins in the clear and must change to TLS (RFC 3207).
    StartTls,
    /// TLS from the first byte (RFC 8314 §3.3).
    Tls,
    /// None. Only to this machine.
    Plain,
}

/// Where text messages go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SmsRoute {
    /// The base URL of Twilio's REST API.
    Twilio(Url),
    /// A folder that gets a file for each message.
    Folder(PathBuf),
}

/// The text is not a route. The message does not quote it, because it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "mail goes to smtp://HOST:PORT (STARTTLS), smtps://HOST:PORT, smtp+plain://127.0.0.1:PORT or \
     file:FOLDER, and text messages to twilio+https://api.twilio.com or file:FOLDER; a password \
     has a setting of its own"
)]
pub struct NotARoute;

impl FromStr for MailRoute {
    type Err = NotARoute;

    fn from_str(text: &str) -> Result<Self, NotARoute> {
        let (scheme, rest) = divide(text)?;
        let relay = |security| Ok(Self::Relay(security, place(rest)?));
        match scheme {
            "smtp" => relay(Security::StartTls),
            "smtps" => relay(Security::Tls),
            "smtp+plain" if is_loopback(&place(rest)?.host) => relay(Security::Plain),
            "file" => folder(rest).map(Self::Folder),
            _ => Err(NotARoute),
        }
    }
}

impl FromStr for SmsRoute {
    type Err = NotARoute;

    fn from_str(text: &str) -> Result<Self, NotARoute> {
        let (scheme, rest) = divide(text)?;
        match scheme {
            "file" => folder(rest).map(Self::Folder),
            "twilio+https" | "twilio+http" => {
                let url = text.strip_prefix("twilio+").ok_or(NotARoute)?;
                let url = Url::parse(url).map_err(|_| NotARoute)?;
                let host = url.host_str().unwrap_or_default();
                let is_protected = url.scheme() == "https" || is_loopback(host);
                let is_bare =
                    url.path() == "/" && url.query().is_none() && url.fragment().is_none();
                let has_login = !url.username().is_empty() || url.password().is_some();
                if !is_protected || !is_bare || has_login || host.is_empty() {
                    return Err(NotARoute);
                }
                Ok(Self::Twilio(url))
            }
            _ => Err(NotARoute),
        }
    }
}

fn divide(text: &str) -> Result<(&str, &str), NotARoute> {
    if text.len() > MAX_TEXT || text.contains(char::is_control) {
        return Err(NotARoute);
    }
    text.split_once(':').ok_or(NotARoute)
}

fn folder(path: &str) -> Result<PathBuf, NotARoute> {
    if path.is_empty() { Err(NotARoute) } else { Ok(PathBuf::from(path)) }
}

fn place(rest: &str) -> Result<HostPort, NotARoute> {
    let authority = rest.strip_prefix("//").ok_or(NotARoute)?;
    let place = HostPort::parse(authority, None).map_err(|_| NotARoute)?;
    let is_name = place.host.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c));
    let is_address = authority.starts_with('[') && place.host.parse::<IpAddr>().is_ok();
    if is_name || is_address { Ok(place) } else { Err(NotARoute) }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

impl fmt::Display for MailRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, place) = match self {
            Self::Relay(Security::StartTls, place) => ("smtp", place),
            Self::Relay(Security::Tls, place) => ("smtps", place),
            Self::Relay(Security::Plain, place) => ("smtp+plain", place),
            Self::Folder(path) => return write!(f, "file:{}", path.display()),
        };
        write!(f, "{scheme}://{place}")
    }
}

impl fmt::Display for SmsRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Twilio(url) => write!(f, "twilio+{}", url.as_str().trim_end_matches('/')),
            Self::Folder(path) => write!(f, "file:{}", path.display()),
        }
    }
}

impl Serialize for MailRoute {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for SmsRoute {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MailRoute {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for SmsRoute {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_parsed_and_written_back() {
        for text in [
            "smtp://relay.example.org:587",
            "smtps://[2001:db8::1]:465",
            "smtp+plain://127.0.0.1:25",
            "smtp+plain://[::1]:25",
            "file:fourauth-data/mail",
        ] {
            assert_eq!(text.parse::<MailRoute>().unwrap().to_string(), text);
        }
        for text in
            ["twilio+https://api.twilio.com", "twilio+http://127.0.0.1:8080", "file:/var/spool/sms"]
        {
            assert_eq!(text.parse::<SmsRoute>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_route_in_the_clear_stays_on_this_machine() {
        for text in [
            "smtp+plain://relay.example.org:25",
            "smtp+plain://127.0.0.1.example.org:25",
            "smtp://relay.example.org",
            "smtp://user:word@relay.example.org:587",
            "smtp://relay.example.org:587/x",
            "smtp://a\r\nb:25",
            "file:",
            "relay.example.org:587",
            "",
        ] {
            assert_eq!(text.parse::<MailRoute>(), Err(NotARoute), "{text:?}");
        }
        for text in [
            "twilio+http://api.twilio.com",
            "twilio+https://u:p@api.twilio.com",
            "twilio+https://api.twilio.com/?x=y",
            "https://api.twilio.com",
        ] {
            assert_eq!(text.parse::<SmsRoute>(), Err(NotARoute), "{text:?}");
        }
    }
}
