//! The address of a server, and the name that its certificate must have.

use fourauth_protocol::host_port::HostPort;
use rustls_pki_types::ServerName;
use std::fmt;

/// The port that fourauth listens on.
pub const DEFAULT_PORT: u16 = 65432;

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress {
    place: HostPort,
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
        let text = text.trim();
        let place = HostPort::parse(text, Some(DEFAULT_PORT)).map_err(|_| ParseAddressError)?;
        // Without brackets, the last group of an IPv6 address could be a port.
        if place.host.contains(':') && !text.starts_with('[') {
            return Err(ParseAddressError);
        }
        let name = ServerName::try_from(place.host.clone()).map_err(|_| ParseAddressError)?;
        Ok(Self { place, name })
    }

    /// The host, as a name to look up or an IP address.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.place.host
    }

    /// The TCP port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.place.port
    }

    pub(crate) fn name(&self) -> ServerName<'static> {
        self.name.clone()
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)
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
        for text in [
            "",
            ":65432",
            "a b",
            "host:",
            "host:0",
            "host:70000",
            "::1",
            "[::1",
            "[::1]x",
            "-a:1",
            "::1:443",
        ] {
            assert_eq!(ServerAddress::parse(text), Err(ParseAddressError), "{text:?}");
        }
    }
}
