//! The process with the server and the echo, and the handle of the process that measures it.
//!
//! The two speak in lines: the service says on its output where it listens and which payloads to
//! send, and then answers each line of its input.

use crate::{
    echo,
    http::{self, Web},
    peer::PROXY,
    report::cpu_us,
    table::{self, Figures},
};
use fourauth_config::{LimitsConfig, LogConfig, WebResource};
use fourauth_daemon::logging;
use fourauth_gateway::Gateway;
use fourauth_protocol::{
    audience::Audience,
    command::{Authorise, Command, ExchangeToken, Hello},
};
use fourauth_store::Location;
use fourauth_tests::{postgres, raw::RawConnection, server::TestServer, web};
use hyper::header::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    io::{BufRead as _, BufReader, Lines, Write as _, stdin},
    net::SocketAddr,
    process::{Child, ChildStdin, ChildStdout, Stdio},
    sync::Arc,
    time::Duration,
};

/// The argument that makes this program the service.
pub(crate) const SERVE: &str = "serve";

/// The services that the gateway answers for.
const SERVICES: &str = "domain = 'example.test'\n[[rule]]\nhosts = ['wiki.example.test']";

const CPU: &str = "cpu";
const TABLE: &str = "table";

/// How often the clock of the server is moved.
const TICK: Duration = Duration::from_millis(10);

/// The database of the server.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
}

impl Database {
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "PostgreSQL" => Self::Postgres,
            _ => Self::Sqlite,
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// Where the service listens, and what to send.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ready {
    pub(crate) fourauth: SocketAddr,
    /// The echo with the answer to `check`.
    pub(crate) echo_of_check: SocketAddr,
    /// The echo with the answer to `hello`.
    pub(crate) echo_of_hello: SocketAddr,
    /// The payload of a 130.
    pub(crate) check: String,
    /// The payload of a 190.
    pub(crate) hello: String,
    /// HTTP.
    pub(crate) web: Web,
}

/// The handle of a service. Dropping it ends the service.
pub(crate) struct Service {
    process: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
}

