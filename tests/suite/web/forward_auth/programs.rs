//! nginx and Caddy with the configurations of `deploy`, in front of a gateway and of a service that shows
//! what it receives.

use crate::checked_in;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A proxy.
#[derive(Debug, Clone, Copy)]
pub(super) enum Program {
    Nginx,
    Caddy,
}

/// A proxy that runs until this value is dropped.
pub(super) struct Proxy {
    child: Child,
    folder: TempDir,
    pub(super) address: SocketAddr,
    /// The certificate of all its hosts.
    pub(super) certificate: String,
}

impl Proxy {
    /// Starts a program on `port`, with the configuration of `deploy` and other names, addresses and
    /// files.
    pub(super) async fn start(
        program: Program,
        port: u16,
        gateway: SocketAddr,
        service: SocketAddr,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let names = ["auth.example.test".to_owned(), "wiki.example.test".to_owned()];
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
        let certificate = cert.pem();
        fs::write(folder.path().join("chain.pem"), &certificate).unwrap();
        fs::write(folder.path().join("key.pem"), signing_key.serialize_pem()).unwrap();
        let (file, mut command) = match program {
            Program::Nginx => ("deploy/nginx/fourauth.conf", nginx(folder.path())),
            Program::Caddy => ("deploy/caddy/Caddyfile", caddy(folder.path())),
        };
        let example = fs::read_to_string(checked_in::path(file)).unwrap();
        let example = example
            .replace("example.org", "example.test")
            .replace("127.0.0.1:8080", &gateway.to_string())
            .replace("127.0.0.1:3000", &service.to_string());
        let whole = match program {
            Program::Nginx => nginx_configuration(&example, folder.path(), port),
            Program::Caddy => caddy_configuration(&example, folder.path(), port),
        };
        fs::write(folder.path().join("configuration"), whole).unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log).stdin(Stdio::null());
        let child = command.spawn().unwrap_or_else(|error| panic!("{program:?}: {error}"));
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut proxy = Self { child, folder, address, certificate };
        proxy.wait_until_it_listens().await;
        proxy
    }

    async fn wait_until_it_listens(&mut self) {
        let listens = async {
            while TcpStream::connect(self.address).await.is_err() {
                let ended = self.child.try_wait().unwrap();
                let log = || fs::read_to_string(self.folder.path().join("log")).unwrap();
                assert!(ended.is_none(), "the proxy ended: {}", log());
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), listens).await.expect("it listens");
    }
}

impl Drop for Proxy {
    #[expect(clippy::print_stderr, reason = "is shown with the failed test")]
    fn drop(&mut self) {
        // The test has its result already.
        let _killed = self.child.kill();
        let _ended = self.child.wait();
        if thread::panicking() {
            let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            eprintln!("the log of the proxy:\n{log}");
        }
    }
}

impl Proxy {
    /// What nginx has logged of requests.
    pub(super) fn access_log(&self) -> String {
        fs::read_to_string(self.folder.path().join("access.log")).unwrap()
    }
}

/// The program on `PATH`, or where Debian keeps those of servers.
fn program(name: &str) -> Command {
    let packaged = format!("/usr/sbin/{name}");
    Command::new(if Path::new(&packaged).exists() { packaged } else { name.to_owned() })
}

fn nginx(folder: &Path) -> Command {
    let mut command = program("nginx");
    command.arg("-p").arg(folder).arg("-c").arg(folder.join("configuration"));
    command.args(["-e", "stderr", "-g", "daemon off; master_process off;"]);
    command
}

fn caddy(folder: &Path) -> Command {
    let mut command = program("caddy");
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(folder.join("configuration"));
    command.env("XDG_DATA_HOME", folder).env("XDG_CONFIG_HOME", folder);
    command
}

fn nginx_configuration(example: &str, folder: &Path, port: u16) -> String {
    let example = example
        .replace(
            "listen 443 ssl;",
            &format!("listen 127.0.0.1:{port} ssl;\nlisten [::1]:{port} ssl;"),
        )
        .replace("/etc/nginx/tls", &folder.display().to_string())
        .replace("/var/log/nginx", &folder.display().to_string());
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = kinds.map(|kind| format!("{kind}_temp_path {kind};\n")).concat();
    format!("pid pid;\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}{example}}}\n")
}

fn caddy_configuration(example: &str, folder: &Path, port: u16) -> String {
    let folder = folder.display();
    let tls = format!("bind 127.0.0.1\n\ttls {folder}/chain.pem {folder}/key.pem\n");
    let example = ["auth", "wiki"].iter().fold(example.to_owned(), |text, name| {
        let host = format!("{name}.example.test");
        text.replace(&format!("\n{host} {{\n"), &format!("\n{host}:{port} {{\n\t{tls}"))
    });
    format!("{{\n\tadmin off\n\tauto_https off\n}}\n{example}")
}

/// A service that answers each request with the head that it received.
pub(super) struct Service {
    pub(super) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Service {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(show(stream));
            }
        });
        Self { address, task }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn show(mut stream: TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    let body = [b"THE SERVICE RECEIVED\n", &head[..]].concat();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let _sent = stream.write_all(&[answer.as_bytes(), &body].concat()).await;
}
