//! A client that does as little as possible: it sends prepared bytes and looks only at the
//! beginning of an answer.

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use std::{net::SocketAddr, sync::Arc};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// How the payload of a granted command begins.
const GRANTED: &[u8] = br#"{"status":"ok""#;

/// Bytes in the length of a frame.
const HEADER: usize = 4;

/// One connection.
pub(crate) struct Peer {
    stream: TlsStream<TcpStream>,
    buffer: Vec<u8>,
}

impl Peer {
    /// Connects and performs a handshake.
    pub(crate) async fn connect(address: SocketAddr, tls: &Arc<ClientConfig>) -> Self {
        let socket = TcpStream::connect(address).await.expect("a connection");
        socket.set_nodelay(true).expect("an option of the socket");
        let name = ServerName::IpAddress(address.ip().into());
        let connecting = TlsConnector::from(Arc::clone(tls)).connect(name, socket);
        Self { stream: connecting.await.expect("a handshake"), buffer: vec![0; 8192] }
    }

    /// Sends a frame and waits for an answer that grants it.
    pub(crate) async fn exchange(&mut self, frame: &[u8]) {
        self.stream.write_all(frame).await.expect("sent");
        self.stream.flush().await.expect("flushed");
        let mut have = 0;
        while have < HEADER || have < HEADER + self.announced() {
            let room = &mut self.buffer[have..];
            have += match self.stream.read(room).await.expect("an answer") {
                0 => panic!("the server closed the connection"),
                count => count,
            };
        }
        assert!(self.buffer[HEADER..].starts_with(GRANTED), "the command was not granted");
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
