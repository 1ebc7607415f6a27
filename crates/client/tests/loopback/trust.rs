//! Which servers the client trusts.

use crate::server::{Server, always};
use fourauth_client::{Client, Error, Fingerprint, Roots, ServerAddress, Trust};
use rustls::version;
use std::time::Duration;
use tokio::net::TcpListener;

const YES: &str = r#"{"status":"ok","message":"Login successful.","code":"ok"}"#;

async fn server() -> Server {
    Server::start(|stream| always(stream, YES)).await
}

async fn refusal(address: &ServerAddress, trust: Trust) -> Error {
    Client::new(address.clone(), trust).connect().await.unwrap_err()
}

#[tokio::test]
async fn the_pinned_server_is_trusted() {
    let server = server().await;
    assert!(server.client().connect().await.is_ok());
}

#[tokio::test]
async fn another_certificate_is_refused_and_its_fingerprint_shown() {
    let (server, other) = (server().await, server().await);
    let error = refusal(&server.address, Trust::Pin(other.pin)).await;
    assert!(matches!(error, Error::Untrusted(_)), "{error:?}");
    assert!(error.to_string().contains(&server.pin.to_string()), "{error}");
}

#[tokio::test]
async fn a_pinned_certificate_without_its_key_is_refused() {
    let server = server().await;
    let thief = thief::with_certificate_of(&server).await;
    let error = refusal(&thief, Trust::Pin(server.pin)).await;
    assert!(matches!(error, Error::Untrusted(_)), "{error:?}");
}

#[tokio::test]
async fn a_certificate_under_a_trusted_root_is_accepted() {
    let server = server().await;
    assert!(Client::new(server.address.clone(), server.roots()).connect().await.is_ok());
}

#[tokio::test]
async fn a_certificate_under_another_root_is_refused() {
    let (server, other) = (server().await, server().await);
    let error = refusal(&server.address, other.roots()).await;
    assert!(matches!(error, Error::Untrusted(_)), "{error:?}");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let server = Server::start_with("elsewhere.example", &version::TLS13, |s| always(s, YES)).await;
    let error = refusal(&server.address, server.roots()).await;
    assert!(matches!(error, Error::Untrusted(_)), "{error:?}");
}

#[tokio::test]
async fn roots_are_read_from_a_file() {
    let server = server().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &server.pem).unwrap();
    let trust = Trust::Roots(Roots::from_file(file.path()).unwrap());
    assert!(Client::new(server.address.clone(), trust).connect().await.is_ok());
}

#[tokio::test]
async fn tls_1_2_is_used_only_if_allowed() {
    let server = Server::start_with("localhost", &version::TLS12, |s| always(s, YES)).await;
    let error = refusal(&server.address, Trust::Pin(server.pin)).await;
    assert!(matches!(error, Error::Tls(_)), "{error:?}");

    let client = Client::builder(server.address.clone(), Trust::Pin(server.pin)).allow_tls12();
    assert!(client.build().connect().await.is_ok());
}

#[tokio::test]
async fn a_connect_timeout_differs_from_a_refused_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let address = ServerAddress::parse(&format!("127.0.0.1:{port}")).unwrap();
    let pin = Fingerprint::parse(&"ab".repeat(32)).unwrap();

    let client = Client::builder(address.clone(), Trust::Pin(pin))
        .connect_timeout(Duration::from_millis(100))
        .build();
    let error = client.connect().await.unwrap_err(); // The listener's backlog takes the socket.
    assert!(matches!(error, Error::ConnectTimeout), "{error:?}");

    drop(listener);
    let error = refusal(&address, Trust::Pin(pin)).await;
    assert!(matches!(error, Error::Connect(_)), "{error:?}");
}

/// An attacker with a copy of the server's certificate, which is public.
mod thief {
    use super::Server;
    use fourauth_client::ServerAddress;
    use rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        server::{ClientHello, ResolvesServerCert},
        sign::CertifiedKey,
    };
    use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject};
    use std::sync::Arc;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    #[derive(Debug)]
    struct Stolen(Arc<CertifiedKey>);

    impl ResolvesServerCert for Stolen {
        fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
            Some(self.0.clone())
        }
    }

    pub(super) async fn with_certificate_of(server: &Server) -> ServerAddress {
        let provider = aws_lc_rs::default_provider();
        let own = rcgen::KeyPair::generate().unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.serialize_der()));
        let key = provider.key_provider.load_private_key(key).unwrap();
        let certificate = CertificateDer::from_pem_slice(server.pem.as_bytes()).unwrap();
        let stolen = Stolen(Arc::new(CertifiedKey::new(vec![certificate], key)));
        let config = ServerConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(stolen));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (socket, _) = listener.accept().await.unwrap();
            let _refused = TlsAcceptor::from(Arc::new(config)).accept(socket).await;
        });
        ServerAddress::parse(&format!("localhost:{port}")).unwrap()
    }
}
