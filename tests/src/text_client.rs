//! A client of the text protocol that can send any bytes.

use crate::raw::trusting;
use rustls_pki_types::{CertificateDer, ServerName};
use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// One connection. It carries one message.
pub struct TextClient {
    stream: Stream,
}

/// TLS or plain TCP.
enum Stream {
    Tls(Box<TlsStream<TcpStream>>),
    Plain(TcpStream),
}

impl fmt::Debug for TextClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextClient").finish_non_exhaustive()
    }
}

trait Both: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Both for T {}

impl TextClient {
    /// Connects with TLS, trusts any certificate and offers no protocol.
    ///
    /// # Panics
    ///
    /// If the server does not complete the handshake.
    pub async fn open(address: SocketAddr) -> Self {
        Self::open_after(address, Ipv4Addr::LOCALHOST, &[]).await.expect("a handshake")
    }

    /// Connects from an address of 127.0.0.0/8 with TLS, and sends `preamble` first, as a proxy does.
    ///
    /// # Errors
    ///
    /// If the server does not complete the handshake.
    pub async fn open_after(
        address: SocketAddr,
        from: Ipv4Addr,
        preamble: &[u8],
    ) -> io::Result<Self> {
        let mut socket = connect(address, from).await?;
        socket.write_all(preamble).await?;
        let name = ServerName::IpAddress(address.ip().into());
        let stream = TlsConnector::from(trusting()).connect(name, socket).await?;
        Ok(Self { stream: Stream::Tls(Box::new(stream)) })
    }

    /// Connects from an address of 127.0.0.0/8 without TLS.
    ///
    /// # Errors
    ///
    /// If there is no listener.
    pub async fn plain(address: SocketAddr, from: Ipv4Addr) -> io::Result<Self> {
        Ok(Self { stream: Stream::Plain(connect(address, from).await?) })
    }

    fn stream(&mut self) -> &mut dyn Both {
        match &mut self.stream {
            Stream::Tls(stream) => stream,
            Stream::Plain(stream) => stream,
        }
    }

    /// The certificate of the server.
    ///
    /// # Panics
    ///
    /// If the connection has no TLS.
    #[must_use]
    pub fn certificate(&self) -> CertificateDer<'static> {
        let Stream::Tls(stream) = &self.stream else { panic!("a connection without TLS") };
        let chain = stream.get_ref().1.peer_certificates().expect("a certificate");
        chain[0].clone().into_owned()
    }

    /// Sends bytes as one piece.
    ///
    /// # Errors
    ///
    /// If the server has closed the connection.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream().write_all(bytes).await?;
        self.stream().flush().await
    }

    /// Ends the direction to the server in order.
    ///
    /// # Errors
    ///
    /// If the server has closed the connection.
    pub async fn end(&mut self) -> io::Result<()> {
        self.stream().shutdown().await
    }

    /// Everything that the server sends until it closes the connection in order.
    ///
    /// # Errors
    ///
    /// If the connection is reset, or ends without the notice of TLS.
    pub async fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.stream().read_to_end(&mut bytes).await?;
        Ok(bytes)
    }

    /// Closes the socket without the notice of TLS.
    pub fn abort(self) {
        drop(self);
    }
}

async fn connect(address: SocketAddr, from: Ipv4Addr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((from, 0)))?;
    let stream = socket.connect(address).await?;
    // Each write is one segment, so that a byte arrives alone.
    stream.set_nodelay(true)?;
    Ok(stream)
}