impl Service {
    /// Starts a service on one core.
    pub(crate) fn start(database: Database, core: usize) -> (Self, Ready) {
        let program = std::env::current_exe().expect("the path of this program");
        let mut process = std::process::Command::new("taskset")
            .args(["--cpu-list", &core.to_string()])
            .arg(program)
            .args([SERVE, &database.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // The log, which is written and not read.
            .stderr(Stdio::null())
            .spawn()
            .expect("taskset of util-linux");
        let input = process.stdin.take();
        let output = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        let mut service = Self { process, input, output };
        let ready = service.read();
        (service, serde_json::from_str(&ready).expect("a line of the service"))
    }

    /// Processor time of the service so far, in microseconds.
    pub(crate) fn cpu_us(&mut self) -> f64 {
        self.ask(CPU).parse().expect("a number")
    }

    /// Fills the table of sessions and measures what it costs then.
    pub(crate) fn measure_table(&mut self) -> Figures {
        serde_json::from_str(&self.ask(TABLE)).expect("a line of the service")
    }

    fn ask(&mut self, line: &str) -> String {
        let input = self.input.as_mut().expect("the pipe is open");
        writeln!(input, "{line}").expect("the service reads");
        self.read()
    }

    fn read(&mut self) -> String {
        let line = self.output.next().and_then(Result::ok);
        line.expect("the service ended: start this program with `serve SQLite` to see why")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ended = self.process.wait();
    }
}

/// The server, for as long as the input is open.
pub(crate) fn run(database: Database) {
    // Also the cluster of PostgreSQL, which is started from here, stays on the core of the caller.
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(1).enable_all().build().expect("a runtime");
    let _log = logging::start(&LogConfig::default(), "bench").expect("the default filter is valid");
    let location = runtime.block_on(location(database));
    let (server, _gateway, ready) = runtime.block_on(start(location.clone()));
    let server = Arc::new(server);
    runtime.spawn(keep_time(Arc::clone(&server)));
    println!("{}", serde_json::to_string(&ready).expect("a line"));
    for line in stdin().lines().map_while(Result::ok) {
        match line.as_str() {
            CPU => println!("{}", cpu_us()),
            TABLE => {
                let figures = runtime.block_on(table::measure(&server, location.as_ref()));
                println!("{}", serde_json::to_string(&figures).expect("a line"));
            }
            other => panic!("unknown request {other}"),
        }
    }
}

async fn location(database: Database) -> Option<Location> {
    match database {
        Database::Sqlite => None,
        Database::Postgres => {
            let url = postgres::cluster().database().await;
            Some(Location::parse(&url).expect("the URL of a database"))
        }
    }
}

async fn start(location: Option<Location>) -> (TestServer, Gateway, Ready) {
    let mut configured = None;
    let server = TestServer::configured(|config| {
        config.store.url = location.map(Into::into);
        config.web = web::listeners();
        for listener in &mut config.web.listener {
            listener.resources.push(WebResource::ForwardAuth);
        }
        config.web.origin = Some("https://auth.example.test".parse().expect("an origin"));
        config.web.forward_auth = Some(toml::from_str(SERVICES).expect("settings"));
        config.web.proxies = vec![PROXY.to_string().parse().expect("a network")];
        // The limits of production, penalties of this host included.
        config.limits = LimitsConfig { penalty_exempt: Vec::new(), ..LimitsConfig::default() };
        configured = Some(config.clone());
    })
    .await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let login = Command::Login(alice.login(server.now()));
    let session = server.client().send_once(login).await.expect("an answer");
    let token = session.body.token.expect("a token");
    let service = Audience::parse("forward-auth:example.test").expect("a name");
    let exchange = ExchangeToken::new(token.clone(), service).device(alice.mac);
    let exchanged = server.client().send_once(Command::ExchangeToken(exchange)).await;
    let check_token = exchanged.expect("an answer").body.token.expect("a check token");
    let gateway = fourauthd::web::start(&configured.expect("settings"), server.server()).await;
    let gateway = gateway.expect("it starts");
    let body = format!("{{\"mac\":\"{}\"}}", alice.mac);
    let web = Web {
        tls: gateway.addresses()[0],
        plain: gateway.addresses()[1],
        bare: http::bare(headers_of_forward_auth()).await,
        check: format!(
            "POST /api/v1/session/check HTTP/1.1\r\nHost: localhost\r\n\
             Authorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            token.expose(),
            body.len(),
        ),
        forward_auth: format!(
            "GET /forward-auth HTTP/1.1\r\nHost: wiki.example.test\r\n\
             Cookie: __Secure-fourauth-fa={}\r\nX-Forwarded-For: 198.51.100.7\r\n\
             X-Forwarded-Method: GET\r\nX-Forwarded-Proto: https\r\n\
             X-Forwarded-Host: wiki.example.test\r\nX-Forwarded-Uri: /page\r\n\r\n",
            check_token.expose(),
        ),
    };
    let check = payload(&Command::Authorise(Authorise::new(token).device(alice.mac)));
    let hello = payload(&Command::Hello(Hello::default()));
    let tls = server.folder().join("data/tls");
    let ready = Ready {
        fourauth: server.server().address(),
        echo_of_check: echo::start(&tls, &answer(&server, &check).await).await,
        echo_of_hello: echo::start(&tls, &answer(&server, &hello).await).await,
        check,
        hello,
        web,
    };
    (server, gateway, ready)
}

/// The headers that an answer of `/forward-auth` has.
fn headers_of_forward_auth() -> Vec<(HeaderName, HeaderValue)> {
    let headers = [
        ("content-type", "text/plain; charset=utf-8"),
        ("remote-user", "alice"),
        ("remote-name", "alice"),
        ("remote-groups", ""),
        ("remote-email", ""),
        ("request-id", "01KB0000000000000000000000"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ("cross-origin-resource-policy", "same-origin"),
    ];
    let pairs = headers.into_iter();
    pairs
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect()
}

fn payload(command: &Command) -> String {
    String::from_utf8(command.to_json().expose().clone()).expect("JSON is UTF-8")
}

async fn answer(server: &TestServer, payload: &str) -> Vec<u8> {
    let mut connection = RawConnection::open(server.server().address()).await;
    connection.send_payload(payload.as_bytes()).await;
    connection.payload().await.expect("an answer")
}

/// Moves the clock of the server as time passes, so that what it remembers gets old.
async fn keep_time(server: Arc<TestServer>) {
    let mut ticks = tokio::time::interval(TICK);
    loop {
        ticks.tick().await;
        server.clock().advance_ms(10);
    }
}
