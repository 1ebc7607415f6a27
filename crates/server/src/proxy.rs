//! The header that a proxy or load balancer sends first, with the address of its client: the binary
//! form of "The PROXY protocol, versions 1 & 2" (`HAProxy`, §2.2).
//!
//! It is accepted from configured addresses only, and required from those: see `limits.proxies`.
//! The textual version 1 is not supported. Extensions (TLVs) are skipped.

use std::{
    io::{self, ErrorKind},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The first bytes of every header.
pub const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// Length of a header before its addresses, in bytes.
const FIXED: usize = 16;

/// Largest size of addresses and extensions, in bytes. The longest addresses take 216 bytes, and a
/// header without extensions must fit into 536 bytes (§2.2). Extensions of load balancers take a
/// few hundred bytes.
const MAX_REST: usize = 4096;

/// The header of a connection that the proxy opens for itself, for example a health check.
pub const LOCAL: [u8; FIXED] = *b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

/// The origin of a connection from a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A client at this address.
    Client(IpAddr),
    /// The proxy itself (`LOCAL`), or a client without an address: `AF_UNSPEC`, or an address of a
    /// kind that TCP does not have, which a receiver treats alike (§2.2).
    Untold,
}

/// Why some bytes are not a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The signature is missing.
    #[error("the connection does not begin with a PROXY protocol header of version 2")]
    Signature,
    /// A version, command, address family or protocol that does not exist.
    #[error("the PROXY protocol header has a reserved value")]
    Reserved,
    /// It announces fewer bytes than its addresses need.
    #[error("the PROXY protocol header is too short for its addresses")]
    TooShort,
    /// It announces more than 4096 bytes.
    #[error("the PROXY protocol header is longer than 4096 bytes")]
    TooLong,
}

/// Reads a header, and no byte after it. The caller sets a timeout.
///
/// # Errors
///
/// [`ErrorKind::InvalidData`] with a [`HeaderError`] if the header is invalid, or the error of the
/// stream. The connection must then be closed.
pub async fn receive(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Origin> {
    let mut fixed = [0; FIXED];
    stream.read_exact(&mut fixed).await?;
    let header = Header::parse(fixed).map_err(invalid)?;
    let mut rest = vec![0; header.length];
    stream.read_exact(&mut rest).await?;
    header.origin(&rest).map_err(invalid)
}

fn invalid(why: HeaderError) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why)
}

/// The part of a header that has a fixed length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header {
    addresses: Addresses,
    /// Number of bytes that follow.
    length: usize,
}

/// The kind of addresses in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Addresses {
    Tcp4,
    Tcp6,
    /// Addresses that are ignored. At least this many bytes of them must be present.
    Ignored(usize),
}

impl Addresses {
    /// The kind for a byte that holds an address family and a protocol, four bits each.
    const fn of(family: u8) -> Result<Self, HeaderError> {
        match family {
            0x00 => Ok(Self::Ignored(0)),
            0x11 => Ok(Self::Tcp4),
            0x21 => Ok(Self::Tcp6),
            // UDP over IPv4, UDP over IPv6, Unix sockets.
            0x12 => Ok(Self::Ignored(12)),
            0x22 => Ok(Self::Ignored(36)),
            0x31 | 0x32 => Ok(Self::Ignored(216)),
            _ => Err(HeaderError::Reserved),
        }
    }
}

impl Header {
    fn parse(fixed: [u8; FIXED]) -> Result<Self, HeaderError> {
        let Some([version_and_command, family, high, low]) = fixed.strip_prefix(&SIGNATURE) else {
            return Err(HeaderError::Signature);
        };
        let addresses = match version_and_command {
            // LOCAL: the rest of the header is ignored.
            0x20 => Addresses::Ignored(0),
            0x21 => Addresses::of(*family)?,
            _ => return Err(HeaderError::Reserved),
        };
        match usize::from(u16::from_be_bytes([*high, *low])) {
            length @ ..=MAX_REST => Ok(Self { addresses, length }),
            _ => Err(HeaderError::TooLong),
        }
    }

