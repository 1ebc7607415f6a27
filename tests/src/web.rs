//! A real server with a gateway in front of it, and connections that can send any bytes to it.

use crate::{models, raw, server::TestServer};
use fourauth_config::{Config, WebConfig, WebListener, WebResource};
use fourauth_face::Engine;
use fourauth_gateway::{Gateway, TextsOf, texts};
use reqwest::{Certificate, Client, Method, RequestBuilder};
use rustls_pki_types::ServerName;
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::Arc,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};
use tokio_rustls::TlsConnector;

/// What each listener of a [`WebServer`] serves.
pub const ALL: [WebResource; 4] =
    [WebResource::Api, WebResource::Compat, WebResource::Health, WebResource::Metrics];

/// A server, and a gateway with two listeners: the first with TLS, the second without.
#[derive(Debug)]
pub struct WebServer {
    server: TestServer,
    gateway: Gateway,
    client: Client,
}

/// A free port of this machine.
///
/// # Panics
///
/// If there is none.
#[must_use]
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// A configuration with both listeners.
#[must_use]
pub fn listeners() -> WebConfig {
    let listener = |tls| WebListener {
        bind: SocketAddr::from(([127, 0, 0, 1], 0)),
        tls,
        resources: ALL.into(),
    };
    WebConfig {
        listener: vec![listener(true), listener(false)],
        connections_per_source: 1000,
        ..WebConfig::default()
    }
}

impl WebServer {
    /// A server with listeners that serve everything.
    pub async fn start() -> Self {
        Self::configured(|_| {}).await
    }

    /// As [`start`](Self::start), after `change` to the configuration.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn configured(change: impl FnOnce(&mut Config)) -> Self {
        Self::with_engine(models::engine(), change).await
    }

    /// As [`configured`](Self::configured), with other texts on the pages for people.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn with_texts(texts: TextsOf, change: impl FnOnce(&mut Config)) -> Self {
        Self::with(models::engine(), texts, change).await
    }

    /// As [`with_texts`](Self::with_texts), with an engine that does not judge liveness.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn without_liveness(texts: TextsOf, change: impl FnOnce(&mut Config)) -> Self {
        Self::with(models::engine_without_liveness(), texts, change).await
    }

    /// As [`configured`](Self::configured), with an engine of other networks.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn with_engine(engine: Arc<Engine>, change: impl FnOnce(&mut Config)) -> Self {
        Self::with(engine, texts, change).await
    }

    async fn with(engine: Arc<Engine>, texts: TextsOf, change: impl FnOnce(&mut Config)) -> Self {
        let mut of_gateway = None;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let server = TestServer::start_with(engine, folder, |config| {
            config.web = listeners();
            change(config);
            of_gateway = Some(config.clone());
        })
        .await;
        let config = of_gateway.expect("a configuration");
        let gateway = fourauthd::web::start_with(&config, server.server(), texts);
        let gateway = gateway.await.expect("it starts");
        let pem = fs::read(config.certificate_file()).expect("a certificate");
        let certificate = Certificate::from_pem(&pem).expect("a certificate");
        let client = Client::builder().tls_certs_only([certificate]).no_proxy();
        let client = client.build().expect("a client");
        Self { server, gateway, client }
    }

    /// The server behind the gateway.
    #[must_use]
    pub const fn server(&self) -> &TestServer {
        &self.server
    }

    /// The address of the listener with TLS.
    #[must_use]
    pub fn tls_address(&self) -> SocketAddr {
        self.gateway.addresses()[0]
    }

    /// The address of the listener without TLS.
    #[must_use]
    pub fn plain_address(&self) -> SocketAddr {
        self.gateway.addresses()[1]
    }

    /// A client that trusts the certificate of the server.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// A request over TLS.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("https://localhost:{}{path}", self.tls_address().port()))
    }

    /// A `GET` over TLS.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    /// A `POST` of JSON over TLS.
    pub fn post(&self, path: &str, body: &str) -> RequestBuilder {
        self.request(Method::POST, path)
            .header("content-type", "application/json")
            .body(body.to_owned())
    }

    /// A TCP connection from one of the addresses of 127.0.0.0/8 to the listener without TLS.
    ///
    /// # Panics
    ///
    /// If the connection fails.
    pub async fn plain_from(&self, from: [u8; 4]) -> RawHttp<TcpStream> {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from((from, 0))).expect("an address");
        RawHttp(socket.connect(self.plain_address()).await.expect("a connection"))
    }

    /// A TCP connection to the listener without TLS.
    pub async fn plain(&self) -> RawHttp<TcpStream> {
        self.plain_from([127, 0, 0, 1]).await
    }

    /// A TLS connection that agreed on one of `protocols`.
    ///
    /// # Panics
    ///
    /// If the handshake fails.
    pub async fn tls(
        &self,
        protocols: &[&[u8]],
    ) -> RawHttp<tokio_rustls::client::TlsStream<TcpStream>> {
        let mut config = raw::trusting().as_ref().clone();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        let stream = TcpStream::connect(self.tls_address()).await.expect("a connection");
        let name = ServerName::try_from("localhost").expect("a name");
        let connector = TlsConnector::from(Arc::new(config));
        RawHttp(connector.connect(name, stream).await.expect("a handshake"))
    }

    /// Stops the gateway and then the server.
    pub async fn stop(self) -> TempDir {
        self.gateway.stop().await;
        self.server.stop().await
    }
}

/// A connection that can send bytes that are not HTTP.
#[derive(Debug)]
pub struct RawHttp<S>(pub S);

impl<S: AsyncRead + AsyncWrite + Unpin> RawHttp<S> {
    /// Sends bytes unchanged. False if the server has closed the connection.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.0.write_all(bytes.as_ref()).await.is_ok() && self.0.flush().await.is_ok()
    }

    /// Everything until the server closes the connection.
    pub async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        // A reset ends it as well.
        let _end = self.0.read_to_end(&mut bytes).await;
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Sends bytes, and returns everything until the server closes the connection.
    pub async fn ask(&mut self, bytes: impl AsRef<[u8]>) -> String {
        self.send(bytes).await;
        self.rest().await
    }

    /// One answer with a length, and its body.
    ///
    /// # Panics
    ///
    /// If the server closes the connection before.
    pub async fn answer(&mut self) -> String {
        let mut text = String::new();
        loop {
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.to_lowercase();
                let length = length.split("content-length: ").nth(1).expect("a length");
                let length: usize =
                    length.lines().next().unwrap_or_default().parse().expect("a number");
                if body.len() >= length {
                    return text;
                }
            }
            let mut chunk = [0; 1024];
            let count = self.0.read(&mut chunk).await.expect("bytes");
            assert_ne!(count, 0, "closed after {text:?}");
            text.push_str(&String::from_utf8_lossy(&chunk[..count]));
        }
    }
}
