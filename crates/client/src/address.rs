//! The address of a server, and the name that its certificate must have.

use rustls_pki_types::ServerName;
use std::fmt;

/// The port that fourauth listens on.
pub const DEFAULT_PORT: u16 = 65432;

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress {
    host: String,
    port: u16,
    name: ServerName<'static>,
}

impl ServerAddress {
    /// Parses `host`, `host:port`, `[ipv6]` or `[ipv6]:port`. The default port is
    /// [`DEFAULT_PORT`].
    ///
    /// # Errors
    ///
    /// [`ParseAddressError`] if the host cannot be named in a certificate, or the port is invalid.
    pub fn parse(text: &str) -> Result<Self, ParseAddressError> {
        let (host, port) = divide(text.trim())?;
        let port = match port {
            None => DEFAULT_PORT,
            Some(digits) => {
                digits.parse().ok().filter(|&port| port != 0).ok_or(ParseAddressError)?
            }
        };
        let name = ServerName::try_from(host.to_owned()).map_err(|_| ParseAddressError)?;
        Ok(Self { host: host.to_owned(), port, name })
    }

    /// The host, as a name to look up or an IP address.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn name(&self) -> ServerName<'static> {
        self.name.clone()
    }
}

/// Splits a text into host and port. An IPv6 address contains colons, so it needs brackets.
fn divide(text: &str) -> Result<(&str, Option<&str>), ParseAddressError> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, tail) = rest.split_once(']').ok_or(ParseAddressError)?;
        return match tail.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if tail.is_empty() => Ok((host, None)),
            None => Err(ParseAddressError),
        };
    }
    Ok(text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))))
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// The text is not the address of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a server address: give HOST, HOST:PORT or [IPV6]:PORT")]
pub struct ParseAddressError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_forms_of_an_address_are_accepted() {
        for (text, shown) in [
            ("localhost", "localhost:65432"),
            ("auth.example.org:7000", "auth.example.org:7000"),
            (" 127.0.0.1:65432\n", "127.0.0.1:65432"),
            ("[::1]", "[::1]:65432"),
            ("[2001:db8::1]:1", "[2001:db8::1]:1"),
        ] {
            assert_eq!(ServerAddress::parse(text).unwrap().to_string(), shown, "{text:?}");
        }
    }

    #[test]
    fn invalid_addresses_are_refused() {
        for text in
            ["", ":65432", "a b", "host:", "host:0", "host:70000", "::1", "[::1", "[::1]x", "-a:1"]
        {
            assert_eq!(ServerAddress::parse(text), Err(ParseAddressError), "{text:?}");
        }
    }
}
