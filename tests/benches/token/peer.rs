//! A client that does as little as possible: it sends prepared bytes and looks only at the
//! beginning of an answer.

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};
use tokio_rustls::TlsConnector;

/// How the payload of a granted command begins.
const GRANTED: &[u8] = br#"{"status":"ok""#;

/// How an answer of HTTP that grants begins.
const OK: &[u8] = b"HTTP/1.1 200 OK\r\n";

/// Bytes in the length of a frame.
const HEADER: usize = 4;

/// The address of clients that are proxies.
pub(crate) const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// What a client speaks.
#[derive(Debug, Clone)]
pub(crate) enum Speaks {
    /// Frames over TLS.
    Frames(Arc<ClientConfig>),
    /// HTTP/1.1 over TLS.
    Https(Arc<ClientConfig>),
    /// HTTP/1.1 without TLS, from the address of a proxy.
    Http,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// One connection.
pub(crate) struct Peer {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
    speaks: Speaks,
}

impl Peer {
    /// Connects and performs a handshake.
    pub(crate) async fn connect(address: SocketAddr, speaks: &Speaks) -> Self {
        let stream: Box<dyn Stream> = match speaks {
            Speaks::Frames(tls) | Speaks::Https(tls) => {
                let name = ServerName::IpAddress(address.ip().into());
                let socket = TcpStream::connect(address).await.expect("a connection");
                socket.set_nodelay(true).expect("an option of the socket");
                let connecting = TlsConnector::from(Arc::clone(tls)).connect(name, socket);
                Box::new(connecting.await.expect("a handshake"))
            }
            Speaks::Http => {
                let socket = TcpSocket::new_v4().expect("a socket");
                socket.bind(SocketAddr::from((PROXY, 0))).expect("an address of this machine");
                let socket = socket.connect(address).await.expect("a connection");
                socket.set_nodelay(true).expect("an option of the socket");
                Box::new(socket)
            }
        };
        Self { stream, buffer: vec![0; 8192], speaks: speaks.clone() }
    }

    /// Sends a request and waits for an answer that grants it.
    pub(crate) async fn exchange(&mut self, request: &[u8]) {
        self.stream.write_all(request).await.expect("sent");
        self.stream.flush().await.expect("flushed");
        let mut have = 0;
        while !self.is_whole(have) {
            let room = &mut self.buffer[have..];
            have += match self.stream.read(room).await.expect("an answer") {
                0 => panic!("the server closed the connection"),
                count => count,
            };
        }
        let answer = &self.buffer[..have];
        let (start, expected) = match self.speaks {
            Speaks::Frames(_) => (HEADER, GRANTED),
            Speaks::Https(_) | Speaks::Http => (0, OK),
        };
        assert!(answer[start..].starts_with(expected), "{}", String::from_utf8_lossy(answer));
    }

    /// True if the first `have` bytes are an answer.
    fn is_whole(&self, have: usize) -> bool {
        match self.speaks {
            Speaks::Frames(_) => have >= HEADER && have >= HEADER + self.announced(),
            // A body is written together with its head, and is short.
            Speaks::Https(_) | Speaks::Http => {
                let answer = &self.buffer[..have];
                answer.windows(4).any(|bytes| bytes == b"\r\n\r\n")
            }
        }
    }

    fn announced(&self) -> usize {
        let header = self.buffer.first_chunk().expect("the buffer is longer");
        u32::from_be_bytes(*header) as usize
    }

    /// Closes in order, and waits until the server has closed too.
    pub(crate) async fn close(mut self) {
        self.stream.shutdown().await.expect("closed");
        while let Ok(1..) = self.stream.read(&mut self.buffer).await {}
    }
}
