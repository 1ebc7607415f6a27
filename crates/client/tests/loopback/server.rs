//! A TLS server with its own certificate, and one function that serves each connection.

use bytes::BytesMut;
use fourauth_client::{Client, Fingerprint, Roots, ServerAddress, Trust};
use fourauth_protocol::frame::{self, Decoder};
use rustls::{ServerConfig, SupportedProtocolVersion, crypto::aws_lc_rs, version};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

pub(crate) type Stream = TlsStream<TcpStream>;

pub(crate) struct Server {
    pub(crate) address: ServerAddress,
    pub(crate) pin: Fingerprint,
    pub(crate) pem: String,
}

impl Server {
    /// Serves each connection with `serve`, over TLS 1.3, with a certificate for `localhost`.
    pub(crate) async fn start<F>(serve: impl Fn(Stream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::start_with("localhost", &version::TLS13, serve).await
    }

    pub(crate) async fn start_with<F>(
        name: &str,
        tls: &'static SupportedProtocolVersion,
        serve: impl Fn(Stream) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let issued = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        let key =
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(issued.signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_protocol_versions(&[tls])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![issued.cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(accept(listener, TlsAcceptor::from(Arc::new(config)), serve));
        Self {
            address: ServerAddress::parse(&format!("localhost:{port}")).unwrap(),
            pin: Fingerprint::of(issued.cert.der()),
            pem: issued.cert.pem(),
        }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.address.clone(), Trust::Pin(self.pin))
    }

    pub(crate) fn client_with_short_timeout(&self) -> Client {
        Client::builder(self.address.clone(), Trust::Pin(self.pin))
            .answer_timeout(Duration::from_millis(100))
            .build()
    }

    pub(crate) fn roots(&self) -> Trust {
        Trust::Roots(Roots::from_pem(self.pem.as_bytes()).unwrap())
    }
}

async fn accept<F>(listener: TcpListener, tls: TlsAcceptor, serve: impl Fn(Stream) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    while let Ok((socket, _)) = listener.accept().await {
        if let Ok(stream) = tls.accept(socket).await {
            tokio::spawn(serve(stream));
        }
    }
}

/// Reads one whole request.
pub(crate) async fn request<S>(stream: &mut S, decoder: &mut Decoder) -> Vec<u8>
where
    S: AsyncRead + Unpin,
{
    let mut chunk = [0; 1024];
    loop {
        if let Some(payload) = decoder.next_payload().unwrap() {
            return payload.to_vec();
        }
        let length = stream.read(&mut chunk).await.unwrap();
        assert_ne!(length, 0, "the client hung up");
        decoder.push(&chunk[..length]);
    }
}

/// Sends `payload` as one frame.
pub(crate) async fn answer(stream: &mut (impl AsyncWrite + Unpin), payload: &str) {
    let mut frame = BytesMut::new();
    frame::encode(payload.as_bytes(), &mut frame).unwrap();
    raw(stream, &frame).await;
}

/// Sends bytes without framing.
pub(crate) async fn raw(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) {
    stream.write_all(bytes).await.unwrap();
    stream.flush().await.unwrap();
}

/// Answers every request with `payload`.
pub(crate) async fn always(mut stream: impl AsyncRead + AsyncWrite + Unpin, payload: &'static str) {
    let mut decoder = Decoder::default();
    let mut chunk = [0; 1024];
    while let Ok(length @ 1..) = stream.read(&mut chunk).await {
        decoder.push(&chunk[..length]);
        while decoder.next_payload().unwrap().is_some() {
            answer(&mut stream, payload).await;
        }
    }
}
