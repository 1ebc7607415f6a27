//! Stands between rsntp and a time server, and passes only the answer to the question back.
//!
//! rsntp ends an exchange with the first packet that arrives, and reports a kiss-o'-death before it
//! compares the originate timestamp. So a packet that any host has sent could end an exchange and
//! slow the polling down. Here it is ignored, and the answer can still come.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::{net::UdpSocket, task::JoinSet};

/// Longest packet that is passed on, in bytes. One without extensions has 48.
const LONGEST: usize = 2048;
/// Bytes of a packet without extensions.
const SHORTEST: usize = 48;
/// Originate timestamp of an answer (RFC 5905, figure 8).
const ORIGINATE: std::ops::Range<usize> = 24..32;
/// Transmit timestamp of a question.
const TRANSMIT: std::ops::Range<usize> = 40..48;

/// Relays one exchange with one server. Dropping it ends the exchange.
#[derive(Debug)]
pub(crate) struct Relay {
    address: SocketAddr,
    ignored: Arc<AtomicBool>,
    _task: JoinSet<io::Result<()>>,
}

impl Relay {
    /// Opens a socket for rsntp on loopback, and one for the server.
    ///
    /// # Errors
    ///
    /// If the operating system has no socket or no route.
    pub(crate) async fn open(server: SocketAddr) -> io::Result<Self> {
        let inside = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let outside = UdpSocket::bind(own_address(server)).await?;
        outside.connect(server).await?;
        let (address, ignored) = (inside.local_addr()?, Arc::<AtomicBool>::default());
        let mut task = JoinSet::new();
        task.spawn(pass(inside, outside, Arc::clone(&ignored)));
        Ok(Self { address, ignored, _task: task })
    }

    /// The address that rsntp asks.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// True if a packet arrived that does not repeat the timestamp of the question.
    pub(crate) fn has_ignored(&self) -> bool {
        self.ignored.load(Ordering::Relaxed)
    }
}

async fn pass(inside: UdpSocket, outside: UdpSocket, ignored: Arc<AtomicBool>) -> io::Result<()> {
    let mut packet = [0; LONGEST];
    let (length, asker) = inside.recv_from(&mut packet).await?;
    inside.connect(asker).await?;
    let question = packet.get(..length).unwrap_or_default();
    let sent: Option<[u8; 8]> = question.get(TRANSMIT).and_then(|bytes| bytes.try_into().ok());
    outside.send(question).await?;
    loop {
        let length = outside.recv(&mut packet).await?;
        let answer = packet.get(..length).unwrap_or_default();
        if length >= SHORTEST && answer.get(ORIGINATE) == sent.as_ref().map(<[u8; 8]>::as_slice) {
            return inside.send(answer).await.map(|_| ());
        }
        ignored.store(true, Ordering::Relaxed);
    }
}

/// Any local port, in the address family of `server`.
fn own_address(server: SocketAddr) -> SocketAddr {
    match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_has_the_address_family_of_the_server() {
        for server in ["192.0.2.1:123", "[2001:db8::7]:123"] {
            let server: SocketAddr = server.parse().unwrap();
            assert_eq!(own_address(server).is_ipv6(), server.is_ipv6());
        }
    }
}
