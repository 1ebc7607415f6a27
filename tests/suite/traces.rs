//! Traces: what a collector gets, what it never gets, and that nothing waits for it.

pub(crate) mod collector;

use crate::secrets::{Lines, contains};
use collector::{Collector, Received};
use fourauth_daemon::{settings, traces::Traces};
use fourauth_protocol::{
    command::{Command, Login},
    contact::Email,
    secret::Secret,
};
use fourauth_tests::{persona::Persona, server::TestServer, web::WebServer, with::With as _};
use std::time::Duration;
use tokio::time::Instant;
use tracing::{Dispatch, subscriber::DefaultGuard};
use tracing_subscriber::{EnvFilter, Layer as _};

/// What a command would take at least if it waited for a collector that hangs.
const DEADLINE_OF_A_BATCH: Duration = Duration::from_secs(5);

/// Traces and a log of this test's thread, on which all tasks of its runtime run.
struct Recording {
    traces: Traces,
    lines: Lines,
    _guard: DefaultGuard,
    /// With a single dispatcher, `tracing` caches the interest of the thread that reaches a span
    /// first, and other tests have threads without a subscriber.
    _second: Dispatch,
}

impl Recording {
    /// Must be called in the test's task.
    fn start(collector: &settings::Collector, filter: &str) -> Self {
        let traces = Traces::start(collector, "fourauthd").unwrap();
        let lines = Lines::default();
        let writer = lines.clone();
        let log = tracing_subscriber::fmt::layer().with_writer(move || writer.clone());
        let log = log.with_filter(EnvFilter::new(filter));
        let layers = log.and_then(traces.layer());
        let subscriber = layers.with_subscriber(tracing_subscriber::registry());
        let guard = tracing::subscriber::set_default(subscriber);
        let second = Dispatch::new(tracing_subscriber::registry());
        Self { traces, lines, _guard: guard, _second: second }
    }
}

/// A login with this change, and whether it was granted.
async fn log_in(server: &TestServer, person: &Persona, change: impl FnOnce(&mut Login)) -> bool {
    server.clock().advance_ms(30_000);
    let login = Command::Login(person.login(server.now()).with(change));
    server.client().send_once(login).await.unwrap().is_ok()
}

fn outcome(span: &Received) -> &str {
    &span.fields["fourauth.outcome"]
}

#[tokio::test]
async fn a_login_and_its_steps_reach_the_collector() {
    // The log shows no request, and the steps are still part of their command.
    for filter in ["info", "error"] {
        let mut collector = Collector::start().await;
        let recording = Recording::start(&collector.endpoint(), filter);
        let server = TestServer::start().await;
        let alice = server.enrol("alice", "obama.jpg").await;
        // Spans are lost if the collector does not answer in time, as on a busy machine: then she tries again.
        let mut tries = 0;
        while !["granted", "denied"].iter().all(|expected| collector.has_login(expected)) {
            tries += 1;
            assert!(tries < 6, "no spans of logins");
            assert!(log_in(&server, &alice, |_| {}).await);
            let wrong = Secret::new("wrong-Password-1".into());
            assert!(!log_in(&server, &alice, |login| login.password = wrong).await);
            collector.gather().await;
        }
        server.stop().await;
        recording.traces.finish().await;
        collector.drain();

        let logins = collector.named("login");
        let mut outcomes: Vec<_> = logins.iter().map(|it| outcome(it)).collect();
        outcomes.sort_unstable();
        outcomes.dedup();
        assert_eq!(outcomes, ["denied", "granted"]);
        for login in logins {
            let of = |name: &str| login.fields[name].as_str();
            assert_eq!((of("fourauth.action"), of("fourauth.command")), ("login", "100"));
            assert_eq!((of("fourauth.door"), login.service.as_str()), ("native", "fourauthd"));
            assert!(of("fourauth.request_id").len() == 26 && login.span.parent_span_id.is_empty());
            assert!(login.span.start_time_unix_nano < login.span.end_time_unix_nano);
            assert_eq!(login.steps(&collector.spans), ["face", "hash", "write"]);
        }
    }
}

