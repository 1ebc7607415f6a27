//! A peer that connects from any address of 127.0.0.0/8, sends any bytes, and tolerates being
//! disconnected.

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
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf},
    net::{TcpSocket, TcpStream},
    time::sleep,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// The command that needs no authentication.
pub(crate) const HELLO: &[u8] = br#"{"cmd":"190"}"#;

/// Pause between two bytes of a slow peer.
const DRIP: Duration = Duration::from_millis(700);

/// Connects to one server. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Caller {
    tls: Arc<ClientConfig>,
    server: SocketAddr,
    /// Bytes that the system receives for it before they are read; `None` for the usual number.
    receive_buffer: Option<u32>,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Peer {
    stream: TlsStream<TcpStream>,
    decoder: Decoder,
}

/// The address of the `index`th host. Never 127.0.0.1, which has other uses.
pub(crate) fn host(index: u32) -> Ipv4Addr {
    let [_, _, high, low] = (index + 1).to_be_bytes();
    Ipv4Addr::new(127, 77, high, low)
}

impl Caller {
    /// Accepts any certificate and resumes no TLS session, so that every handshake is a full one.
    pub(crate) fn new(server: SocketAddr) -> Self {
        Self::speaking(server, &[])
    }

    /// The same, with these protocols in ALPN.
    pub(crate) fn speaking(server: SocketAddr, protocols: &[&[u8]]) -> Self {
        let mut tls = ClientConfig::clone(&raw::trusting());
        tls.resumption = Resumption::disabled();
        tls.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Self { tls: Arc::new(tls), server, receive_buffer: None }
    }

    /// The same caller with little room for what it does not read.
    pub(crate) fn with_little_room(self) -> Self {
        const ROOM: u32 = 4096;
        Self { receive_buffer: Some(ROOM), ..self }
    }

    /// Opens a TCP connection.
    pub(crate) async fn socket(&self, from: Ipv4Addr) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        if let Some(size) = self.receive_buffer {
            socket.set_recv_buffer_size(size)?;
        }
        socket.bind(SocketAddr::from((from, 0)))?;
        let socket = socket.connect(self.server).await?;
        socket.set_nodelay(true)?;
        Ok(socket)
    }

    /// Opens a TCP connection and performs a handshake.
    pub(crate) async fn open(&self, from: Ipv4Addr) -> io::Result<Peer> {
        self.open_after(from, &[]).await
    }

    /// The same, with bytes sent before the handshake.
    pub(crate) async fn open_after(&self, from: Ipv4Addr, preamble: &[u8]) -> io::Result<Peer> {
        let mut socket = self.socket(from).await?;
        socket.write_all(preamble).await?;
        let stream = self.shake_hands(socket).await?;
        Ok(Peer { stream, decoder: Decoder::default() })
    }

    /// Opens a TCP connection and performs a handshake, for bytes that are no frames.
    pub(crate) async fn stream(&self, from: Ipv4Addr) -> io::Result<TlsStream<TcpStream>> {
        self.shake_hands(self.socket(from).await?).await
    }

    async fn shake_hands(&self, socket: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        TlsConnector::from(Arc::clone(&self.tls)).connect(name(), socket).await
    }

    /// The first bytes of a handshake.
    pub(crate) fn client_hello(&self) -> anyhow::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        ClientConnection::new(Arc::clone(&self.tls), name())?
            .write_tls(&mut bytes)
            .context("cannot write a ClientHello")?;
        Ok(bytes)
    }
}

fn name() -> ServerName<'static> {
    ServerName::IpAddress(IpAddr::from(Ipv4Addr::LOCALHOST).into())
}

impl Peer {
    /// Sends raw bytes.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Sends a payload as a frame.
    pub(crate) async fn say(&mut self, payload: &[u8]) -> io::Result<()> {
        self.send(&framed(payload)).await
    }

    /// Receives the next payload.
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

    /// Sends a payload and receives the answer.
    pub(crate) async fn ask(&mut self, payload: &[u8]) -> io::Result<Answer> {
        self.say(payload).await?;
        Answer::from_json(&self.hear().await?).map_err(io::Error::other)
    }

    /// Splits the connection into its two directions.
    pub(crate) fn split(self) -> (ReadHalf<TlsStream<TcpStream>>, WriteHalf<TlsStream<TcpStream>>) {
        tokio::io::split(self.stream)
    }

    /// Waits until the server closes the connection in any way.
    pub(crate) async fn end(mut self) {
        let mut chunk = [0; 4096];
        while self.stream.read(&mut chunk).await.is_ok_and(|count| count > 0) {}
    }
}

/// Sends one byte at a time and then nothing, until the server closes the connection.
pub(crate) async fn until_closed<R, W>(mut reader: R, mut writer: W, bytes: Vec<u8>)
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let dripping = async {
        for byte in bytes {
            if writer.write_all(&[byte]).await.is_err() || writer.flush().await.is_err() {
                break;
            }
            sleep(DRIP).await;
        }
        std::future::pending::<()>().await;
    };
    let mut chunk = [0; 1024];
    let reading = async { while reader.read(&mut chunk).await.is_ok_and(|count| count > 0) {} };
    tokio::select! {
        () = dripping => {}
        () = reading => {}
    }
}

/// A payload with its header. Empty if the payload is too long.
pub(crate) fn framed(payload: &[u8]) -> BytesMut {
    let mut frame = BytesMut::new();
    // Runs that need a longer frame write its header themselves.
    if frame::encode(payload, &mut frame).is_err() {
        frame.clear();
    }
    frame
}
