//! The header that names the client of a proxy (PROXY protocol, version 2, §2.2).

use fourauth_server::proxy::SIGNATURE;
use std::net::IpAddr;

/// A header for a TCP connection of `client`.
#[must_use]
pub fn introducing(client: IpAddr) -> Vec<u8> {
    let (family, source, destination) = match client {
        IpAddr::V4(client) => (0x11, client.octets().to_vec(), vec![192, 0, 2, 254]),
        IpAddr::V6(client) => (0x21, client.octets().to_vec(), vec![0; 16]),
    };
    let block = [source, destination, vec![0x9c, 0x40, 0xff, 0x98]].concat();
    header(0x21, family, &block)
}

/// A header of any kind.
///
/// # Panics
///
/// If the header's length field cannot hold the length of `rest`.
#[must_use]
pub fn header(version_and_command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).expect("a length that fits in two bytes").to_be_bytes();
    [&SIGNATURE[..], &[version_and_command, family], &length[..], rest].concat()
}
