//! nginx and Caddy as operators run them, and Traefik by the headers that it documents.

use super::{
    Door, EMAIL, PASSWORD, behind_a_proxy,
    browser::{Browser, From, Page},
    header,
    programs::{Program, Proxy, Service},
};
use crate::checked_in;
use fourauth_tests::{
    raw::trusting,
    web::{RawHttp, free_port},
};
use reqwest::{Method, StatusCode};
use rustls_pki_types::ServerName;
use std::fs;
use tokio::net::TcpSocket;
use tokio_rustls::TlsConnector;

const HOSTS: [&str; 3] = ["auth.example.test", "wiki.example.test", "other.example.test"];

/// Generates one test for each case and program.
macro_rules! with_both_programs {
    ($($case:ident),* $(,)?) => {
        mod nginx {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                super::$case(super::Street::open(super::Program::Nginx).await).await;
            })*
        }
        mod caddy {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                super::$case(super::Street::open(super::Program::Caddy).await).await;
            })*
        }
    };
}

with_both_programs![
    a_visitor_signs_in_and_comes_back,
    a_link_from_another_site_leads_to_the_page,
    headers_of_a_visitor_reach_no_service,
    a_service_does_not_see_the_cookie_of_the_check,
    another_host_opens_nothing,
    a_form_of_another_site_reaches_no_service,
    the_token_of_another_service_opens_nothing,
    a_program_is_refused_without_a_redirect,
    a_fragment_gets_round_no_rule,
    a_visitor_cannot_have_headers_removed,
    a_visitor_cannot_ask_about_requests,
    a_websocket_of_another_site_reaches_no_service,
];

/// A proxy in front of a gateway and a service.
pub(super) struct Street {
    pub(super) door: Door,
    pub(super) proxy: Proxy,
    _service: Service,
    browser: Browser,
}

impl Street {
    /// Everything that the proxy answers to these bytes.
    async fn raw(&self, request: &str) -> String {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.9:0".parse().unwrap()).unwrap();
        let socket = socket.connect(self.proxy.address).await.unwrap();
        let name = ServerName::try_from("wiki.example.test").unwrap();
        let connector = TlsConnector::from(trusting());
        RawHttp(connector.connect(name, socket).await.unwrap()).ask(request).await
    }

    pub(super) async fn open(program: Program) -> Self {
        let (port, service) = (free_port(), Service::start().await);
        let door = Door::with(|config| {
            behind_a_proxy(config);
            let origin = format!("https://auth.example.test:{port}");
            config.web.origin = Some(origin.parse().unwrap());
            let rules =
                super::RULES.replace("wiki.example.test", &format!("wiki.example.test:{port}"));
            config.web.forward_auth = Some(toml::from_str(&rules).unwrap());
        })
        .await;
        let gateway = door.web.plain_address();
        let proxy = Proxy::start(program, port, gateway, service.address).await;
        let browser = Browser::new(&HOSTS, proxy.address, &proxy.certificate);
        Self { door, proxy, _service: service, browser }
    }

    pub(super) fn url(&self, host: &str, path: &str) -> String {
        format!("https://{host}.example.test:{}{path}", self.proxy.address.port())
    }

    /// Signs in on the way to a page of the wiki.
    async fn sign_in(&mut self, path: &str) -> Page {
        let page = self.url("wiki", path);
        let form = self.browser.go(&page, From::Person).await;
        assert_eq!(form.url.path(), "/sign-in", "{form:?}");
        let fields = [("identifier", EMAIL), ("password", PASSWORD), ("to", &page)];
        self.browser.submit(&self.url("auth", "/sign-in"), &fields).await
    }
}

/// What the service received in a header, if it received the request.
fn received(page: &Page, name: &str) -> Vec<String> {
    let (_, head) = page.text.split_once("THE SERVICE RECEIVED\n").expect("the service");
    let named = head.lines().filter_map(|line| line.split_once(": "));
    let values = named.filter(|(it, _)| it.eq_ignore_ascii_case(name));
    values.map(|(_, value)| value.trim().to_owned()).filter(|it| !it.is_empty()).collect()
}

fn is_from_the_service(page: &Page) -> bool {
    page.text.contains("THE SERVICE RECEIVED")
}

async fn a_visitor_signs_in_and_comes_back(mut street: Street) {
    let page = street.sign_in("/page?a=b&c=d").await;
    assert_eq!(page.url.as_str(), street.url("wiki", "/page?a=b&c=d"));
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(received(&page, "Remote-User"), [EMAIL]);
    assert_eq!(received(&page, "Remote-Name"), [EMAIL]);
    assert_eq!(received(&page, "Remote-Email"), [EMAIL]);
    assert!(page.text.contains("GET /page?a=b&c=d HTTP/1.1"), "{}", page.text);
    let admin = street.browser.go(&street.url("wiki", "/admin"), From::Person).await;
    assert_eq!(admin.status, StatusCode::FORBIDDEN);
    assert!(!is_from_the_service(&admin), "{admin:?}");
}

