//! The program `fourauth-gateway`: a process of its own between visitors and a real server.

use super::{api::body, read};
use crate::{
    gateway::{portal, register, remove},
    traces::collector::Collector,
};
use fourauth_client::Identity;
use fourauth_protocol::command::Command as Order;
use fourauth_server::certificate::development;
use fourauth_tests::server::TestServer;
use reqwest::{Certificate, Client, StatusCode};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{
    fs::{self, Permissions},
    io::{BufRead as _, BufReader, Lines},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio},
    time::Duration,
};
use tempfile::TempDir;
use tokio::time::timeout;

/// How long a test waits for the program.
const PATIENCE: Duration = Duration::from_mins(1);

/// The address of the visitor, which is not that of the gateway.
const VISITOR: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// The files of a gateway.
struct Files {
    folder: TempDir,
}

/// A running gateway, which is killed at the end of its test.
struct Running {
    files: Files,
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
    address: SocketAddr,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Files {
    /// The files of the gateway `portal` with this key, in front of `server` with this trust. Its
    /// certificate is that of the server.
    fn of(server: &TestServer, trust: &str, identity: &Identity) -> Self {
        let files = Self { folder: tempfile::tempdir().unwrap() };
        files.present_as(server);
        identity.save(&files.path("gateway.key")).unwrap();
        let address = server.server().address();
        let text = format!(
            "server = '{address}'\n{trust}\nname = '{}'\nkey = 'gateway.key'\n\
             [tls]\ncertificate = 'cert.pem'\nprivate_key = 'key.pem'\n\
             [[web.listener]]\nbind = '127.0.0.1:0'\nresources = ['api', 'health', 'metrics']\n",
            portal()
        );
        fs::write(files.path("gateway.toml"), text).unwrap();
        files
    }

    /// Copies the certificate of a server and its key.
    fn present_as(&self, server: &TestServer) {
        for name in ["cert.pem", "key.pem"] {
            fs::copy(server.folder().join("data/tls").join(name), self.path(name)).unwrap();
        }
    }

    fn trace_to(&self, collector: &Collector) {
        let text = fs::read_to_string(self.path("gateway.toml")).unwrap();
        let log = format!("[log]\notlp_endpoint = '{}'\n", collector.url());
        self.add("gateway.toml", (text + &log).as_bytes());
    }

    fn add(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gateway-program"));
        command.args(["--config", "gateway.toml"]).current_dir(&self.folder).stdin(Stdio::null());
        command
    }

    fn check(&self) -> Output {
        self.command().arg("--check").output().unwrap()
    }

    fn start(self) -> Running {
        let mut child = self.command().stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let said = log.by_ref().map(Result::unwrap).find(|line| line.contains("serving HTTP"));
        let said = said.unwrap();
        let address = said.split("address=").nth(1).unwrap().split_whitespace().next().unwrap();
        Running { address: address.parse().unwrap(), files: self, child, log }
    }
}

impl Running {
    /// A client that trusts the certificate in `folder`.
    fn client(folder: &Path) -> Client {
        let certificate = Certificate::from_pem(&fs::read(folder.join("cert.pem")).unwrap());
        let client = Client::builder().tls_certs_only([certificate.unwrap()]).no_proxy();
        client.local_address(VISITOR).build().unwrap()
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.address.port())
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        let client = Self::client(self.files.folder.path());
        read(client.get(self.url(path)).send().await.unwrap()).await
    }

    async fn log_in(&self, order: &Order) -> (StatusCode, Value) {
        let client = Self::client(self.files.folder.path());
        let request = client.post(self.url("/api/v1/login")).body(body(order).to_string());
        let request = request.header("content-type", "application/json");
        read(request.send().await.unwrap()).await
    }

    /// Waits until a path is answered with this status.
    async fn until(&self, path: &str, status: StatusCode) {
        let answered = async { while self.get(path).await.0 != status {} };
        timeout(PATIENCE, answered).await.unwrap_or_else(|_| panic!("{path} is never {status}"));
    }

