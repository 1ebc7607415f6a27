//! Sessions that only their browser can renew: by a client that plays the browser, in Chromium with its own
//! keys, and in Firefox, which has none.

use super::{ALICE, MINUTE_MS, Portal};
use crate::bound_sessions::browser_key::{BrowserKey, text};
use fourauth_protocol::{grant::GrantToken, session_proof::SessionProof};
use fourauth_tests::{browser::Browser, persona::Persona, remote_browser::Firefox, server::quick};
use reqwest::{Certificate, Client, Response, StatusCode, redirect::Policy};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

const COOKIE: &str = "__Host-fourauth";

/// How long a browser keeps the cookie of a bound session, in seconds.
const BOUND_SECONDS: u64 = 540;

/// Sends a form from a page of the portal, and gives the status and the text of the answer.
const POST: &str = "const [path, fields, done] = arguments;
    fetch(path, { method: 'POST', body: new URLSearchParams(fields) })
        .then((answer) => answer.text()).then(done, (error) => done(String(error)));";

/// Reads a page.
const GET: &str = "const [path, done] = arguments;
    fetch(path).then((answer) => answer.text()).then(done, (error) => done(String(error)));";

/// A client that has signed Carol in, and what the sign-in offered.
struct Visitor<'a> {
    portal: &'a Portal,
    http: Client,
    token: String,
    challenge: GrantToken,
}

impl Portal {
    pub(crate) fn certificate(&self) -> PathBuf {
        quick(self.web.server().folder()).certificate_file()
    }

    /// Signs Carol in without a browser.
    async fn visitor(&self, carol: &Persona) -> Visitor<'_> {
        let pem = fs::read(self.certificate()).unwrap();
        let trusted = [Certificate::from_pem(&pem).unwrap()];
        let http = Client::builder().tls_certs_only(trusted).no_proxy().redirect(Policy::none());
        let mut visitor = Visitor {
            portal: self,
            http: http.build().unwrap(),
            token: String::new(),
            challenge: GrantToken::from_bytes([0; 32]),
        };
        self.web.server().clock().advance_ms(MINUTE_MS);
        let (name, password) = (carol.username.as_str(), carol.password.expose().as_str());
        let form = [("identifier", name), ("password", password)];
        let first = visitor.post("/sign-in", "").form(&form).send().await.unwrap();
        let grant = set_cookie(&first, "__Host-mfa").unwrap();
        let code = carol.code(self.web.server().now());
        let form = [("identifier", name), ("otp", code.as_str())];
        let second = visitor.post("/sign-in/code", &grant).form(&form).send().await.unwrap();
        let offer = header(&second, "secure-session-registration");
        let challenge = offer.strip_prefix("(ES256);path=\"/session/bind\";challenge=\"").unwrap();
        visitor.challenge = GrantToken::parse(challenge.strip_suffix('"').unwrap()).unwrap();
        visitor.token = cookie_value(&second).0;
        visitor
    }
}

impl Visitor<'_> {
    fn post(&self, path: &str, cookie: &str) -> reqwest::RequestBuilder {
        let origin = &self.portal.origin;
        let request = self.http.post(self.portal.url(path)).header("origin", origin);
        request.header("sec-fetch-site", "same-origin").header("cookie", cookie)
    }

    /// A request of the browser for its session, with a proof or without one.
    async fn prove(&self, path: &str, proof: Option<String>) -> Response {
        let mut request = self.post(path, &format!("{COOKIE}={}", self.token));
        if let Some(proof) = proof {
            request = request.header("secure-session-response", proof);
        }
        request.send().await.unwrap()
    }

    async fn page(&self, token: &str) -> StatusCode {
        let request = self.http.get(self.portal.url("/account"));
        request.header("cookie", format!("{COOKIE}={token}")).send().await.unwrap().status()
    }
}

