//! What a proxy is told.

use super::{Door, EMAIL, VISITOR, behind_a_proxy, cookie, header, with_authenticator};
use fourauth_tests::server::quick;
use fourauthd::{command::user::UserCommand, local_store::LocalStore};
use reqwest::StatusCode;
use std::time::Duration;
use tokio::time::timeout;

const IDENTITY: [&str; 4] = ["remote-user", "remote-name", "remote-groups", "remote-email"];

/// Puts Carol into groups, from the command line.
async fn put_into(door: &Door, groups: &[&str]) {
    let server = door.web.server();
    let local = LocalStore::open(&quick(server.folder()), server.now()).await.unwrap();
    let groups = groups.iter().map(|name| (*name).to_owned()).collect();
    let command = UserCommand::Groups { username: EMAIL.into(), groups };
    command.run(&local).await.unwrap();
    server.clock().advance_ms(1000);
}

/// Asks until the answer has this status: what a second ago was right may still be said.
async fn until(expected: StatusCode, ask: impl AsyncFn() -> StatusCode) {
    let asking = async { while ask().await != expected {} };
    timeout(Duration::from_secs(20), asking).await.expect("the new answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_with_a_session_passes_with_every_header() {
    let door = Door::open().await;
    let visit = door.visit(&door.session().await).await;
    let answer = door.ask("/page").header("cookie", &visit).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(IDENTITY.map(|name| header(&answer, name)), [EMAIL, EMAIL, "", EMAIL]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_page_has_every_header_too() {
    let door = Door::open().await;
    let answer = door.ask("/public/logo.svg").header("remote-user", "admin").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(IDENTITY.map(|name| header(&answer, name)), ["", "", "", ""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_without_a_session_is_sent_to_sign_in() {
    let door = Door::open().await;
    let enter = "https://auth.example.test/forward-auth/enter?to=\
                 https%3A%2F%2Fwiki.example.test%2Fpage%3Fa%3Db";
    let page = door.ask("/page?a=b").header("accept", "text/html");
    let answer = page.try_clone().unwrap().send().await.unwrap();
    assert_eq!((answer.status(), header(&answer, "location").as_str()), (StatusCode::FOUND, enter));

    // nginx passes on a header of a 401, and no redirect.
    let mut for_nginx = page.build().unwrap();
    for_nginx.url_mut().set_query(Some("redirect=header"));
    let answer = door.client.execute(for_nginx).await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(header(&answer, "location"), enter);

    // A program cannot follow it.
    let answer = door.ask("/page").header("accept", "application/json").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(!answer.headers().contains_key("location"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_check_token_of_this_domain_lets_a_visitor_pass() {
    let door = Door::open().await;
    let session = door.session().await;
    let token = session.split_once('=').unwrap().1.to_owned();
    let foreign = door.check_token_for("forward-auth:example.com").await;
    let visit = door.visit(&session).await;
    let mistyped = format!("{}x", &visit[..visit.len() - 1]);
    for cookie in [
        session.clone(),
        format!("__Secure-fourauth-fa={token}"),
        format!("__Secure-fourauth-fa={foreign}"),
        mistyped,
        "__Secure-fourauth-fa=".to_owned(),
    ] {
        let answer = door.ask("/page").header("cookie", &cookie).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{cookie}");
        assert!(!answer.headers().contains_key("remote-user"), "{cookie}");
    }
    let answer = door.ask("/page").header("cookie", &visit).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "the control");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_group_needs_that_group() {
    let door = Door::open().await;
    let visit = door.visit(&door.session().await).await;
    let ask = async || door.ask("/admin").header("cookie", &visit).send().await.unwrap();
    assert_eq!(ask().await.status(), StatusCode::FORBIDDEN);
    put_into(&door, &["staff", "ops"]).await;
    until(StatusCode::OK, async || ask().await.status()).await;
    let answer = ask().await;
    assert_eq!(
        (answer.status(), header(&answer, "remote-groups")),
        (StatusCode::OK, "ops,staff".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_level_needs_that_level() {
    let door = Door::open().await;
    let visit = door.visit(&door.session().await).await;
    let answer = door.ask("/vault").header("cookie", &visit).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert!(answer.text().await.unwrap().contains("more factors"));

    let dave = with_authenticator(&door, "dave@example.org").await;
    let form = [("identifier", "dave@example.org"), ("password", super::PASSWORD)];
    let first = door.post("/sign-in", &form).send().await.unwrap();
    let grant = cookie(&first, "__Host-mfa").unwrap();
    door.web.server().clock().advance_ms(30_000);
    let code = dave.code(door.web.server().now());
    let form = [("identifier", "dave@example.org"), ("otp", code.as_str())];
    let second = door.post("/sign-in/code", &form).header("cookie", grant).send().await.unwrap();
    let visit = door.visit(&cookie(&second, "__Host-fourauth").unwrap()).await;
    let answer = door.ask("/vault").header("cookie", &visit).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_closes_every_page_within_a_second() {
    let door = Door::open().await;
    let session = door.session().await;
    let visit = door.visit(&session).await;
    let ask = async || door.ask("/page").header("cookie", &visit).send().await.unwrap().status();
    assert_eq!(ask().await, StatusCode::OK);
    let out = door.post("/sign-out", &[]).header("cookie", &session).send().await.unwrap();
    assert_eq!(out.status(), StatusCode::OK);
    // The answer of a second ago may still be used.
    until(StatusCode::UNAUTHORIZED, ask).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_listed_proxy_may_ask() {
    let door = Door::open().await;
    let mut other = door.web.plain_from([127, 0, 0, 2]).await;
    let ask = format!(
        "GET /forward-auth HTTP/1.1\r\nHost: h\r\nConnection: close\r\nX-Forwarded-For: {VISITOR}\r\n\
         X-Forwarded-Method: GET\r\nX-Forwarded-Proto: https\r\n\
         X-Forwarded-Host: wiki.example.test\r\nX-Forwarded-Uri: /public\r\n\r\n"
    );
    let answer = other.ask(&ask).await;
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("web.proxies"), "{answer}");
    let answer = door.web.plain().await.ask(&ask).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lie_about_the_request_opens_nothing() {
    let door = Door::open().await;
    let visit = door.visit(&door.session().await).await;
    let about = |method: &'static str, host: &'static str, uri: &'static str| {
        door.ask_about(method, host, uri).header("cookie", &visit)
    };
    for (request, expected) in [
        (about("GET", "other.example.test", "/page"), StatusCode::FORBIDDEN),
        (about("GET", "wiki.example.test:8443", "/page"), StatusCode::FORBIDDEN),
        (about("GET", "wiki.example.test", "/public/../admin"), StatusCode::FORBIDDEN),
        (about("GET", "wiki.example.test", "/public/%2e%2e/admin"), StatusCode::FORBIDDEN),
        (about("GET", "wiki.example.test, x", "/page"), StatusCode::BAD_REQUEST),
        (about("GET", "wiki.example.test", "https://x/"), StatusCode::BAD_REQUEST),
        (
            about("GET", "wiki.example.test", "/page").header("x-forwarded-host", "x"),
            StatusCode::BAD_REQUEST,
        ),
        (
            about("POST", "wiki.example.test", "/page").header("sec-fetch-site", "cross-site"),
            StatusCode::UNAUTHORIZED,
        ),
        (
            about("POST", "wiki.example.test", "/page").header("origin", "https://evil.example"),
            StatusCode::UNAUTHORIZED,
        ),
        (
            about("POST", "wiki.example.test", "/page").header("sec-fetch-site", "same-origin"),
            StatusCode::OK,
        ),
    ] {
        let shown = format!("{request:?}");
        assert_eq!(request.send().await.unwrap().status(), expected, "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_cookie_throttles_no_one_at_its_address() {
    let door = Door::with(|config| {
        behind_a_proxy(config);
        config.limits.penalty_exempt.clear();
    })
    .await;
    let session = door.session().await;
    let visit = door.visit(&session).await;
    let stale = format!("{}x", &visit[..visit.len() - 1]);
    for _ in 0..40 {
        let answer = door.ask("/page").header("cookie", &stale).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }
    let answer = door.ask("/page").header("cookie", &visit).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_that_cannot_be_replaced_leads_to_no_loop() {
    let door = Door::open().await;
    let visit = door.visit(&door.session().await).await;
    let page =
        |cookie: String| door.ask("/page").header("accept", "text/html").header("cookie", cookie);
    let doubled = page(format!("{visit}; __Secure-fourauth-fa=junk")).send().await.unwrap();
    assert_eq!(doubled.status(), StatusCode::FORBIDDEN);
    let beside_others = page(format!("theme=\u{e9}; {visit}")).send().await.unwrap();
    assert_eq!(beside_others.status(), StatusCode::OK);
}