    /// Waits for the end of the process.
    async fn end(&mut self) -> ExitStatus {
        let ended = async {
            loop {
                match self.child.try_wait().unwrap() {
                    Some(status) => return status,
                    None => tokio::task::yield_now().await,
                }
            }
        };
        timeout(PATIENCE, ended).await.unwrap()
    }

    fn send(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }
}

/// The trust in the certificate of a server.
fn pin(server: &TestServer) -> String {
    format!("pin = '{}'", server.fingerprint())
}

/// A server with an account, its gateway, and a login that succeeds.
async fn serving() -> (TestServer, Running, Order) {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let identity = register(&server).await;
    let running = Files::of(&server, &pin(&server), &identity).start();
    let login = Order::Login(alice.login(server.now()));
    (server, running, login)
}

/// The actions of the audit log.
async fn actions(server: &TestServer) -> Vec<String> {
    server.audit().await.into_iter().map(|row| row.action.to_string()).collect()
}

#[tokio::test]
async fn a_login_passes_through_the_program() {
    let (server, running, login) = serving().await;
    let (status, answer) = running.log_in(&login).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let row = server.last_row().await;
    assert!(row.action == *"login" && row.success, "{row:?}");
    let detail = row.detail;
    assert!(detail.contains("via=portal") && detail.contains("peer=127.0.0.2"), "{detail}");
    let (status, answer) = running.get("/readyz").await;
    assert_eq!((status, &answer["checks"]["server"]), (StatusCode::OK, &Value::from("ok")));
}

