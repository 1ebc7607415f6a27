//! The public origin of the web pages: a scheme, a host and a port (RFC 6454), and no path.

use serde::{Deserialize, Serialize};
use std::{fmt, net::IpAddr, str::FromStr};

/// An origin in the form in which browsers write it: lower case, without the usual port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Origin(String);

/// Why a text is not an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAnOrigin {
    /// It has another form.
    #[error("an origin is written as https://HOST or https://HOST:PORT, in lower case")]
    Syntax,
    /// Plain HTTP to another machine. Browsers give such pages no camera and no key.
    #[error("an origin needs https, unless its host is localhost or a loopback address")]
    Plain,
}

impl Origin {
    /// The host: a name, or an address, with brackets around one of IPv6.
    #[must_use]
    pub fn host(&self) -> &str {
        self.parts().0
    }

    /// The port, unless it is the usual one.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.parts().1
    }

    fn parts(&self) -> (&str, Option<u16>) {
        let authority = self.0.split_once("://").map_or("", |(_, authority)| authority);
        divided(authority).unwrap_or((authority, None))
    }

    /// The text, as browsers write it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = NotAnOrigin;

    fn from_str(text: &str) -> Result<Self, NotAnOrigin> {
        let (scheme, authority) = text.split_once("://").ok_or(NotAnOrigin::Syntax)?;
        let (host, port) = divided(authority).ok_or(NotAnOrigin::Syntax)?;
        let usual = match scheme {
            "https" => 443,
            "http" => 80,
            _ => return Err(NotAnOrigin::Syntax),
        };
        if !is_host(host) {
            return Err(NotAnOrigin::Syntax);
        }
        if scheme == "http" && !is_local(host) {
            return Err(NotAnOrigin::Plain);
        }
        match port {
            Some(port) if port == usual => Ok(Self(format!("{scheme}://{host}"))),
            _ => Ok(Self(text.to_owned())),
        }
    }
}

/// The host and the port of `HOST` or `HOST:PORT`.
fn divided(authority: &str) -> Option<(&str, Option<u16>)> {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            let number = port.parse().ok().filter(|number: &u16| *number > 0)?;
            // A browser writes neither a sign nor leading zeros.
            (number.to_string() == port).then_some((host, Some(number)))
        }
        _ => Some((authority, None)),
    }
}

fn is_host(host: &str) -> bool {
    if let Some(address) = bracketed(host) {
        return matches!(address.parse(), Ok(IpAddr::V6(_)));
    }
    let is_label = |label: &str| {
        let is_plain = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        !label.is_empty() && label.bytes().all(is_plain)
    };
    host.split('.').all(is_label)
}

fn is_local(host: &str) -> bool {
    let address: Option<IpAddr> = bracketed(host).unwrap_or(host).parse().ok();
    host == "localhost" || address.is_some_and(|address| address.is_loopback())
}

fn bracketed(host: &str) -> Option<&str> {
    host.strip_prefix('[')?.strip_suffix(']')
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Origin {
    type Error = NotAnOrigin;

    fn try_from(text: String) -> Result<Self, NotAnOrigin> {
        text.parse()
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_kept_as_browsers_write_it() {
        for (text, kept) in [
            ("https://auth.example.org", "https://auth.example.org"),
            ("https://auth.example.org:443", "https://auth.example.org"),
            ("https://auth.example.org:8443", "https://auth.example.org:8443"),
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://127.0.0.1:80", "http://127.0.0.1"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("https://[2001:db8::1]", "https://[2001:db8::1]"),
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().as_str(), kept);
        }
    }

    #[test]
    fn an_origin_has_a_host_and_perhaps_a_port() {
        for (text, host, port) in [
            ("https://auth.example.org:443", "auth.example.org", None),
            ("https://auth.example.org:8443", "auth.example.org", Some(8443)),
            ("http://[::1]:8080", "[::1]", Some(8080)),
        ] {
            let origin: Origin = text.parse().unwrap();
            assert_eq!((origin.host(), origin.port()), (host, port));
        }
    }

    #[test]
    fn what_is_not_an_origin_is_refused() {
        for text in [
            "",
            "auth.example.org",
            "https://",
            "https://auth.example.org/",
            "https://auth.example.org/portal",
            "https://Auth.example.org",
            "https://user@auth.example.org",
            "https://auth.example.org:",
            "https://auth.example.org:0",
            "https://auth.example.org:+443",
            "https://auth.example.org:65536",
            "https://auth..example.org",
            "https://[192.0.2.1]",
            "https://2001:db8::1",
            "ftp://auth.example.org",
            "null",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(NotAnOrigin::Syntax), "{text}");
        }
        for text in ["http://auth.example.org", "http://192.168.0.1", "http://localhost.example"] {
            assert_eq!(text.parse::<Origin>(), Err(NotAnOrigin::Plain), "{text}");
        }
    }
}
