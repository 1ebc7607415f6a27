//! Cost of a token check compared with a bare TLS echo of frames of the same size, in CPU time of
//! one process that holds the client and the server.
//!
//! The limit: sixteen clients get at least 0.8 of the checks that they would get echoes, on SQLite.

use bytes::BytesMut;
use fourauth_client::Connection;
use fourauth_protocol::{
    command::{Authorise, Command},
    frame::{self, Decoder},
};
use fourauth_tests::server::TestServer;
use rustix::time::{ClockId, clock_gettime};
use rustls::{ServerConfig, crypto::aws_lc_rs, version::TLS13};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use std::{net::SocketAddr, path::Path, sync::Arc};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

/// Clients at the same time.
const CLIENTS: usize = 16;

/// Exchanges of each client in one measurement.
const EXCHANGES: usize = 500;

/// Measurements of each kind.
const TIMES: usize = 9;

/// Lower bound of the ratio.
const LIMIT: f64 = 0.8;

/// CPU time of this process, all threads, in microseconds.
fn cpu_us() -> f64 {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    #[expect(clippy::cast_precision_loss, reason = "a process lives for seconds")]
    let (seconds, nanos) = (now.tv_sec as f64, now.tv_nsec as f64);
    seconds * 1e6 + nanos / 1e3
}

/// A server that answers every frame with `answer`.
async fn echo(tls: &Path, answer: Vec<u8>) -> SocketAddr {
    let certificate = CertificateDer::from_pem_file(tls.join("cert.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(tls.join("key.pem")).expect("a key");
    let config = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_protocol_versions(&[&TLS13])
        .expect("TLS 1.3")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a certificate with its key");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let answer: Arc<[u8]> = answer.into();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(answer_all(acceptor.clone(), socket, Arc::clone(&answer)));
        }
    });
    address
}

async fn answer_all(acceptor: TlsAcceptor, socket: TcpStream, answer: Arc<[u8]>) {
    let _slow = socket.set_nodelay(true);
    let Ok(mut stream) = acceptor.accept(socket).await else { return };
    let (mut decoder, mut chunk) = (Decoder::default(), [0; 4096]);
    let mut frame = BytesMut::new();
    frame::encode(&answer, &mut frame).expect("a short answer");
    while let Ok(length @ 1..) = stream.read(&mut chunk).await {
        decoder.push(&chunk[..length]);
        while let Ok(Some(_)) = decoder.next_payload() {
            if stream.write_all(&frame).await.is_err() || stream.flush().await.is_err() {
                return;
            }
        }
    }
}

/// CPU microseconds of one exchange, with all connections at work.
async fn cost(connections: &mut Vec<Connection>, check: &Command) -> f64 {
    let before = cpu_us();
    let mut clients = JoinSet::new();
    for mut connection in connections.drain(..) {
        let check = check.clone();
        clients.spawn(async move {
            for _ in 0..EXCHANGES {
                assert!(connection.send(check.clone()).await.expect("an answer").is_ok());
            }
            connection
        });
    }
    *connections = clients.join_all().await;
    #[expect(clippy::cast_precision_loss, reason = "a few thousand exchanges")]
    let exchanges = (CLIENTS * EXCHANGES) as f64;
    (cpu_us() - before) / exchanges
}

async fn connect(server: &TestServer, address: SocketAddr) -> Vec<Connection> {
    let client = server.client_at(&address.to_string());
    let mut connections = Vec::new();
    for _ in 0..CLIENTS {
        connections.push(client.connect().await.expect("a connection"));
    }
    connections
}

fn median(mut costs: Vec<f64>) -> f64 {
    costs.sort_by(f64::total_cmp);
    costs[costs.len() / 2]
}

fn main() {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(1).enable_all().build().expect("a runtime");
    runtime.block_on(measure());
}

async fn measure() {
    let server = TestServer::configured(|config| {
        config.limits.connections_per_source = 4 * CLIENTS;
    })
    .await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let login = Command::Login(alice.login(server.now()));
    let session = server.client().send_once(login).await.expect("an answer");
    let token = session.body.token.expect("a token");
    let check = Command::Authorise(Authorise::new(token).device(alice.mac));
    let answer = server.client().send_once(check.clone()).await.expect("an answer");

    let tls = server.folder().join("data/tls");
    let echo = echo(&tls, answer.to_json().expose().clone()).await;
    let mut to_server = connect(&server, server.server().address()).await;
    let mut to_echo = connect(&server, echo).await;
    let (mut checks, mut echoes) = (Vec::new(), Vec::new());
    // Alternately, so that noise affects both.
    for _ in 0..TIMES {
        checks.push(cost(&mut to_server, &check).await);
        echoes.push(cost(&mut to_echo, &check).await);
    }
    let (check, echo) = (median(checks), median(echoes));
    let ratio = echo / check;
    println!("CPU microseconds, median of {TIMES}, {CLIENTS} clients included:");
    println!("  TLS echo of the same frames  {echo:7.2}");
    println!("  token check (130)            {check:7.2}");
    let verdict = if ratio >= LIMIT { "within" } else { "BEYOND" };
    println!("ratio {ratio:.3}, {verdict} the limit of {LIMIT}");
}