#[tokio::test]
async fn a_server_with_another_pin_is_told_nothing() {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let identity = register(&server).await;
    let before = actions(&server).await;
    let other = format!("pin = '{}'", "ab".repeat(32));
    let mut running = Files::of(&server, &other, &identity).start();
    let (status, answer) = running.log_in(&Order::Login(alice.login(server.now()))).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
    assert_eq!(running.get("/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(actions(&server).await, before);
    let said = running.log.next().unwrap().unwrap();
    assert!(said.contains("cannot reach the server"), "{said}");
}

#[tokio::test]
async fn the_program_trusts_the_servers_of_an_authority() {
    let (server, other) = (TestServer::start().await, TestServer::start().await);
    let identity = register(&server).await;
    for (trusted, status) in [(&server, StatusCode::OK), (&other, StatusCode::SERVICE_UNAVAILABLE)]
    {
        let files = Files::of(&server, "ca = 'ca.pem'", &identity);
        files.add("ca.pem", &fs::read(trusted.folder().join("data/tls/cert.pem")).unwrap());
        assert_eq!(files.start().get("/readyz").await.0, status);
    }
}

#[tokio::test]
async fn the_program_recovers_when_the_server_returns() {
    let (server, running, login) = serving().await;
    let (address, now) = (server.server().address(), server.now());
    assert_eq!(running.get("/readyz").await.0, StatusCode::OK);
    let folder = server.stop().await;
    running.until("/readyz", StatusCode::SERVICE_UNAVAILABLE).await;
    let (status, answer) = running.log_in(&login).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");

    let server = TestServer::start_in(folder, |config| config.listen = address).await;
    assert_eq!(server.now(), now);
    running.until("/readyz", StatusCode::OK).await;
    let (status, answer) = running.log_in(&login).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

#[tokio::test]
async fn a_removed_gateway_serves_no_login() {
    let (server, running, login) = serving().await;
    assert_eq!(running.get("/api/v1/hello").await.0, StatusCode::OK);
    remove(&server).await;
    let (status, answer) = running.log_in(&login).await;
    assert_eq!(status, StatusCode::BAD_GATEWAY, "{answer}");
    running.until("/api/v1/hello", StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!(running.log_in(&login).await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!actions(&server).await.contains(&"login".to_owned()));
}

#[tokio::test]
async fn signals_reload_the_certificate_and_end_the_program() {
    let (_server, mut running, _) = serving().await;
    let other = TestServer::start().await;
    let seen = Running::client(running.files.folder.path());
    assert!(seen.get(running.url("/livez")).send().await.is_ok());
    running.files.present_as(&other);
    running.send(Signal::HUP);
    // The client of each request trusts the new certificate only.
    let client = Running::client(running.files.folder.path());
    let reloaded = async { while client.get(running.url("/livez")).send().await.is_err() {} };
    timeout(PATIENCE, reloaded).await.unwrap();

    running.send(Signal::TERM);
    assert!(running.end().await.success());
}

#[tokio::test]
async fn the_program_sends_its_last_spans_before_it_ends() {
    let server = TestServer::start().await;
    let identity = register(&server).await;
    let mut collector = Collector::start().await;
    let files = Files::of(&server, &pin(&server), &identity);
    files.trace_to(&collector);
    let mut running = files.start();
    assert_eq!(running.get("/readyz").await.0, StatusCode::OK);
    running.send(Signal::TERM);
    assert!(running.end().await.success());
    collector.until(|it| it.span.name == "/readyz").await;
    let span = &collector.named("/readyz")[0];
    let status = span.fields["http.response.status_code"].as_str();
    assert_eq!((status, span.service.as_str()), ("200", "fourauth-gateway"));
}

#[tokio::test]
async fn the_program_ends_although_its_collector_hangs() {
    let server = TestServer::start().await;
    let identity = register(&server).await;
    let mut collector = Collector::hanging().await;
    let files = Files::of(&server, &pin(&server), &identity);
    files.trace_to(&collector);
    let mut running = files.start();
    assert_eq!(running.get("/readyz").await.0, StatusCode::OK);
    // Control: the collector has read a request, and never answers it.
    collector.receive().await;
    assert_eq!(running.get("/readyz").await.0, StatusCode::OK);
    running.send(Signal::TERM);
    assert!(running.end().await.success());
    let mut said = running.log.by_ref().map(Result::unwrap);
    assert!(said.any(|line| line.contains("did not take the last spans")));
}

#[tokio::test]
async fn a_check_shows_the_key_and_refuses_one_that_others_can_read() {
    let server = TestServer::start().await;
    let identity = Identity::generate().unwrap();
    let files = Files::of(&server, &pin(&server), &identity);
    let shown = files.check();
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.status.success() && text.contains(&identity.key().to_string()), "{text}");
    for name in ["gateway.key", "key.pem"] {
        fs::set_permissions(files.path(name), Permissions::from_mode(0o644)).unwrap();
        let refused = files.check();
        let text = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && text.contains(name), "{text}");
        assert!(text.contains("0600") || text.contains("chmod 600"), "{text}");
        fs::set_permissions(files.path(name), Permissions::from_mode(0o600)).unwrap();
    }
    assert!(files.check().status.success(), "the control");
}

#[tokio::test]
async fn an_expired_certificate_ends_readiness_of_a_gateway() {
    let (_server, mut running, _) = serving().await;
    let (status, answer) = running.get("/readyz").await;
    assert_eq!((status, &answer["checks"]["certificate"]), (StatusCode::OK, &Value::from("ok")));
    let expired = development(&[], time::OffsetDateTime::UNIX_EPOCH).unwrap();
    running.files.add("cert.pem", expired.certificate.as_bytes());
    running.files.add("key.pem", expired.private_key.as_bytes());
    let said = String::from_utf8(running.files.check().stderr).unwrap();
    assert!(said.contains("warning: cert.pem has expired"), "{said}");
    running.send(Signal::HUP);
    let said = running.log.by_ref().map(Result::unwrap).find(|line| line.contains("has expired"));
    assert!(said.unwrap().contains("renew the certificate and send SIGHUP"));
    // A client that does not care, as a supervisor on the same machine may be.
    let client = Client::builder().tls_danger_accept_invalid_certs(true).no_proxy();
    let asked = client.build().unwrap().get(running.url("/readyz")).send().await.unwrap();
    let (status, answer) = read(asked).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let check = answer["checks"]["certificate"].as_str().unwrap();
    assert!(check.starts_with("failing: cert.pem has expired"), "{answer}");
}
