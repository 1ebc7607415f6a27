//! Requests that are made to be read in two ways, and bytes that are no requests.

use fourauth_tests::web::WebServer;
use tokio::io::AsyncReadExt as _;

/// Another request, which hides in the body of the first one.
const HIDDEN: &str = "GET /livez HTTP/1.1\r\nHost: h\r\n\r\n";

fn answers(said: &str) -> usize {
    said.matches("HTTP/1.1 ").count()
}

#[tokio::test]
async fn a_hidden_request_is_not_answered() {
    let server = WebServer::start().await;
    let length = HIDDEN.len();
    let json = "Host: h\r\nContent-Type: application/json\r\n";
    for head in [
        // A length and chunks: the connection ends after the answer.
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n\r\n0\r\n\r\n"),
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
        // Lengths that differ or cannot be.
        format!("Content-Length: 0\r\nContent-Length: {length}\r\n\r\n"),
        format!("Content-Length: 0, {length}\r\n\r\n"),
        "Content-Length: +0\r\n\r\n".to_owned(),
        "Content-Length: -1\r\n\r\n".to_owned(),
        "Content-Length: 0x0\r\n\r\n".to_owned(),
        // Encodings that another reader could take for chunks.
        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n".to_owned(),
        "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n".to_owned(),
        "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n".to_owned(),
        "Transfer-Encoding:\u{b}chunked\r\n\r\n0\r\n\r\n".to_owned(),
        "X: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
        // Chunks of an impossible length.
        "Transfer-Encoding: chunked\r\n\r\n-1\r\n".to_owned(),
        "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n".to_owned(),
        "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n".to_owned(),
    ] {
        let request = format!("POST /api/v1/totp/confirm HTTP/1.1\r\n{json}{head}{HIDDEN}");
        let said = server.plain().await.ask(request).await;
        assert_eq!(answers(&said), 1, "{head}\n{said}");
        assert!(said.starts_with("HTTP/1.1 4") && !said.contains("\"ok\""), "{head}\n{said}");
    }
}

/// A proxy that takes a line feed for a part of a value sees one request.
#[tokio::test]
async fn a_line_feed_alone_ends_no_line() {
    let server = WebServer::start().await;
    let get = "GET /livez HTTP/1.1\r\nHost: h\r\n";
    for head in [
        format!("{get}X: y\n\n"),
        format!("{get}X: y\n\r\n"),
        format!("{get}\n"),
        "GET /livez HTTP/1.1\nHost: h\r\n\r\n".to_owned(),
        format!("\n{get}\r\n"),
    ] {
        // As the first request of a connection, and as a later one.
        let mut kept = server.plain().await;
        kept.send(HIDDEN).await;
        kept.answer().await;
        for mut connection in [server.plain().await, kept] {
            let said = connection.ask(format!("{head}{HIDDEN}")).await;
            assert!(said.starts_with("HTTP/1.1 400"), "{head:?}\n{said}");
            assert_eq!(answers(&said), 1, "{head:?}\n{said}");
        }
    }
}

/// The control: a body may have lines of any kind, also if it arrives after the head.
#[tokio::test]
async fn a_line_feed_in_a_body_is_a_part_of_it() {
    let server = WebServer::start().await;
    let body = "{\n\"username\": \"nobody\",\n\n\"password\": \"x\"\r\n}\n";
    let head = format!(
        "POST /api/v1/login HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n",
        body.len()
    );
    let mut connection = server.plain().await;
    connection.send(format!("{head}\r\n{body}")).await;
    assert!(connection.answer().await.starts_with("HTTP/1.1 401"));
    connection.send(format!("{head}Expect: 100-continue\r\n\r\n")).await;
    let mut go_on = [0; 25];
    connection.0.read_exact(&mut go_on).await.unwrap();
    connection.send(body).await;
    assert!(connection.answer().await.starts_with("HTTP/1.1 401"));
}

/// The control: two requests in a row are two answers.
#[tokio::test]
async fn two_requests_in_a_row_are_both_answered() {
    let server = WebServer::start().await;
    let last = "GET /livez HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    assert_eq!(answers(&server.plain().await.ask(format!("{HIDDEN}{last}")).await), 2);
}

#[tokio::test]
async fn a_body_that_was_not_read_is_no_request() {
    let server = WebServer::start().await;
    for path in ["/nothing", "/livez", "/api/v1/login"] {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{HIDDEN}{HIDDEN}",
            HIDDEN.len()
        );
        let said = server.plain().await.ask(request).await;
        assert!(!said.contains("200 OK") || said.matches("200 OK").count() == 1, "{said}");
        assert!(said.starts_with("HTTP/1.1 4"), "{path} {said}");
    }
}

#[tokio::test]
async fn a_request_needs_one_host() {
    let server = WebServer::start().await;
    for hosts in ["", "Host: a\r\nHost: a\r\n", "Host: a\r\nHost: b\r\n"] {
        let said = server.plain().await.ask(format!("GET /livez HTTP/1.1\r\n{hosts}\r\n")).await;
        assert!(said.starts_with("HTTP/1.1 400"), "{hosts} {said}");
    }
}

#[tokio::test]
async fn bytes_that_are_not_http_are_refused() {
    let server = WebServer::start().await;
    for bytes in [
        b"\0\0\0\x0d{\"cmd\":\"190\"}\r\n\r\n".as_slice(),
        b"GET / HTTP/3.0\r\n\r\n",
        b"GET / HTTP/1.1\nHost: h\r\r\n\n",
        b"GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n",
        b"G@T / HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET / HTTP/1.1\r\nHo st: h\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        b"\x16\x03\x01\x02\0\x01\0\r\n\r\n",
    ] {
        let said = server.plain().await.ask(bytes).await;
        let is_refused =
            said.is_empty() || said.starts_with("HTTP/1.1 4") || said.starts_with("HTTP/1.0 4");
        assert!(is_refused, "{bytes:?}\n{said}");
    }
    let connect = server.plain().await.ask("CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert!(connect.starts_with("HTTP/1.1 404"), "{connect}");
    let upgrade =
        "GET /livez HTTP/1.1\r\nHost: h\r\nConnection: upgrade, close\r\nUpgrade: h2c\r\n\r\n";
    assert!(server.plain().await.ask(upgrade).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_peer_that_hangs_up_leaves_the_server_running() {
    let server = WebServer::start().await;
    for bytes in
        ["GET / HT", "POST /api/v1/login HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n{"]
    {
        server.plain().await.send(bytes).await;
    }
    drop(server.tls(&[b"h2"]).await);
    let said = server.plain().await.ask("GET /livez HTTP/1.0\r\n\r\n").await;
    assert!(said.starts_with("HTTP/1.0 200"), "{said}");
}