async fn a_link_from_another_site_leads_to_the_page(mut street: Street) {
    street.sign_in("/page").await;
    street.browser.forget("__Secure-fourauth-fa");
    let page = street.browser.go(&street.url("wiki", "/page"), From::OtherSite).await;
    assert_eq!(received(&page, "Remote-User"), [EMAIL]);
    // The control: without the session the same way ends at the form.
    street.browser.forget("__Secure-fourauth-fa");
    street.browser.forget("__Host-fourauth");
    let form = street.browser.go(&street.url("wiki", "/page"), From::OtherSite).await;
    assert_eq!(form.url.path(), "/sign-in");
}

async fn headers_of_a_visitor_reach_no_service(mut street: Street) {
    let forged = [
        ("Remote-User", "admin"),
        ("Remote_User", "admin"),
        ("remote-groups", "ops"),
        ("Remote_Groups", "ops"),
        ("Remote-Email", "admin@example.org"),
    ];
    let names = ["Remote-User", "Remote_User", "Remote-Groups", "Remote_Groups", "Remote-Email"];
    let public = street.url("wiki", "/public/page");
    let page = street.browser.send(Method::GET, &public, &forged).await;
    for name in names {
        assert_eq!(received(&page, name), [""; 0], "{name} of an unknown visitor");
    }
    street.sign_in("/page").await;
    let page = street.browser.send(Method::GET, &street.url("wiki", "/page"), &forged).await;
    let expected: [&[&str]; 5] = [&[EMAIL], &[], &[], &[], &[EMAIL]];
    for (name, expected) in names.iter().zip(expected) {
        assert_eq!(received(&page, name), expected, "{name} of Carol");
    }
}

async fn a_service_does_not_see_the_cookie_of_the_check(mut street: Street) {
    street.browser.keep("wiki.example.test", "before", "1");
    street.sign_in("/page").await;
    street.browser.keep("wiki.example.test", "after", "2");
    // A service can plant cookies that look like the one of the check.
    for (name, value) in [("x__Secure-fourauth-fa", "1"), ("x", "__Secure-fourauth-fa=1")] {
        let mut tricked = street.browser.clone();
        tricked.keep_first("wiki.example.test", name, value);
        let page = tricked.go(&street.url("wiki", "/page"), From::Person).await;
        assert_eq!(received(&page, "Remote-User"), [EMAIL], "{name}");
        assert!(!page.text.contains("fourauth_check"), "{name}: {}", page.text);
    }
    let page = street.browser.go(&street.url("wiki", "/page"), From::Person).await;
    let cookies = received(&page, "Cookie").concat();
    let is_there = |pair| cookies.split("; ").any(|it| it == pair);
    assert!(!page.text.contains("fourauth_check"), "{}", page.text);
    assert!(is_there("before=1") && is_there("after=2"), "{cookies}");
}

async fn another_host_opens_nothing(mut street: Street) {
    street.sign_in("/page").await;
    let wiki = street.url("wiki", "/page");
    for host in ["other.example.test", "auth.example.test", "evil.example"] {
        let page = street.browser.send(Method::GET, &wiki, &[("host", host)]).await;
        assert!(!is_from_the_service(&page), "{host}: {page:?}");
    }
    // What a visitor says about the request is replaced.
    let lie = [("X-Forwarded-Uri", "/public"), ("X-Forwarded-Method", "GET")];
    let admin = street.url("wiki", "/admin");
    assert!(!is_from_the_service(&street.browser.send(Method::GET, &admin, &lie).await));
    for path in ["/public/..%2fadmin", "//admin", "/public/x;/../admin%2f"] {
        let page = street.browser.send(Method::GET, &street.url("wiki", path), &[]).await;
        assert!(!is_from_the_service(&page), "{path}: {page:?}");
    }
}

