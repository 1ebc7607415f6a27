//! A connection before TLS: no byte is read ahead of the line that is waited for.
//!
//! lettre reads through a buffer and keeps it when TLS begins. An attacker on the path could put
//! answers behind the one to STARTTLS, and they would be taken for answers of the authenticated
//! relay (<https://nostarttls.secvuln.info/>). Read byte by byte, such answers stay in the socket,
//! where they break the handshake. The number of bytes is bounded too.

use lettre::transport::smtp::client::AsyncTokioStream;
use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// Most bytes before TLS: the greeting, the answer to EHLO and that to STARTTLS are about 500.
const MOST: u32 = 64 * 1024;

/// The first byte of a TLS record with a handshake (RFC 8446 §5.1). No command of SMTP begins with it.
const HANDSHAKE: u8 = 0x16;

/// A connection that may change to TLS.
#[derive(Debug)]
pub(crate) struct Cleartext {
    stream: TcpStream,
    /// Bytes that may still be read before TLS; `None` once it has begun.
    left: Option<u32>,
}

impl Cleartext {
    pub(crate) const fn new(stream: TcpStream) -> Self {
        Self { stream, left: Some(MOST) }
    }
}

impl AsyncRead for Cleartext {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(left) = self.left else {
            return Pin::new(&mut self.stream).poll_read(cx, buffer);
        };
        let Some(left) = left.checked_sub(1) else {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        };
        let mut byte = [0];
        let mut one = ReadBuf::new(&mut byte);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut one))?;
        buffer.put_slice(one.filled());
        self.left = Some(left);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Cleartext {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if bytes.first() == Some(&HANDSHAKE) {
            self.left = None;
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl AsyncTokioStream for Cleartext {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    async fn pair() -> (Cleartext, TcpStream) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (Cleartext::new(client), listener.accept().await.unwrap().0)
    }

    #[tokio::test]
    async fn before_tls_a_read_takes_one_byte_and_after_it_all() {
        let (mut client, mut server) = pair().await;
        server.write_all(b"220 x").await.unwrap();
        let mut buffer = [0; 64];
        assert_eq!(client.read(&mut buffer).await.unwrap(), 1);
        client.write_all(b"EHLO x\r\n").await.unwrap();
        assert_eq!(client.read(&mut buffer).await.unwrap(), 1);
        client.write_all(&[HANDSHAKE]).await.unwrap();
        assert_eq!(client.read(&mut buffer).await.unwrap(), 3);
    }

    #[tokio::test]
    async fn an_endless_line_before_tls_is_cut_off() {
        let (mut client, mut server) = pair().await;
        let flood = tokio::spawn(async move { server.write_all(&vec![b'2'; 200_000]).await });
        let mut read = Vec::new();
        assert!(client.read_to_end(&mut read).await.is_err());
        assert_eq!(read.len(), MOST as usize);
        drop(client);
        let _closed = flood.await.unwrap();
    }
}