    /// Reads the source address, which is the first part of an address block: source, destination,
    /// then their ports.
    fn origin(self, rest: &[u8]) -> Result<Origin, HeaderError> {
        match self.addresses {
            Addresses::Tcp4 => match rest.first_chunk::<12>() {
                Some([a, b, c, d, ..]) => Ok(Origin::Client(Ipv4Addr::new(*a, *b, *c, *d).into())),
                None => Err(HeaderError::TooShort),
            },
            Addresses::Tcp6 => match rest.first_chunk::<36>().and_then(|both| both.first_chunk()) {
                Some(source) => Ok(Origin::Client(Ipv6Addr::from_octets(*source).into())),
                None => Err(HeaderError::TooShort),
            },
            Addresses::Ignored(needed) if rest.len() < needed => Err(HeaderError::TooShort),
            Addresses::Ignored(_) => Ok(Origin::Untold),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The result of reading these bytes, and the number of bytes left.
    fn read(mut bytes: &[u8]) -> (io::Result<Origin>, usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let origin = runtime.block_on(receive(&mut bytes));
        (origin, bytes.len())
    }

    fn header(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length[..], rest].concat()
    }

    fn tcp4(source: Ipv4Addr, extensions: &[u8]) -> Vec<u8> {
        let block = [&source.octets(), &[192, 0, 2, 254, 0x30, 0x39, 0xff, 0x98][..], extensions];
        header(0x21, 0x11, &block.concat())
    }

    fn why(bytes: &[u8]) -> HeaderError {
        let error = read(bytes).0.unwrap_err();
        *error.get_ref().and_then(|inner| inner.downcast_ref()).unwrap()
    }

    #[test]
    fn the_address_of_a_tcp_client_is_read() {
        let v4 = Ipv4Addr::new(192, 0, 2, 7);
        assert_eq!(read(&tcp4(v4, b"")).0.unwrap(), Origin::Client(v4.into()));
        let v6: Ipv6Addr = "2001:db8::7".parse().unwrap();
        let block = [&v6.octets()[..], &[9; 20]].concat();
        assert_eq!(read(&header(0x21, 0x21, &block)).0.unwrap(), Origin::Client(v6.into()));
    }

    #[test]
    fn a_header_without_a_client_counts_as_the_proxy() {
        for bytes in [
            LOCAL.to_vec(),
            // LOCAL may carry addresses, which are ignored.
            header(0x20, 0x11, &[1; 12]),
            header(0x20, 0x21, b"short"),
            header(0x20, 0xff, b""),
            header(0x21, 0x00, b""),
            header(0x21, 0x00, &[7; 100]),
            header(0x21, 0x12, &[1; 12]),
            header(0x21, 0x22, &[1; 36]),
            header(0x21, 0x31, &[1; 216]),
            header(0x21, 0x32, &[1; 216]),
        ] {
            assert_eq!(read(&bytes).0.unwrap(), Origin::Untold, "{bytes:?}");
        }
    }

    #[test]
    fn an_invalid_header_is_refused_with_a_reason() {
        for (bytes, reason) in [
            (b"PROXY TCP4 192.0.2.7 192.0.2.1 1 2\r\n".to_vec(), HeaderError::Signature),
            // The beginning of a TLS handshake.
            ([&[0x16, 3, 1, 2, 0, 1][..], &[0; 10]].concat(), HeaderError::Signature),
            (header(0x11, 0x11, &[1; 12]), HeaderError::Reserved),
            (header(0x22, 0x11, &[1; 12]), HeaderError::Reserved),
            (header(0x21, 0x10, &[1; 12]), HeaderError::Reserved),
            (header(0x21, 0x41, &[1; 216]), HeaderError::Reserved),
            (header(0x21, 0x11, &[1; 11]), HeaderError::TooShort),
            (header(0x21, 0x21, &[1; 35]), HeaderError::TooShort),
            (header(0x21, 0x31, &[1; 215]), HeaderError::TooShort),
            (header(0x21, 0x11, &[1; 4097]), HeaderError::TooLong),
            (header(0x20, 0x00, &[1; 8192]), HeaderError::TooLong),
        ] {
            assert_eq!(why(&bytes), reason);
        }
    }

    #[test]
    fn a_header_that_ends_early_is_an_error() {
        let whole = tcp4(Ipv4Addr::LOCALHOST, b"extension");
        for length in 0..whole.len() {
            let error = read(&whole[..length]).0.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        }
    }

    proptest! {
        #[test]
        fn no_byte_after_the_header_is_read(
            source: u32,
            extensions in prop::collection::vec(any::<u8>(), 0..1000),
            after in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let source = Ipv4Addr::from_bits(source);
            let (origin, left) = read(&[tcp4(source, &extensions), after.clone()].concat());
            prop_assert_eq!(origin.unwrap(), Origin::Client(source.into()));
            prop_assert_eq!(left, after.len());
        }

        #[test]
        fn no_input_causes_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _any = read(&bytes);
            let _any = read(&[&SIGNATURE[..], &bytes].concat());
            let _any = read(&[&SIGNATURE[..], &[0x21, 0x11, 0], &bytes].concat());
        }
    }
}
