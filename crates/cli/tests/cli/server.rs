//! A server that records requests and gives one answer to all of them.

use bytes::BytesMut;
use fourauth_client::Fingerprint;
use fourauth_protocol::frame::{self, Decoder};
use rustls::{ServerConfig, crypto::aws_lc_rs, version::TLS13};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

pub(crate) struct Server {
    pub(crate) address: String,
    pub(crate) pin: String,
    pub(crate) pem: String,
    requests: Arc<Mutex<Vec<Value>>>,
    exception: Exception,
}

/// The command that gets another answer once, and that answer.
type Exception = Arc<Mutex<Option<(&'static str, &'static str)>>>;

impl Server {
    pub(crate) async fn start(answer: &'static str) -> Self {
        let issued = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key =
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(issued.signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_protocol_versions(&[&TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![issued.cert.der().clone()], key)
            .unwrap();
        let tls = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("localhost:{}", listener.local_addr().unwrap().port());
        let requests = Arc::default();
        let exception = Exception::default();
        let log = (Arc::clone(&requests), Arc::clone(&exception));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                if let Ok(stream) = tls.accept(socket).await {
                    tokio::spawn(serve(stream, answer, log.clone()));
                }
            }
        });
        let pin = Fingerprint::of(issued.cert.der()).to_string();
        Self { address, pin, pem: issued.cert.pem(), requests, exception }
    }

    /// Gives the next `command` this answer.
    pub(crate) fn answer_once_to(&self, command: &'static str, answer: &'static str) {
        *self.exception.lock().unwrap() = Some((command, answer));
    }

    /// The requests so far.
    pub(crate) fn requests(&self) -> Vec<Value> {
        self.requests.lock().unwrap().clone()
    }

    /// The only request, not counting greetings and device proofs before it.
    pub(crate) fn request(&self) -> Value {
        let mut requests = self.requests();
        let request = requests.pop().unwrap();
        let before = requests.iter().all(|one| matches!(one["cmd"].as_str(), Some("150" | "190")));
        assert!(before, "{requests:?}");
        request
    }
}

async fn serve(
    mut stream: TlsStream<TcpStream>,
    usual: &str,
    (log, exception): (Arc<Mutex<Vec<Value>>>, Exception),
) {
    let mut decoder = Decoder::default();
    let mut chunk = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut chunk).await {
        decoder.push(&chunk[..length]);
        while let Some(payload) = decoder.next_payload().unwrap() {
            let request: Value = serde_json::from_slice(&payload).unwrap();
            let is_it = |(command, _): &mut (&str, &str)| request["cmd"] == **command;
            let answer = exception.lock().unwrap().take_if(is_it).map_or(usual, |(_, other)| other);
            log.lock().unwrap().push(request);
            let mut frame = BytesMut::new();
            frame::encode(answer.as_bytes(), &mut frame).unwrap();
            stream.write_all(&frame).await.unwrap();
        }
    }
}
