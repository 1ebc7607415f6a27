//! Which address a command is counted under.

use fourauth_config::Config;
use fourauth_tests::web::WebServer;

const LOGIN: &str = r#"{"username":"nobody","password":"x"}"#;

/// A login without an account, from an address with these headers.
async fn log_in(server: &WebServer, from: [u8; 4], headers: &str) -> String {
    ask(server, from, headers, "/api/v1/login", LOGIN).await
}

async fn ask(server: &WebServer, from: [u8; 4], headers: &str, path: &str, body: &str) -> String {
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{headers}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    server.plain_from(from).await.ask(request).await
}

/// 127.0.0.1 is a proxy, and no address is exempt from penalties.
fn proxied(config: &mut Config) {
    config.web.proxies = vec!["127.0.0.1".parse().unwrap()];
    config.limits.penalty_exempt.clear();
}

#[tokio::test]
async fn the_audit_row_names_the_peer_and_the_gateway() {
    let server = WebServer::configured(proxied).await;
    for (from, headers, peer) in [
        ([127, 0, 0, 1], "X-Forwarded-For: 198.51.100.7\r\n", "198.51.100.7"),
        ([127, 0, 0, 1], "X-Forwarded-For: 203.0.113.9, 198.51.100.8\r\n", "198.51.100.8"),
        ([127, 0, 0, 2], "X-Forwarded-For: 198.51.100.9\r\n", "127.0.0.2"),
        ([127, 0, 0, 3], "X-Real-IP: 198.51.100.9\r\nForwarded: for=198.51.100.9\r\n", "127.0.0.3"),
    ] {
        let answer = log_in(&server, from, headers).await;
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
        let detail = server.server().last_row().await.detail;
        assert!(detail.contains(peer) && detail.contains("via=gateway"), "{detail}");
    }
}

#[tokio::test]
async fn a_proxy_that_names_no_client_is_refused() {
    let server = WebServer::configured(proxied).await;
    for headers in ["", "X-Forwarded-For: unknown\r\n", "X-Forwarded-For: 127.0.0.1\r\n"] {
        let answer = log_in(&server, [127, 0, 0, 1], headers).await;
        assert!(
            answer.starts_with("HTTP/1.1 400") && answer.contains("X-Forwarded-For"),
            "{answer}"
        );
    }
    let rows = server.server().audit().await;
    assert!(rows.iter().all(|row| row.action != *"login"), "{rows:?}");
    let health = server.plain().await.ask("GET /livez HTTP/1.0\r\n\r\n").await;
    assert!(health.starts_with("HTTP/1.0 200"), "{health}");
}

/// Logins of one client until it is throttled.
async fn until_throttled(server: &WebServer, headers: &str) -> Option<String> {
    for _ in 0..20 {
        let answer = log_in(server, [127, 0, 0, 1], headers).await;
        if answer.starts_with("HTTP/1.1 429") {
            return Some(answer);
        }
    }
    None
}

#[tokio::test]
async fn a_throttled_client_does_not_throttle_another_one() {
    let server = WebServer::configured(proxied).await;
    let refused = until_throttled(&server, "X-Forwarded-For: 198.51.100.7\r\n").await.unwrap();
    let wait = refused.split("retry-after: ").nth(1).unwrap().lines().next().unwrap();
    assert!(wait.parse::<u64>().unwrap() > 0, "{refused}");
    let other = log_in(&server, [127, 0, 0, 1], "X-Forwarded-For: 198.51.100.8\r\n").await;
    assert!(other.starts_with("HTTP/1.1 401"), "{other}");
    // The lie of a client stands to the left of what the proxy wrote.
    let lie = "X-Forwarded-For: 198.51.100.8, 198.51.100.7\r\n";
    let liar = log_in(&server, [127, 0, 0, 1], lie).await;
    assert!(liar.starts_with("HTTP/1.1 429"), "{liar}");
}

/// The control: without a listed proxy the header counts for nothing.
#[tokio::test]
async fn an_unlisted_proxy_is_one_source() {
    let server = WebServer::configured(|config| config.limits.penalty_exempt.clear()).await;
    assert!(until_throttled(&server, "X-Forwarded-For: 198.51.100.7\r\n").await.is_some());
    let other = log_in(&server, [127, 0, 0, 1], "X-Forwarded-For: 198.51.100.8\r\n").await;
    assert!(other.starts_with("HTTP/1.1 429"), "{other}");
}

/// A visitor of the proxy on 127.0.0.1.
#[derive(Clone, Copy)]
struct Visitor(u8);

impl Visitor {
    const ALL: std::ops::RangeInclusive<u8> = 1..=63;
    const GUESSER: Self = Self(64);

    async fn ask(self, server: &WebServer, path: &str, body: &str) -> String {
        let header = format!("X-Forwarded-For: 198.51.100.{}\r\n", self.0);
        ask(server, [127, 0, 0, 1], &header, path, body).await
    }

    async fn guess(self, server: &WebServer) -> String {
        self.ask(server, "/api/v1/login", LOGIN).await
    }

    fn credentials(self) -> String {
        let Self(number) = self;
        format!(r#"{{"email":"person-{number}@example.org","password":"violet-Ox-42"}}"#)
    }

    async fn register(self, server: &WebServer) -> String {
        self.ask(server, "/register", &self.credentials()).await
    }

    async fn log_in(self, server: &WebServer) -> String {
        self.ask(server, "/login", &self.credentials()).await
    }
}

/// People may register, and log in with a password alone.
fn open_to_people(config: &mut Config) {
    config.sign_in.two_steps = true;
    config.sign_in.self_registration = true;
    config.limits.penalty_exempt.clear();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_64_visitors_is_throttled_and_63_log_in() {
    let server = WebServer::configured(|config| {
        proxied(config);
        open_to_people(config);
    });
    let server = server.await;
    for visitor in Visitor::ALL.map(Visitor) {
        let answer = visitor.register(&server).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let mut guesses = Vec::new();
    for visitor in Visitor::ALL.map(Visitor) {
        guesses.push(Visitor::GUESSER.guess(&server).await);
        let answer = visitor.log_in(&server).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let (first, last) = (guesses.first().unwrap(), guesses.last().unwrap());
    assert!(first.starts_with("HTTP/1.1 401"), "{first}");
    assert!(last.starts_with("HTTP/1.1 429"), "{last}");
}

/// The control: behind an unlisted proxy one guesser throttles all.
#[tokio::test(flavor = "multi_thread")]
async fn one_of_64_visitors_of_an_unlisted_proxy_throttles_all() {
    let server = WebServer::configured(open_to_people).await;
    let registered = Visitor(1).register(&server).await;
    assert!(registered.starts_with("HTTP/1.1 200"), "{registered}");
    let mut last = String::new();
    for _ in Visitor::ALL {
        last = Visitor::GUESSER.guess(&server).await;
    }
    assert!(last.starts_with("HTTP/1.1 429"), "{last}");
    for visitor in Visitor::ALL.map(Visitor) {
        let answer = visitor.log_in(&server).await;
        assert!(answer.starts_with("HTTP/1.1 429"), "{answer}");
    }
}
