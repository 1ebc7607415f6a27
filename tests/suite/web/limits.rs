//! The limits of connections and requests. The clock of the runtime is paused where time matters,
//! so it runs to the next deadline as soon as nothing else happens.

use fourauth_tests::web::WebServer;
use reqwest::{Method, StatusCode};
use tokio::{
    io::AsyncReadExt as _,
    task::JoinSet,
    time::{Instant, pause},
};

const SMALL: usize = 64 * 1024;
const LARGE: usize = 4 * 1024 * 1024;

/// Bytes that a command has besides the body.
const ROOM: usize = 64;

/// Seconds until the server closes a connection, and all it said on it.
async fn closed_after(
    mut connection: fourauth_tests::web::RawHttp<
        impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    >,
    bytes: &str,
) -> (u64, String) {
    connection.send(bytes).await;
    pause();
    let started = Instant::now();
    let said = connection.rest().await;
    (started.elapsed().as_secs(), said)
}

#[tokio::test]
async fn a_peer_that_says_nothing_is_closed() {
    let server = WebServer::start().await;
    let (seconds, said) = closed_after(server.plain().await, "").await;
    assert_eq!((seconds, said.as_str()), (10, ""));
}

#[tokio::test]
async fn a_head_that_does_not_end_is_closed() {
    let server = WebServer::start().await;
    let (seconds, _) = closed_after(server.plain().await, "GET / HTTP/1.1\r\nHost: h\r\nX").await;
    assert_eq!(seconds, 10);
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_closed() {
    let server = WebServer::start().await;
    let stream = tokio::net::TcpStream::connect(server.tls_address()).await.unwrap();
    let (seconds, said) = closed_after(fourauth_tests::web::RawHttp(stream), "\x16\x03\x01").await;
    assert_eq!((seconds, said.as_str()), (10, ""));
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let server = WebServer::start().await;
    let mut kept = server.plain().await;
    kept.send("GET /livez HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert!(kept.answer().await.starts_with("HTTP/1.1 200"));
    assert_eq!(closed_after(kept, "").await.0, 10);
}

#[tokio::test]
async fn an_idle_connection_of_http_2_is_closed() {
    let server = WebServer::start().await;
    // The preface and empty settings.
    let h2 = server.tls(&[b"h2"]).await;
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let (seconds, _) = closed_after(h2, preface).await;
    assert!((30..=40).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn a_body_that_does_not_end_is_answered_and_closed() {
    let server = WebServer::start().await;
    let head = "POST /api/v1/totp/confirm HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n\
                Content-Length: 50\r\n\r\n{";
    let (seconds, said) = closed_after(server.plain().await, head).await;
    assert_eq!(seconds, 11);
    assert!(said.starts_with("HTTP/1.1 408") && said.contains("connection: close"), "{said}");
}

#[tokio::test]
async fn a_body_beyond_the_limit_of_its_route_is_refused() {
    let server = WebServer::start().await;
    for (path, limit) in [("/api/v1/totp/confirm", SMALL), ("/api/v1/login", LARGE)] {
        let padding = |length: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(length - 8));
        let fits = server.post(path, &padding(limit - ROOM)).send().await.unwrap();
        assert_eq!(fits.status(), StatusCode::BAD_REQUEST, "{path}: it is read");
        let over = server.post(path, &padding(limit + 1)).send().await.unwrap();
        assert_eq!(over.status(), StatusCode::PAYLOAD_TOO_LARGE, "{path}");
    }
    let chunked = "POST /api/v1/totp/confirm HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n\
                   Transfer-Encoding: chunked\r\n\r\n10001\r\n";
    let said = server.plain().await.ask(format!("{chunked}{}", "x".repeat(0x10001))).await;
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 413"), "{said}");
    let body = server.request(Method::GET, "/livez").body("x").send().await.unwrap();
    assert_eq!(body.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_head_beyond_its_limit_is_refused() {
    let server = WebServer::start().await;
    let long = "x".repeat(16 * 1024);
    let many = "X: y\r\n".repeat(65);
    for head in [
        format!("GET / HTTP/1.1\r\nHost: h\r\nX: {long}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: h\r\n{many}\r\n"),
        format!("GET /{long} HTTP/1.1\r\nHost: h\r\n\r\n"),
    ] {
        let said = server.plain().await.ask(head).await;
        let refused = ["HTTP/1.1 431", "HTTP/1.1 414"].iter().any(|it| said.starts_with(it));
        assert!(refused, "{said}");
    }
    let over_h2 = server.get("/livez").header("x", &long).send().await;
    let is_refused = over_h2
        .map_or(true, |response| response.status() == StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    assert!(is_refused);
    assert_eq!(server.get("/livez").send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn connections_are_limited_for_each_source() {
    let server = WebServer::configured(|config| config.web.connections_per_source = 2).await;
    let (mut one, mut two) = (server.plain().await, server.plain().await);
    for kept in [&mut one, &mut two] {
        kept.send("GET /livez HTTP/1.1\r\nHost: h\r\n\r\n").await;
        kept.answer().await;
    }
    assert_eq!(server.plain().await.ask("GET /livez HTTP/1.0\r\n\r\n").await, "");
    let mut other = server.plain_from([127, 0, 0, 2]).await;
    assert!(other.ask("GET /livez HTTP/1.0\r\n\r\n").await.starts_with("HTTP/1.0 200"));
    drop(one);
    // The server notices the end of the first in its own time.
    while server.plain().await.ask("GET /livez HTTP/1.0\r\n\r\n").await.is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn connections_are_limited_in_total() {
    let server = WebServer::configured(|config| config.web.connections = 16).await;
    let mut kept = Vec::new();
    for last in 1..=16 {
        let mut connection = server.plain_from([127, 0, 0, last]).await;
        connection.send("GET /livez HTTP/1.1\r\nHost: h\r\n\r\n").await;
        connection.answer().await;
        kept.push(connection);
    }
    assert_eq!(server.plain_from([127, 0, 0, 99]).await.ask("GET / HTTP/1.0\r\n\r\n").await, "");
}

#[tokio::test]
async fn a_few_sources_cannot_hold_all_connections() {
    let server = WebServer::configured(|config| config.web.connections = 32).await;
    let mut kept = Vec::new();
    let mut refused = 0;
    for index in 0..32 {
        let mut connection = server.plain_from([127, 0, 0, 1 + index % 2]).await;
        connection.send("GET /livez HTTP/1.1\r\nHost: h\r\n\r\n").await;
        let mut first = [0; 8];
        let is_open = connection.0.read_exact(&mut first).await.is_ok();
        refused += u32::from(!is_open);
        kept.push(connection);
    }
    assert_eq!(refused, 8);
    for last in 3..11 {
        let mut other = server.plain_from([127, 0, 0, last]).await;
        let said = other.ask("GET /livez HTTP/1.0\r\n\r\n").await;
        assert!(said.starts_with("HTTP/1.0 200"), "{said}");
    }
}

#[tokio::test]
async fn one_visitor_of_a_proxy_holds_a_part_of_its_requests() {
    let server = WebServer::configured(|config| {
        config.web.connections_per_source = 2;
        config.web.proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let head = |visitor: &str| {
        format!(
            "POST /api/v1/login HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: {visitor}\r\n\
             Content-Type: application/json\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"
        )
    };
    let mut kept = Vec::new();
    for (visitor, expected) in [
        ("198.51.100.7", "HTTP/1.1 100"),
        ("198.51.100.7", "HTTP/1.1 100"),
        ("198.51.100.7", "HTTP/1.1 429"),
        ("198.51.100.8", "HTTP/1.1 100"),
    ] {
        let mut connection = server.plain().await;
        connection.send(head(visitor)).await;
        let mut first = [0; 12];
        connection.0.read_exact(&mut first).await.unwrap();
        assert_eq!(str::from_utf8(&first), Ok(expected), "{visitor}");
        kept.push(connection);
    }
}

#[tokio::test]
async fn a_source_holds_a_bounded_number_of_bytes() {
    let server = WebServer::start().await;
    let head = format!(
        "POST /api/v1/login HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n\
         Content-Length: {LARGE}\r\n\r\n"
    );
    // Five times almost 4 MiB is more than 16 MiB, so one of them is refused before its time is
    // over.
    let mut all = JoinSet::new();
    for _ in 0..5 {
        let (mut connection, head) = (server.plain().await, head.clone());
        all.spawn(async move {
            connection.send(head).await;
            connection.ask("x".repeat(LARGE - 1)).await
        });
    }
    let said = all.join_next().await.unwrap().unwrap();
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 503"), "{said}");
}

#[tokio::test]
async fn a_stop_answers_the_requests_in_progress() {
    let server = WebServer::start().await;
    let mut idle = server.plain().await;
    idle.send("GET /livez HTTP/1.1\r\nHost: h\r\n\r\n").await;
    idle.answer().await;
    let mut busy = server.plain().await;
    let body = r#"{"username":"nobody","password":"x"}"#;
    let head = format!(
        "POST /api/v1/login HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    );
    busy.send(head).await;
    let mut go_on = [0; 25];
    tokio::io::AsyncReadExt::read_exact(&mut busy.0, &mut go_on).await.unwrap();
    assert!(go_on.starts_with(b"HTTP/1.1 100"), "it waits for the body");
    let (_folder, said, rest) = tokio::join!(server.stop(), busy.ask(body), idle.rest());
    assert!(said.starts_with("HTTP/1.1 401"), "{said}");
    assert_eq!(rest, "");
}