fn header(answer: &Response, name: &str) -> String {
    let value = answer.headers().get(name).unwrap_or_else(|| panic!("{name}: {answer:?}"));
    value.to_str().unwrap().to_owned()
}

/// The text `NAME=VALUE` of a cookie that an answer sets.
fn set_cookie(answer: &Response, name: &str) -> Option<String> {
    let all = answer.headers().get_all("set-cookie").iter().map(|it| it.to_str().unwrap());
    let found = all.filter_map(|it| it.split(';').next()).find(|it| it.starts_with(name));
    found.map(str::to_owned)
}

/// The token in the cookie of an answer, and the attributes of the cookie.
fn cookie_value(answer: &Response) -> (String, String) {
    let mut all = answer.headers().get_all("set-cookie").iter().map(|it| it.to_str().unwrap());
    let found = all.find_map(|it| it.strip_prefix("__Host-fourauth="));
    let (value, rest) = found.unwrap_or_else(|| panic!("{answer:?}")).split_once("; ").unwrap();
    (value.to_owned(), rest.to_owned())
}

/// The body of an answer.
async fn json_of(answer: Response) -> Value {
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

/// The challenge of an answer that asks for a proof.
fn asked(answer: &Response) -> GrantToken {
    assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{answer:?}");
    let header = header(answer, "secure-session-challenge");
    let challenge = header.strip_prefix('"').unwrap().strip_suffix("\";id=\"fourauth\"").unwrap();
    GrantToken::parse(challenge).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_portal_binds_a_session_and_renews_its_cookie() {
    let portal = Portal::open().await;
    let carol = portal.carol().await;
    let visitor = portal.visitor(&carol).await;
    let key = BrowserKey::new();
    let proof = |proof: SessionProof| Some(text(&proof));
    let answer = visitor.prove("/session/bind", proof(key.registration(&visitor.challenge))).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let attributes = "Path=/; Max-Age=540; Secure; HttpOnly; SameSite=Strict";
    assert_eq!(cookie_value(&answer), (visitor.token.clone(), attributes.to_owned()));
    let told = json_of(answer).await;
    let path = told["refresh_url"].as_str().unwrap().to_owned();
    assert_eq!(
        told,
        json!({
            "session_identifier": "fourauth",
            "refresh_url": path,
            "scope": {
                "origin": portal.origin,
                "include_site": false,
                "scope_specification": [],
            },
            "credentials": [{
                "type": "cookie",
                "name": COOKIE,
                "attributes": "Path=/; Secure; HttpOnly; SameSite=Strict",
            }],
        })
    );

    portal.web.server().clock().advance_ms(11 * MINUTE_MS);
    assert_eq!(visitor.page(&visitor.token).await, StatusCode::SEE_OTHER);
    let challenge = asked(&visitor.prove(&path, None).await);
    // The draft puts the proof into quotation marks.
    let signed = text(&key.renewal(&challenge));
    let answer = visitor.prove(&path, Some(format!("\"{signed}\""))).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let (next, _) = cookie_value(&answer);
    assert_eq!(json_of(answer).await, told);
    assert_eq!(visitor.page(&next).await, StatusCode::OK);

    // A spent challenge gives no cookie, but another challenge.
    let spent = visitor.prove(&path, Some(signed)).await;
    assert!(set_cookie(&spent, COOKIE).is_none());
    assert!(portal.row().await.contains("lost=challenge_spent"));
    let stolen = visitor.prove(&path, proof(BrowserKey::new().renewal(&asked(&spent)))).await;
    assert!(set_cookie(&stolen, COOKIE).is_none());
    assert!(portal.row().await.contains("proof=signature"));
    let answer = visitor.prove(&path, proof(key.renewal(&asked(&stolen)))).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_told_that_a_bound_session_has_ended() {
    let portal = Portal::open().await;
    let carol = portal.carol().await;
    let visitor = portal.visitor(&carol).await;
    let key = BrowserKey::new();
    let proof = text(&key.registration(&visitor.challenge));
    let told = json_of(visitor.prove("/session/bind", Some(proof)).await).await;
    let path = told["refresh_url"].as_str().unwrap();
    let proof = Some(text(&key.renewal(&asked(&visitor.prove(path, None).await))));
    let cookie = format!("{COOKIE}={}", visitor.token);
    assert_eq!(
        visitor.post("/sign-out", &cookie).form(&[("a", "b")]).send().await.unwrap().status(),
        200
    );
    for proof in [None, proof] {
        let answer = visitor.prove(path, proof).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(set_cookie(&answer, COOKIE).is_none());
        let told = json_of(answer).await;
        assert_eq!(told, json!({ "session_identifier": "fourauth", "continue": false }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_site_neither_binds_nor_renews_a_session() {
    let portal = Portal::open().await;
    let carol = portal.carol().await;
    let visitor = portal.visitor(&carol).await;
    let proof = text(&BrowserKey::new().registration(&visitor.challenge));
    for path in ["/session/bind", "/session/renew/00000000000000000000000000000000"] {
        let request = visitor.http.post(portal.url(path));
        let request = request.header("cookie", format!("{COOKIE}={}", visitor.token));
        let request = request.header("secure-session-response", &proof);
        let foreign = request.header("sec-fetch-site", "cross-site").send().await.unwrap();
        assert_eq!(foreign.status(), StatusCode::FORBIDDEN, "{path}");
        assert!(foreign.headers().get("secure-session-challenge").is_none());
        let answer = visitor.prove(path, Some("a.b.c".into())).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{path}");
    }
    let answer = visitor.prove("/session/bind", None).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let answer = visitor.prove("/session/bind", Some(proof)).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

/// A Chromium that binds its sessions.
fn chromium(portal: &Portal, whose: &str) -> Browser {
    let certificate = portal.certificate();
    portal.browser(whose, |launch| launch.bound_sessions = Some(certificate))
}

pub(crate) fn cookie(browser: &mut Browser) -> String {
    browser.text(&json!({ "action": "cookie", "name": COOKIE }))
}

/// Types what the pages of the sign-in ask for, and waits until the browser has bound its session.
fn sign_in(portal: &Portal, browser: &mut Browser, carol: &Persona) {
    portal.web.server().clock().advance_ms(MINUTE_MS);
    browser.go(&portal.url("/sign-in"));
    browser.fill("Name, mail address or telephone number", carol.username.as_str());
    browser.fill("Password", carol.password.expose());
    browser.click("Continue");
    let code = carol.code(portal.web.server().now());
    browser.fill("Code from your authenticator app", code.as_str());
    browser.click("Continue");
    browser.see("You are signed in as");
    wait_until_bound(browser);
}

/// Waits until the cookie of the browser has the short life of a bound session.
pub(crate) fn wait_until_bound(browser: &mut Browser) {
    let wait = json!({ "action": "shorter_cookie", "name": COOKIE, "seconds": BOUND_SECONDS });
    browser.act(&wait);
}

/// Forgets the cookie, as the browser does a minute before its token expires.
pub(crate) fn forget(browser: &mut Browser) {
    browser.act(&json!({ "action": "forget_cookie", "name": COOKIE }));
}

/// Copies the cookie of a bound session to another browser, which can use it for ten minutes only. Returns
/// the cookie.
fn only_the_copy_ends(portal: &Portal, browser: &mut Browser) -> String {
    let copied = cookie(browser);
    let mut thief = chromium(portal, "thief");
    thief.act(&json!({ "action": "set_cookie", "url": portal.origin, "value": copied }));
    thief.go(&portal.url("/account"));
    assert_eq!(thief.heading(), "Your account");

    portal.web.server().clock().advance_ms(10 * MINUTE_MS);
    thief.go(&portal.url("/account"));
    assert_eq!(thief.heading(), "Sign in");
    thief.close();
    // The browser has forgotten its cookie a minute before, and gets the next one by its key.
    forget(browser);
    browser.go(&portal.url("/account"));
    assert_eq!(browser.heading(), "Your account");
    copied
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copied_cookie_is_refused_after_ten_minutes() {
    let portal = Portal::open().await;
    let carol = portal.carol().await;
    let mut browser = chromium(&portal, "carol");
    sign_in(&portal, &mut browser, &carol);
    assert!(portal.row().await.starts_with("Session bound. session="));
    browser.go(&portal.url("/account"));
    browser.see("A copy of this session is of use for ten minutes at most.");

    let copied = only_the_copy_ends(&portal, &mut browser);
    assert_ne!(cookie(&mut browser), copied);
    assert!(portal.row().await.starts_with("Session renewed. session="));
    browser.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_with_the_face_is_bound_as_well() {
    let portal = Portal::open().await;
    let alice = portal.web.server().enrol("alice", "obama.jpg").await;
    let camera = portal.film(ALICE);
    let certificate = portal.certificate();
    let mut browser = portal.browser("alice", |launch| {
        launch.camera = Some(camera);
        launch.bound_sessions = Some(certificate);
    });
    portal.come_to_the_face(&mut browser, &alice);
    portal.show_the_face(&mut browser);
    browser.see("You are signed in as");
    wait_until_bound(&mut browser);
    only_the_copy_ends(&portal, &mut browser);
    browser.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_keeps_its_session_over_a_restart() {
    let portal = Portal::open().await;
    let carol = portal.carol().await;
    let mut browser = chromium(&portal, "carol");
    sign_in(&portal, &mut browser, &carol);
    browser.close();
    portal.web.server().clock().advance_ms(60 * MINUTE_MS);
    let mut browser = chromium(&portal, "carol");
    forget(&mut browser);
    browser.go(&portal.url("/account"));
    assert_eq!(browser.heading(), "Your account");
    // A second sign-in takes the place of the first one.
    sign_in(&portal, &mut browser, &carol);
    forget(&mut browser);
    browser.go(&portal.url("/account"));
    assert_eq!(browser.content().matches("This sign-in").count(), 1);
    browser.click_last("End");
    browser.wait_for("#sessions");
    forget(&mut browser);
    browser.go(&portal.url("/account"));
    assert_eq!(browser.heading(), "Your account");
    // After a sign-out the key is of no use.
    browser.go(&portal.url("/sign-out"));
    browser.press_on("main button");
    browser.wait_for("main a[href='/sign-in']");
    browser.go(&portal.url("/account"));
    assert_eq!(browser.heading(), "Sign in");
    browser.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_in_firefox_is_as_before() {
    let portal = Portal::open().await;
    let carol = portal.carol().await;
    let profile = portal.folder.path().join("firefox");
    let mut firefox = Firefox::launch(&profile).await;
    let clock = portal.web.server().clock();
    clock.advance_ms(MINUTE_MS);
    firefox.go(&portal.url("/sign-in"));
    let name = carol.username.as_str();
    let fields = json!({ "identifier": name, "password": carol.password.expose() });
    let page = firefox.run(POST, &json!(["/sign-in", fields]));
    assert!(page.as_str().unwrap().contains("autocomplete=\"one-time-code\""), "{page}");
    let code = carol.code(portal.web.server().now());
    let fields = json!({ "identifier": name, "otp": code.as_str() });
    firefox.run(POST, &json!(["/sign-in/code", fields]));
    // Its token lives for an hour, and is renewed without a proof.
    for minutes in [0, 30, 31] {
        clock.advance_ms(minutes * MINUTE_MS);
        let page = firefox.run(GET, &json!(["/account"]));
        let page = page.as_str().unwrap();
        assert!(page.contains("You are signed in as"), "{minutes}: {page}");
        assert!(!page.contains("ten minutes at most"), "{page}");
    }
    assert!(portal.row().await.starts_with("renew session="));
    firefox.close();
}