#[tokio::test]
async fn a_collector_gets_nothing_about_a_person() {
    let mut collector = Collector::start().await;
    let recording = Recording::start(&collector.endpoint(), "trace");
    let web = WebServer::configured(|config| {
        config.web.proxies = vec!["127.0.0.1".parse().unwrap()];
        config.limits.penalty_exempt.clear();
    })
    .await;
    let server = web.server();
    let email = Email::parse("canary.mail@example.org").unwrap();
    let registration = server.registration("canary-name", "obama.jpg");
    let (person, _) = server.enrol_as(registration.with(|it| it.email = Some(email))).await;
    let login = Command::Login(person.login(server.now()));
    let token = server.client().send_once(login).await.unwrap().body.token.unwrap();
    let wrong = Secret::new("canary-Wrong-1".into());
    assert!(!log_in(server, &person, |login| login.password = wrong).await);
    for request in [
        "POST /api/v1/login HTTP/1.1\r\nHost: canary-host\r\nX-Forwarded-For: 198.51.100.77\r\n\
         Connection: close\r\nContent-Type: application/json\r\nContent-Length: 49\r\n\r\n\
         {\"username\":\"canary-ghost\",\"password\":\"canary-Pw1\"}"
            .to_owned(),
        "GET /canary-path?canary-query HTTP/1.0\r\nX-Forwarded-For: 198.51.100.77\r\n\r\n"
            .to_owned(),
        "CANARY-METHOD /livez HTTP/1.0\r\nX-Canary: canary-header\r\n\r\n".to_owned(),
        format!(
            "GET /api/v1/sessions HTTP/1.0\r\nX-Forwarded-For: 198.51.100.77\r\n\
             Authorization: Bearer {}\r\n\r\n",
            token.expose()
        ),
    ] {
        assert!(web.plain().await.ask(request).await.starts_with("HTTP/1."));
    }
    let admin = server.admin().clone();
    let last = "/api/v1/sessions".to_owned();
    collector.until(|it| it.span.name == last || it.fields.values().any(|it| *it == last)).await;
    web.stop().await;
    recording.traces.finish().await;
    collector.drain();

    // Control: the spans are there, and the log had an address, which only the list keeps out.
    for text in ["login", "denied", "granted", "/api/v1/login", "_OTHER", "gateway"] {
        assert!(contains(&collector.bytes, text.as_bytes()), "{text} is missing");
    }
    assert!(recording.lines.count("198.51.100.77") > 0);
    let mac = person.mac.to_string();
    let key = data_encoding::BASE32_NOPAD.encode(person.key.as_bytes());
    let secrets = [&token, &admin, &person.password].map(|it| it.expose().clone());
    for secret in secrets.into_iter().chain([mac, key]) {
        assert!(!contains(&collector.bytes, secret.as_bytes()), "{secret} was sent");
    }
    for canary in ["canary", "CANARY", "127.0.0.1", "198.51.100", "example.org", "violet-Ox"] {
        assert!(!contains(&collector.bytes, canary.as_bytes()), "{canary} was sent");
    }
    for Received { span, .. } in &collector.spans {
        assert!(span.events.is_empty() && span.links.is_empty(), "{span:?}");
    }
}

#[tokio::test]
async fn no_command_waits_for_a_collector_that_hangs() {
    let mut collector = Collector::hanging().await;
    let recording = Recording::start(&collector.endpoint(), "warn");
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    // Control: the collector has read a request, and never answers it.
    collector.receive().await;
    let begun = Instant::now();
    for _ in 0..20 {
        assert!(log_in(&server, &alice, |_| {}).await);
    }
    assert!(begun.elapsed() < DEADLINE_OF_A_BATCH * 10, "{:?}", begun.elapsed());
    server.stop().await;
    let ending = Instant::now();
    recording.traces.finish().await;
    assert!(ending.elapsed() < DEADLINE_OF_A_BATCH, "{:?}", ending.elapsed());
    assert_eq!(recording.lines.count("did not take the last spans"), 1);
}

#[tokio::test]
async fn a_collector_that_refuses_is_logged_once() {
    let closed = "http://127.0.0.1:1/v1/traces".parse().unwrap();
    let recording = Recording::start(&closed, "warn");
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    while recording.lines.count("spans were lost") == 0 {
        assert!(log_in(&server, &alice, |_| {}).await);
    }
    for _ in 0..5 {
        assert!(log_in(&server, &alice, |_| {}).await);
    }
    assert_eq!(recording.lines.count("spans were lost"), 1);
    assert!(recording.lines.count("Connection refused") > 0);
    server.stop().await;
    recording.traces.finish().await;
}
