//! Checkpoints as syslog messages (RFC 5424), one message each.
//!
//! The message is the note in base64 (RFC 4648 §4): collectors rewrite line ends and whatever is not
//! ASCII, and a signature does not survive that. Over TCP and TLS a connection carries one message
//! and is then closed, because only a collector that has seen the end of it has read the message;
//! there is no other answer. UDP has none at all.

use super::{Fault, Trust};
use super::{HostPort, Transport};
use data_encoding::BASE64;
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

/// How long a collector has to close its side. One that never does has read the message no less.
const FAREWELL: Duration = Duration::from_secs(2);

/// Most that is read of what a collector says, in bytes. None has anything to say.
const CHATTER: u64 = 4096;

/// A collector of syslog messages.
pub(super) struct Collector {
    place: HostPort,
    carrier: Carrier,
    /// This machine's name, as messages show it.
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
                unbroken(&stream)
            }
            Carrier::Tls(connector, name) => {
                let stream = self.connect().await?;
                let mut stream = connector.connect(name.clone(), stream).await?;
                deliver(&mut stream, &message).await?;
                unbroken(stream.get_ref().0)
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

/// One message with its length before it (RFC 6587 §3.4.1, RFC 5425 §4.3), and the end.
async fn deliver(mut stream: impl AsyncRead + AsyncWrite + Unpin, message: &str) -> io::Result<()> {
    stream.write_all(format!("{} {message}", message.len()).as_bytes()).await?;
    stream.shutdown().await?;
    let mut rest = Vec::new();
    match timeout(FAREWELL, stream.take(CHATTER).read_to_end(&mut rest)).await {
        // One that has read it and hangs up without a word of TLS.
        Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
        // What was not read is answered with a reset, an unwelcome client with an alert.
        Ok(Err(error)) => Err(error),
        Ok(Ok(_)) | Err(_) => Ok(()),
    }
}

/// Of a collector that hung up before there was anything to read, an end is all that is read; what
/// became of the message is only in the state of the socket.
fn unbroken(stream: &TcpStream) -> io::Result<()> {
    stream.take_error()?.map_or(Ok(()), Err)
}

/// `<109>1 TIME HOST fourauthd - checkpoint - BASE64`: no process id, no structured data.
fn message(hostname: &str, signed: &SignedCheckpoint) -> String {
    let note = BASE64.encode(signed.note.as_bytes());
    format!("<{PRIORITY}>1 {} {hostname} fourauthd - checkpoint - {note}", signed.ts_utc)
}

/// A name that fits a message: printable ASCII without spaces, `-` if there is none.
fn hostname(name: &str) -> String {
    let kept: String = name.chars().filter(char::is_ascii_graphic).take(MAX_HOSTNAME).collect();
    if kept.is_empty() { "-".to_owned() } else { kept }
}

/// Says where to, which is not secret.
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
    fn a_host_name_that_would_break_a_message_does_not() {
        assert_eq!(hostname("a b\n<0>1"), "ab<0>1");
        assert_eq!(hostname(""), "-");
        assert_eq!(hostname(&"x".repeat(300)).len(), 255);
    }
}
