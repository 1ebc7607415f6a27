//! The peer of a request: the other end of the socket, or the client that a listed proxy names.
//!
//! Of all headers of proxies only `X-Forwarded-For` is read. Each proxy appends the address of its
//! peer, so the entries are trustworthy from the right, as far as listed proxies wrote them; the
//! client can write everything to the left of that.

use hyper::header::{HeaderMap, HeaderName};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The networks of the proxies that are believed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Proxies(Vec<IpNet>);

/// A listed proxy named no client. Without this, all visitors of a proxy that forgets the header
/// would be one source, and perhaps one that is exempt from limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unnamed;

impl Proxies {
    pub(crate) const fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// True if the address is that of a listed proxy.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address.to_canonical()))
    }

    /// The peer of a request that came over a connection with `socket`.
    pub(crate) fn peer(&self, socket: IpAddr, headers: &HeaderMap) -> Result<IpAddr, Unnamed> {
        let socket = socket.to_canonical();
        if !self.contains(socket) {
            return Ok(socket);
        }
        for entry in entries(headers).iter().rev() {
            let address = address(entry).ok_or(Unnamed)?;
            if !self.contains(address) {
                return Ok(address);
            }
        }
        Err(Unnamed)
    }
}

/// The entries of all headers, in their order.
fn entries(headers: &HeaderMap) -> Vec<&str> {
    let values = headers.get_all(FORWARDED_FOR).iter();
    // A value that is not text becomes one entry that is no address.
    let texts = values.map(|value| value.to_str().unwrap_or_default());
    texts.flat_map(|text| text.split(',').map(str::trim)).collect()
}

/// An address, which some proxies write with a port.
fn address(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    let address = bare.parse().ok();
    let address =
        address.or_else(|| entry.parse().ok().map(|with_port: SocketAddr| with_port.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    const PROXY: &str = "10.0.0.1";

    fn peer(socket: &str, headers: &[&[u8]]) -> Result<String, Unnamed> {
        let proxies =
            Proxies::new(vec!["10.0.0.0/24".parse().unwrap(), "::1/128".parse().unwrap()]);
        let mut map = HeaderMap::new();
        for value in headers {
            map.append(FORWARDED_FOR, HeaderValue::from_bytes(value).unwrap());
        }
        proxies.peer(socket.parse().unwrap(), &map).map(|peer| peer.to_string())
    }

    #[test]
    fn without_a_listed_proxy_the_header_counts_for_nothing() {
        assert_eq!(peer("192.0.2.1", &[b"198.51.100.7"]).unwrap(), "192.0.2.1");
        assert_eq!(peer("::ffff:192.0.2.1", &[b"10.0.0.1, 198.51.100.7"]).unwrap(), "192.0.2.1");
    }

    #[test]
    fn the_right_most_address_that_is_no_proxy_is_the_peer() {
        for headers in [
            &[b"198.51.100.7".as_slice()] as &[&[u8]],
            &[b"203.0.113.9, 198.51.100.7"],
            &[b"x, 203.0.113.9,198.51.100.7 , 10.0.0.2"],
            &[b"203.0.113.9", b"198.51.100.7, 10.0.0.2", b"10.0.0.3:8080"],
            &[b"198.51.100.7:4711"],
            &[b"\xff", b"::ffff:198.51.100.7"],
        ] {
            assert_eq!(peer(PROXY, headers).as_deref(), Ok("198.51.100.7"), "{headers:?}");
        }
        assert_eq!(peer("::1", &[b"[2001:db8::1]:80"]).unwrap(), "2001:db8::1");
        assert_eq!(peer("::ffff:10.0.0.1", &[b"[2001:db8::1]"]).unwrap(), "2001:db8::1");
    }

    #[test]
    fn a_proxy_that_names_no_client_is_not_believed() {
        for headers in [
            &[] as &[&[u8]],
            &[b""],
            &[b"unknown"],
            &[b"198.51.100.7, unknown"],
            &[b"198.51.100.7,"],
            &[b"198.51.100.7", b"\xff"],
            &[b"10.0.0.2, 10.0.0.3"],
            &[b"198.51.100.7 203.0.113.9"],
            &[b"fe80::1%eth0"],
        ] {
            assert_eq!(peer(PROXY, headers), Err(Unnamed), "{headers:?}");
        }
    }
}
