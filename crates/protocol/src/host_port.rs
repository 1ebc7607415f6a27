//! `HOST:PORT`, as in settings and arguments. Only the syntax is checked: the caller says which hosts
//! it accepts.

use std::fmt;

/// A host, by name or address, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort {
    /// The host. An IPv6 address has no brackets.
    pub host: String,
    /// The port, which is not 0.
    pub port: u16,
}

/// The text is not `HOST:PORT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not HOST:PORT or [IPV6]:PORT")]
pub struct ParseHostPortError;

impl HostPort {
    /// Parses `HOST:PORT` or `[HOST]:PORT`. The port may be missing if there is a default.
    ///
    /// The port follows the last colon. An IPv6 address without brackets therefore loses its last
    /// group; a caller that cannot accept this refuses colons in a host without brackets.
    ///
    /// # Errors
    ///
    /// [`ParseHostPortError`] if the host is empty, or the port is missing or invalid.
    pub fn parse(text: &str, default_port: Option<u16>) -> Result<Self, ParseHostPortError> {
        let (host, port) = divide(text)?;
        let port = match port {
            Some(digits) => digits.parse().ok(),
            None => default_port,
        };
        let port = port.filter(|&port| port != 0).ok_or(ParseHostPortError)?;
        if host.is_empty() {
            return Err(ParseHostPortError);
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

fn divide(text: &str) -> Result<(&str, Option<&str>), ParseHostPortError> {
    let Some(rest) = text.strip_prefix('[') else {
        return Ok(text.rsplit_once(':').map_or((text, None), |(host, port)| (host, Some(port))));
    };
    let (host, tail) = rest.split_once(']').ok_or(ParseHostPortError)?;
    match tail.strip_prefix(':') {
        Some(port) => Ok((host, Some(port))),
        None if tail.is_empty() => Ok((host, None)),
        None => Err(ParseHostPortError),
    }
}

/// In the form that is parsed.
impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_host_and_a_port_are_divided_at_the_last_colon() {
        for (text, host, port) in [
            ("localhost", "localhost", 9),
            ("localhost:1", "localhost", 1),
            ("[::1]", "::1", 9),
            ("[::1]:65535", "::1", 65535),
            ("::1:7", "::1", 7),
        ] {
            let found = HostPort::parse(text, Some(9));
            assert_eq!(found, Ok(HostPort { host: host.to_owned(), port }), "{text}");
        }
    }

    #[test]
    fn an_incomplete_text_is_refused() {
        for text in ["", ":1", "h", "h:", "h:0", "h:65536", "h:-1", "[]:1", "[::1", "[::1]x:1"] {
            assert_eq!(HostPort::parse(text, None), Err(ParseHostPortError), "{text}");
        }
        assert_eq!(HostPort::parse("h:", Some(9)), Err(ParseHostPortError));
    }

    proptest! {
        #[test]
        fn a_written_address_is_read_back(host in "[a-z0-9.:-]{1,20}", port in 1_u16..) {
            let address = HostPort { host, port };
            prop_assert_eq!(HostPort::parse(&address.to_string(), None), Ok(address));
        }
    }
}
