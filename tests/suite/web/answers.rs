//! What every answer has, and the forms of errors.

use super::{post, read};
use fourauth_tests::web::WebServer;
use reqwest::{Method, Response, StatusCode, Version};
use serde_json::json;

/// Headers of every answer.
const HEADERS: [(&str, &str); 5] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("strict-transport-security", "max-age=63072000"),
];

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn the_server_says_that_it_runs() {
    let server = WebServer::start().await;
    let (status, body) = read(server.get("/").send().await.unwrap()).await;
    assert_eq!((status, body), (StatusCode::OK, json!({"message": "Auth System Running!"})));
    let page = server.get("/").header("accept", "text/html,*/*;q=0.8").send().await.unwrap();
    assert_eq!(header(&page, "content-type"), Some("text/html; charset=utf-8"));
    assert!(page.text().await.unwrap().contains("<p>Auth System Running!"));
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let server = WebServer::start().await;
    for (method, path, status) in [
        (Method::GET, "/", 200),
        (Method::GET, "/livez", 200),
        (Method::GET, "/readyz", 200),
        (Method::GET, "/metrics", 200),
        (Method::GET, "/api/v1/hello", 200),
        (Method::GET, "/nothing", 404),
        (Method::PUT, "/livez", 405),
        (Method::POST, "/api/v1/login", 415),
        (Method::GET, "/api/v1/sessions", 401),
    ] {
        let response = server.request(method, path).send().await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(header(&response, "request-id").map(str::len), Some(26), "{path}");
        for (name, value) in HEADERS {
            assert_eq!(header(&response, name), Some(value), "{path} {name}");
        }
    }
    let plain = server.plain().await.ask("GET / HTTP/1.0\r\n\r\n").await.to_lowercase();
    assert!(plain.contains("nosniff") && !plain.contains("strict-transport"), "{plain}");
}

#[tokio::test]
async fn an_error_has_the_form_that_the_caller_asks_for() {
    let server = WebServer::start().await;
    let response = server.get("/nothing").send().await.unwrap();
    let id = header(&response, "request-id").unwrap().to_owned();
    let (status, body) = read(response).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(body, json!({"error": "There is nothing here.", "request_id": id}));

    let asked = server.get("/nothing").header("accept", "application/problem+json");
    let response = asked.send().await.unwrap();
    assert_eq!(header(&response, "content-type"), Some("application/problem+json"));
    let (_, body) = read(response).await;
    assert_eq!(body["title"], "Not Found");
    assert_eq!(body["status"], 404);
    assert_eq!(body["detail"], "There is nothing here.");
    assert_eq!(body["type"], "about:blank");
}

#[tokio::test]
async fn another_method_is_refused_with_those_that_exist() {
    let server = WebServer::start().await;
    let response = server.request(Method::PUT, "/api/v1/sessions").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(header(&response, "allow"), Some("GET, HEAD, DELETE"));
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let server = WebServer::start().await;
    let get = server.get("/livez").send().await.unwrap();
    let head = server.request(Method::HEAD, "/livez").send().await.unwrap();
    assert_eq!(head.status(), StatusCode::OK);
    for name in ["content-length", "content-type", "cache-control"] {
        assert_eq!(header(&head, name), header(&get, name), "{name}");
    }
    assert_eq!(head.bytes().await.unwrap().len(), 0);
    let mut raw = server.plain().await;
    raw.send("HEAD /livez HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let both = raw.ask("GET /livez HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
    assert_eq!(both.matches("HTTP/1.1 200").count(), 2, "{both}");
    assert_eq!(both.matches("{\"status\":\"ok\"}").count(), 1, "{both}");
}

#[tokio::test]
async fn a_path_with_tricks_is_not_found() {
    let server = WebServer::start().await;
    for path in [
        "//livez",
        "/livez/",
        "/./livez",
        "/%6Civez",
        "/x/../livez",
        "/livez%00",
        "/livez;a=b",
        "/livez%2f",
        "/%2e%2e/etc/passwd",
        "/../../etc/passwd",
        "/api/v1/devices/..%2fhello",
        "/api/v1/devices/%2e%2e",
        "http://h/nothing",
        "*",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        let answer = server.plain().await.ask(request).await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}\n{answer}");
    }
}

#[tokio::test]
async fn json_of_another_shape_is_refused() {
    let server = WebServer::start().await;
    let deep = format!("{{\"a\":{}}}", "[".repeat(100) + &"]".repeat(100));
    for body in ["", "{", "[]", "5", "{}{}", r#"{"a":1,"a":2}"#, &deep, "\u{feff}{}"] {
        let (status, answer) = post(&server, "/api/v1/login", body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        assert!(answer["error"].as_str().unwrap().starts_with("Malformed request"), "{answer}");
    }
    let json = "application/json";
    for (content_type, body, expected) in [
        (json, b"{\"username\":\"\xff\"}".as_slice(), 400),
        ("application/json; charset=utf-16", b"{}", 400),
        ("application/json; charset=utf-8", b"{}", 400),
        ("text/plain", b"{}", 415),
        ("application/x-www-form-urlencoded", b"username=a", 415),
    ] {
        let request = server.request(Method::POST, "/api/v1/login");
        let request = request.header("content-type", content_type).body(body);
        assert_eq!(request.send().await.unwrap().status(), expected, "{content_type}");
    }
    let compressed = server.post("/api/v1/login", "{}").header("content-encoding", "gzip");
    assert_eq!(compressed.send().await.unwrap().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_refusal_quotes_nothing_that_was_sent() {
    let server = WebServer::start().await;
    for body in [r#"{"username":"alice","password":1234567}"#, r#"{"hunter2":1,"hunter2":2}"#] {
        let (_, answer) = post(&server, "/api/v1/login", body).await;
        let text = answer.to_string();
        assert!(!text.contains("1234567") && !text.contains("hunter2"), "{text}");
    }
}

#[tokio::test]
async fn http_2_and_http_1_are_both_spoken() {
    let server = WebServer::start().await;
    assert_eq!(server.get("/livez").send().await.unwrap().version(), Version::HTTP_2);
    let request = "GET /livez HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    for protocols in [&[b"http/1.1".as_slice()] as &[&[u8]], &[]] {
        let answer = server.tls(protocols).await.ask(request).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

#[tokio::test]
async fn a_listener_serves_only_its_resources() {
    let server = WebServer::configured(|config| {
        config.web.listener[0].resources = vec![fourauth_config::WebResource::Health];
    })
    .await;
    for (path, status) in [("/livez", 200), ("/", 404), ("/api/v1/hello", 404), ("/metrics", 404)] {
        assert_eq!(server.get(path).send().await.unwrap().status(), status, "{path}");
    }
    let plain = server.plain().await.ask("GET /metrics HTTP/1.0\r\n\r\n").await;
    assert!(plain.contains("fourauth_build_info"), "{plain}");
}
