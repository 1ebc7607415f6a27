//! A TLS connection that can send arbitrary bytes.

use bytes::BytesMut;
use fourauth_protocol::{
    answer::Answer,
    device::{EXPORTER_BYTES, EXPORTER_LABEL},
    frame::{self, Decoder},
};
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// A connection that need not follow the protocol.
#[derive(Debug)]
pub struct RawConnection {
    stream: TlsStream<TcpStream>,
    decoder: Decoder,
}

impl RawConnection {
    /// Connects to a server in the same process, and trusts any certificate.
    ///
    /// # Panics
    ///
    /// If no server listens there.
    pub async fn open(address: SocketAddr) -> Self {
        Self::open_from(Ipv4Addr::LOCALHOST, address).await
    }

    /// Connects from one of the addresses of 127.0.0.0/8.
    ///
    /// # Panics
    ///
    /// If no server listens there, or `from` is outside that network.
    pub async fn open_from(from: Ipv4Addr, address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from((from, 0))).expect("an address");
        let stream = socket.connect(address).await.expect("a connection");
        Self::shake_hands(stream, address).await.expect("a handshake")
    }

    /// Connects and sends `preamble` before the handshake, as a proxy does.
    ///
    /// # Errors
    ///
    /// If the server does not complete the handshake.
    ///
    /// # Panics
    ///
    /// If no server listens there.
    pub async fn open_after(address: SocketAddr, preamble: &[u8]) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address).await.expect("a socket");
        stream.write_all(preamble).await?;
        Self::shake_hands(stream, address).await
    }

    async fn shake_hands(stream: TcpStream, address: SocketAddr) -> io::Result<Self> {
        let name = ServerName::IpAddress(address.ip().into());
        let stream = TlsConnector::from(trusting()).connect(name, stream).await?;
        Ok(Self { stream, decoder: Decoder::default() })
    }

    /// The keying material that only the two ends of this connection know (RFC 9266).
    ///
    /// # Panics
    ///
    /// Never: the handshake is complete.
    #[must_use]
    pub fn exporter(&self) -> [u8; EXPORTER_BYTES] {
        let (_, tls) = self.stream.get_ref();
        tls.export_keying_material([0; EXPORTER_BYTES], EXPORTER_LABEL, Some(&[]))
            .expect("a completed handshake has an exporter")
    }

    /// Sends bytes unchanged.
    ///
    /// # Panics
    ///
    /// If the server has closed the connection.
    pub async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("sent");
        self.stream.flush().await.expect("flushed");
    }

    /// Sends a payload as one frame.
    ///
    /// # Panics
    ///
    /// If the server has closed the connection.
    pub async fn send_payload(&mut self, payload: &[u8]) {
        let mut out = BytesMut::new();
        frame::encode(payload, &mut out).expect("the payload fits in a frame");
        self.send(&out).await;
    }

    /// The next answer, or `None` if the server has closed the connection.
    ///
    /// # Panics
    ///
    /// If the payload is not an answer.
    pub async fn answer(&mut self) -> Option<Answer> {
        let payload = self.payload().await?;
        Some(Answer::from_json(&payload).expect("an answer"))
    }

    /// The next payload, or `None` if the server has closed the connection.
    ///
    /// # Panics
    ///
    /// If the server sends bytes that are not a frame.
    pub async fn payload(&mut self) -> Option<Vec<u8>> {
        let mut chunk = [0; 4096];
        loop {
            if let Some(payload) = self.decoder.next_payload().expect("a frame") {
                return Some(payload.to_vec());
            }
            match self.stream.read(&mut chunk).await {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.decoder.push(&chunk[..count]),
            }
        }
    }

    /// Sends a payload and waits for its answer.
    ///
    /// # Panics
    ///
    /// If the server closes the connection instead.
    pub async fn ask(&mut self, payload: &str) -> Answer {
        self.send_payload(payload.as_bytes()).await;
        self.answer().await.expect("an answer")
    }
}

/// A TLS configuration that accepts any certificate.
///
/// # Panics
///
/// Never: the provider supports the default versions.
#[must_use]
pub fn trusting() -> Arc<ClientConfig> {
    Arc::new(trusting_with(aws_lc_rs::default_provider()))
}

/// As [`trusting`], with the algorithms of `provider`.
///
/// # Panics
///
/// If the provider has no algorithm of a default version.
#[must_use]
pub fn trusting_with(provider: CryptoProvider) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone))
        .with_no_client_auth()
}

/// Accepts any certificate: these tests check the server, not the client.
#[derive(Debug)]
struct Anyone;

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
