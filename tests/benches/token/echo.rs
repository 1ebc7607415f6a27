//! The bare TLS echo: the least that a server can do for a frame.

use bytes::BytesMut;
use fourauth_protocol::frame::{self, Decoder};
use rustls::{ServerConfig, crypto::aws_lc_rs, version::TLS13};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use std::{net::SocketAddr, path::Path, sync::Arc};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

/// Serves every frame with `answer`, with the certificate in the folder `tls`. It runs as long as
/// its runtime.
pub(crate) async fn start(tls: &Path, answer: &[u8]) -> SocketAddr {
    let acceptor = TlsAcceptor::from(Arc::new(config(tls)));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut frame = BytesMut::new();
    frame::encode(answer, &mut frame).expect("a short answer");
    let frame: Arc<[u8]> = frame.to_vec().into();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(answer_all(acceptor.clone(), socket, Arc::clone(&frame)));
        }
    });
    address
}

fn config(tls: &Path) -> ServerConfig {
    let certificate = CertificateDer::from_pem_file(tls.join("cert.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(tls.join("key.pem")).expect("a key");
    ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_protocol_versions(&[&TLS13])
        .expect("TLS 1.3")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a certificate with its key")
}

/// Answers until the peer closes, and closes in order as the server does.
async fn answer_all(acceptor: TlsAcceptor, socket: TcpStream, frame: Arc<[u8]>) {
    let _slow = socket.set_nodelay(true);
    let Ok(mut stream) = acceptor.accept(socket).await else { return };
    let (mut decoder, mut chunk) = (Decoder::default(), [0; 4096]);
    while let Ok(length @ 1..) = stream.read(&mut chunk).await {
        decoder.push(&chunk[..length]);
        while let Ok(Some(_)) = decoder.next_payload() {
            if stream.write_all(&frame).await.is_err() || stream.flush().await.is_err() {
                return;
            }
        }
    }
    let _gone = stream.shutdown().await;
}