async fn a_form_of_another_site_reaches_no_service(mut street: Street) {
    street.sign_in("/page").await;
    let page = street.url("wiki", "/page");
    let forged = [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")];
    let refused = street.browser.send(Method::POST, &page, &forged).await;
    assert!(!is_from_the_service(&refused), "{refused:?}");
    let own = [("sec-fetch-site", "same-origin")];
    assert!(is_from_the_service(&street.browser.send(Method::POST, &page, &own).await));
}

async fn the_token_of_another_service_opens_nothing(mut street: Street) {
    let foreign = street.door.check_token_for("forward-auth:example.com").await;
    street.browser.keep("wiki.example.test", "__Secure-fourauth-fa", &foreign);
    let page = street.url("wiki", "/page");
    let refused = street.browser.send(Method::GET, &page, &[]).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert!(!is_from_the_service(&refused));
    street.browser.forget("__Secure-fourauth-fa");
    let ours = street.door.check_token_for("forward-auth:example.test").await;
    street.browser.keep("wiki.example.test", "__Secure-fourauth-fa", &ours);
    assert!(is_from_the_service(&street.browser.send(Method::GET, &page, &[]).await));
}

async fn a_program_is_refused_without_a_redirect(mut street: Street) {
    let page = street.url("wiki", "/page");
    let refused = street.browser.send(Method::GET, &page, &[("accept", "application/json")]).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
}

async fn a_fragment_gets_round_no_rule(street: Street) {
    let host = format!("wiki.example.test:{}", street.proxy.address.port());
    let get = |target: &str| {
        format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
    };
    let public = street.raw(&get("/public/page")).await;
    assert!(public.contains("THE SERVICE RECEIVED"), "{public}");
    for target in ["/public#/../admin", "/public/x#/../../page", "/public%23/../admin"] {
        let answer = street.raw(&get(target)).await;
        assert!(!answer.contains("THE SERVICE RECEIVED"), "{target}: {answer}");
    }
}

async fn a_visitor_cannot_have_headers_removed(mut street: Street) {
    street.sign_in("/page").await;
    let page = street.url("wiki", "/page");
    let listed = [("connection", "close, Remote-User, Remote-Groups")];
    let answer = street.browser.send(Method::GET, &page, &listed).await;
    if is_from_the_service(&answer) {
        assert_eq!(received(&answer, "Remote-User"), [EMAIL]);
    }
}

async fn a_visitor_cannot_ask_about_requests(mut street: Street) {
    let port = street.proxy.address.port();
    let host = format!("wiki.example.test:{port}");
    let described = [
        ("x-forwarded-method", "GET"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", host.as_str()),
        ("x-forwarded-uri", "/public"),
    ];
    let ask = street.url("auth", "/forward-auth");
    let answer = street.browser.send(Method::GET, &ask, &described).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

async fn a_websocket_of_another_site_reaches_no_service(mut street: Street) {
    street.sign_in("/page").await;
    let page = street.url("wiki", "/page");
    let own = street.url("wiki", "");
    for (origin, passes) in [("https://evil.example", false), (own.as_str(), true)] {
        let upgrade = [
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("origin", origin),
        ];
        let answer = street.browser.send(Method::GET, &page, &upgrade).await;
        assert_eq!(is_from_the_service(&answer), passes, "{origin}: {answer:?}");
    }
}

/// Traefik was not run: these are the headers that its documentation of `forwardAuth` lists.
#[tokio::test(flavor = "multi_thread")]
async fn nginx_logs_no_invitation() {
    let mut street = Street::open(Program::Nginx).await;
    let link = "/invitation?name=carol&invitation=";
    for path in [&format!("{link}CANARY"), &format!("{link}CANARY2&x=%20"), "/sign-in?x=control"] {
        street.browser.go(&street.url("auth", path), From::Person).await;
    }
    let log = street.proxy.access_log();
    assert!(log.contains("/sign-in?x=control"), "the control: {log}");
    assert!(!log.contains("CANARY"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn traefik_is_answered_as_it_documents() {
    let door = Door::open().await;
    let visit = door.visit(&door.session().await).await;
    let ask = || {
        door.ask("/page")
            .header("x-forwarded-port", "443")
            .header("x-forwarded-server", "traefik")
            .header("x-real-ip", super::VISITOR)
            .header("accept", "text/html")
    };
    let signed_out = ask().send().await.unwrap();
    assert_eq!(signed_out.status(), StatusCode::FOUND);
    let signed_in = ask().header("cookie", &visit).send().await.unwrap();
    assert_eq!(signed_in.status(), StatusCode::OK);
    let example = fs::read_to_string(checked_in::path("deploy/traefik/fourauth.yml")).unwrap();
    for name in ["Remote-User", "Remote-Name", "Remote-Groups", "Remote-Email"] {
        header(&signed_in, &name.to_lowercase());
        let passed_on = example.lines().find(|it| it.contains("authResponseHeaders")).unwrap();
        assert!(passed_on.contains(name) && example.contains(&name.replace('-', "_")), "{name}");
    }
    assert!(example.contains("trustForwardHeader: false"));
}
