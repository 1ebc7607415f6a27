//! A peer that calls from any address of 127.0.0.0/8, says any bytes, and takes being cut off.

use anyhow::Context as _;
use bytes::BytesMut;
use fourauth_protocol::{
    answer::Answer,
    frame::{self, Decoder},
};
use fourauth_tests::raw;
use rustls::{ClientConfig, ClientConnection, client::Resumption};
use rustls_pki_types::ServerName;
use std::{
    io::{self, ErrorKind},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf},
    net::{TcpSocket, TcpStream},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// The question that anybody may ask.
pub(crate) const HELLO: &[u8] = br#"{"cmd":"190"}"#;

/// Knows the server's address. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Caller {
    tls: Arc<ClientConfig>,
    server: SocketAddr,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Peer {
    stream: TlsStream<TcpStream>,
    decoder: Decoder,
}

/// The address of the `index`th of many hosts. None is 127.0.0.1, which calls for other reasons.
pub(crate) fn host(index: u32) -> Ipv4Addr {
    let [_, _, high, low] = (index + 1).to_be_bytes();
    Ipv4Addr::new(127, 77, high, low)
}

impl Caller {
    /// Trusts whoever answers, and resumes no session: every handshake is a whole one.
    pub(crate) fn new(server: SocketAddr) -> Self {
        let mut tls = ClientConfig::clone(&raw::trusting());
        tls.resumption = Resumption::disabled();
        Self { tls: Arc::new(tls), server }
    }

    /// A socket.
    pub(crate) async fn socket(&self, from: Ipv4Addr) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((from, 0)))?;
        let socket = socket.connect(self.server).await?;
        socket.set_nodelay(true)?;
        Ok(socket)
    }

    /// A socket and a handshake.
    pub(crate) async fn open(&self, from: Ipv4Addr) -> io::Result<Peer> {
        self.open_after(from, &[]).await
    }

    /// The same after bytes that go in front of the handshake.
    pub(crate) async fn open_after(&self, from: Ipv4Addr, preamble: &[u8]) -> io::Result<Peer> {
        let mut socket = self.socket(from).await?;
        socket.write_all(preamble).await?;
        let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name(), socket).await?;
        Ok(Peer { stream, decoder: Decoder::default() })
    }

    /// The first bytes of a handshake.
    pub(crate) fn client_hello(&self) -> anyhow::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        ClientConnection::new(Arc::clone(&self.tls), name())?
            .write_tls(&mut bytes)
            .context("a handshake begins")?;
        Ok(bytes)
    }
}

fn name() -> ServerName<'static> {
    ServerName::IpAddress(IpAddr::from(Ipv4Addr::LOCALHOST).into())
}

impl Peer {
    /// Sends bytes as they are.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Sends a payload as a frame.
    pub(crate) async fn say(&mut self, payload: &[u8]) -> io::Result<()> {
        self.send(&framed(payload)).await
    }

    /// The next payload.
    pub(crate) async fn hear(&mut self) -> io::Result<Vec<u8>> {
        let mut chunk = [0; 4096];
        loop {
            if let Some(payload) = self.decoder.next_payload().map_err(io::Error::other)? {
                return Ok(payload.to_vec());
            }
            match self.stream.read(&mut chunk).await? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                count => self.decoder.push(&chunk[..count]),
            }
        }
    }

    /// Says one thing and hears what is said to it.
    pub(crate) async fn ask(&mut self, payload: &[u8]) -> io::Result<Answer> {
        self.say(payload).await?;
        Answer::from_json(&self.hear().await?).map_err(io::Error::other)
    }

    /// Both directions, each on its own.
    pub(crate) fn split(self) -> (ReadHalf<TlsStream<TcpStream>>, WriteHalf<TlsStream<TcpStream>>) {
        tokio::io::split(self.stream)
    }

    /// Waits until the server hangs up, however it does.
    pub(crate) async fn end(mut self) {
        let mut chunk = [0; 4096];
        while self.stream.read(&mut chunk).await.is_ok_and(|count| count > 0) {}
    }
}

/// A payload with its header.
pub(crate) fn framed(payload: &[u8]) -> BytesMut {
    let mut frame = BytesMut::new();
    // What is longer than a frame may be is sent by hand, where that is the point.
    if frame::encode(payload, &mut frame).is_err() {
        frame.clear();
    }
    frame
}
