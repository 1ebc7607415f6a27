//! Checkpoints as syslog messages (RFC 5424), one message each.
//!
//! The message is the note in base64 (RFC 4648 §4): collectors rewrite line endings and non-ASCII
//! characters, which would invalidate the signature. Over TCP and TLS each connection carries one
//! message and is then closed. The close by the collector is the only acknowledgement. UDP has no
//! acknowledgement.

use super::{Fault, Transport, Trust};
use data_encoding::BASE64;
use fourauth_protocol::host_port::HostPort;
use fourauth_store::SignedCheckpoint;
use rustls_pki_types::ServerName;
use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpStream, UdpSocket, lookup_host},
    time::timeout,
};
use tokio_rustls::TlsConnector;

/// Facility 13, log audit, and severity 5, normal but significant (RFC 5424 §6.2.1).
const PRIORITY: u8 = 13 * 8 + 5;

/// Longest host name in a message, in bytes (RFC 5424 §6).
const MAX_HOSTNAME: usize = 255;

/// Timeout for the collector to close its side. A collector that keeps the connection open has
/// still read the message.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Most bytes read from a collector, which is not expected to send any.
const MAX_REPLY: u64 = 4096;

/// A syslog collector.
pub(super) struct Collector {
    place: HostPort,
    carrier: Carrier,
    /// Name of this machine in messages.
    hostname: String,
}

enum Carrier {
    Udp,
    Tcp,
    Tls(TlsConnector, ServerName<'static>),
}

impl Collector {
    pub(super) fn new(transport: Transport, place: HostPort, trust: &Trust) -> Result<Self, Fault> {
        let carrier = match transport {
            Transport::Udp => Carrier::Udp,
            Transport::Tcp => Carrier::Tcp,
            Transport::Tls => {
                let name = ServerName::try_from(place.host.clone())
                    .map_err(|error| Fault::Away(error.to_string()))?;
                Carrier::Tls(TlsConnector::from(Arc::new(trust.tls()?)), name)
            }
        };
        let hostname = hostname(&rustix::system::uname().nodename().to_string_lossy());
        Ok(Self { place, carrier, hostname })
    }

    /// Sends one message.
    pub(super) async fn send(&self, signed: &SignedCheckpoint) -> io::Result<()> {
        let message = message(&self.hostname, signed);
        match &self.carrier {
            Carrier::Udp => self.datagram(message.as_bytes()).await,
            Carrier::Tcp => {
                let mut stream = self.connect().await?;
                deliver(&mut stream, &message).await?;
                check_delivery(&stream)
            }
            Carrier::Tls(connector, name) => {
                let stream = self.connect().await?;
                let mut stream = connector.connect(name.clone(), stream).await?;
                deliver(&mut stream, &message).await?;
                check_delivery(stream.get_ref().0)
            }
        }
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        TcpStream::connect((self.place.host.as_str(), self.place.port)).await
    }

    async fn datagram(&self, message: &[u8]) -> io::Result<()> {
        let mut found = lookup_host((self.place.host.as_str(), self.place.port)).await?;
        let address = found.next().ok_or(io::ErrorKind::AddrNotAvailable)?;
        let any: IpAddr = match address {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((any, 0)).await?;
        socket.connect(address).await?;
        socket.send(message).await.map(|_| ())
    }
}

/// Sends one message with its length (RFC 6587 §3.4.1, RFC 5425 §4.3), and closes the connection.
async fn deliver(mut stream: impl AsyncRead + AsyncWrite + Unpin, message: &str) -> io::Result<()> {
    stream.write_all(format!("{} {message}", message.len()).as_bytes()).await?;
    stream.shutdown().await?;
    let mut rest = Vec::new();
    match timeout(CLOSE_TIMEOUT, stream.take(MAX_REPLY).read_to_end(&mut rest)).await {
        // The collector has read the message and closed without `close_notify`.
        Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
        // A reset means unread data, an alert a client that the collector refuses.
        Ok(Err(error)) => Err(error),
        Ok(Ok(_)) | Err(_) => Ok(()),
    }
}

/// Returns the pending error of the socket.
///
/// If the collector closed before the message arrived, the read returns end of file. Only the
/// socket knows that the message was not delivered.
fn check_delivery(stream: &TcpStream) -> io::Result<()> {
    stream.take_error()?.map_or(Ok(()), Err)
}

/// `<109>1 TIME HOST fourauthd - checkpoint - BASE64`: no process id, no structured data.
fn message(hostname: &str, signed: &SignedCheckpoint) -> String {
    let note = BASE64.encode(signed.note.as_bytes());
    format!("<{PRIORITY}>1 {} {hostname} fourauthd - checkpoint - {note}", signed.ts_utc)
}

/// Host name for a message: printable ASCII without spaces, or `-` if nothing is left (RFC 5424
/// §6).
fn hostname(name: &str) -> String {
    let kept: String = name.chars().filter(char::is_ascii_graphic).take(MAX_HOSTNAME).collect();
    if kept.is_empty() { "-".to_owned() } else { kept }
}

/// Shows only the address, which is not secret.
impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Collector").field(&self.place).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed() -> SignedCheckpoint {
        let note = "fourauth/ab\n7\nAAAA\n\n— fourauth/ab c2ln\n".to_owned();
        let ts_utc = "2025-03-01T12:00:00.25Z".to_owned();
        SignedCheckpoint { size: 7, ts_utc, epoch: 0, note }
    }

    #[test]
    fn a_message_is_one_line_of_ascii() {
        let text = message("auth1", &signed());
        let (header, note) = text.rsplit_once(' ').unwrap();
        assert_eq!(header, "<109>1 2025-03-01T12:00:00.25Z auth1 fourauthd - checkpoint -");
        assert_eq!(BASE64.decode(note.as_bytes()).unwrap(), signed().note.as_bytes());
        assert!(text.chars().all(|c| c == ' ' || c.is_ascii_graphic()));
    }

    #[test]
    fn a_host_name_cannot_break_a_message() {
        assert_eq!(hostname("a b\n<0>1"), "ab<0>1");
        assert_eq!(hostname(""), "-");
        assert_eq!(hostname(&"x".repeat(300)).len(), 255);
    }
}
