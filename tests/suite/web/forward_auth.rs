//! Forward-auth: what a proxy is told about the requests of its visitors, and how they sign in.

mod answers;
mod bound;
mod browser;
mod entry;
mod programs;
mod proxies;

use fourauth_config::{Config, WebListener, WebResource};
use fourauth_protocol::{
    command::{Command, SelfRegister},
    contact::Email,
    mac_address::MacAddress,
    secret::Secret,
};
use fourauth_tests::{persona::Persona, web::WebServer};
use reqwest::{Client, Method, RequestBuilder, Response, header::SET_COOKIE, redirect};
use serde_json::json;
use std::net::SocketAddr;

const EMAIL: &str = "carol@example.org";
const PASSWORD: &str = "violet-Ox-42";

/// The address of the visitor in most tests, as the proxy names it.
const VISITOR: &str = "198.51.100.7";

/// Everything about the host of a service: a public path, one for administrators, and the rest.
const RULES: &str = r#"
    domain = "example.test"
    [[rule]]
    hosts = ["wiki.example.test"]
    paths = ["/public"]
    access = "public"
    [[rule]]
    hosts = ["wiki.example.test"]
    paths = ["/admin"]
    groups = ["ops"]
    [[rule]]
    hosts = ["wiki.example.test"]
    paths = ["/vault"]
    level = 2
    [[rule]]
    hosts = ["wiki.example.test"]
"#;

/// A gateway behind a proxy on this machine, and a person with a password.
struct Door {
    web: WebServer,
    client: Client,
}

impl Door {
    async fn open() -> Self {
        Self::with(behind_a_proxy).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let web = WebServer::configured(change).await;
        let email = Email::parse(EMAIL).unwrap();
        let register = SelfRegister::new(email, Secret::new(PASSWORD.to_owned()));
        let registered =
            web.server().client().send_once(Command::SelfRegister(register)).await.unwrap();
        assert!(registered.is_ok(), "{registered:?}");
        let client = Client::builder().redirect(redirect::Policy::none()).no_proxy();
        Self { web, client: client.build().unwrap() }
    }

    /// A request that the proxy passes on from `VISITOR`.
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let address = self.web.plain_address();
        let request = self.client.request(method, format!("http://{address}{path}"));
        request.header("x-forwarded-for", VISITOR)
    }

    /// The question of the proxy about a page of the wiki.
    fn ask(&self, uri: &str) -> RequestBuilder {
        self.ask_about("GET", "wiki.example.test", uri)
    }

    fn ask_about(&self, method: &str, host: &str, uri: &str) -> RequestBuilder {
        self.request(Method::GET, "/forward-auth")
            .header("x-forwarded-method", method)
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-host", host)
            .header("x-forwarded-uri", uri)
    }

    async fn sign_in(&self, to: &str) -> Response {
        let form = [("identifier", EMAIL), ("password", PASSWORD), ("to", to)];
        self.post("/sign-in", &form).send().await.unwrap()
    }

    fn post(&self, path: &str, form: &[(&str, &str)]) -> RequestBuilder {
        let pairs = form.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
        self.request(Method::POST, path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(pairs.collect::<Vec<_>>().join("&"))
    }

    /// A check token of Carol for a service.
    async fn check_token_for(&self, service: &str) -> String {
        let session = self.session().await;
        let token = session.split_once('=').unwrap().1;
        let exchange = self.request(Method::POST, "/api/v1/session/exchange").bearer_auth(token);
        let body = json!({ "audience": service }).to_string();
        let exchange = exchange.header("content-type", "application/json").body(body);
        let answer = exchange.send().await.unwrap().text().await.unwrap();
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        answer["token"].as_str().unwrap().to_owned()
    }

    /// The session of Carol after signing in, as its cookie.
    async fn session(&self) -> String {
        cookie(&self.sign_in("").await, "__Host-fourauth").unwrap()
    }

    async fn enter(&self, session: &str) -> Response {
        let path = "/forward-auth/enter?to=https%3A%2F%2Fwiki.example.test%2Fpage";
        self.request(Method::GET, path).header("cookie", session).send().await.unwrap()
    }

    /// A check token in its cookie.
    async fn visit(&self, session: &str) -> String {
        cookie(&self.enter(session).await, "__Secure-fourauth-fa").unwrap()
    }
}

fn behind_a_proxy(config: &mut Config) {
    config.sign_in.two_steps = true;
    config.sign_in.self_registration = true;
    config.web.proxies = vec!["127.0.0.1".parse().unwrap()];
    config.web.origin = Some("https://auth.example.test".parse().unwrap());
    config.web.forward_auth = Some(toml::from_str(RULES).unwrap());
    config.web.listener = [true, false].map(listener).into();
}

fn listener(tls: bool) -> WebListener {
    let resources = vec![WebResource::ForwardAuth, WebResource::Compat, WebResource::Api];
    WebListener { bind: SocketAddr::from(([127, 0, 0, 1], 0)), tls, resources }
}

/// A text in an address, with every byte encoded.
fn encoded(text: &str) -> String {
    let bytes: Vec<_> = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
    bytes.concat()
}

/// The cookie of this name, as a browser sends it back. `None` if it was not set.
fn cookie(response: &Response, name: &str) -> Option<String> {
    let set = attributes(response, name)?;
    Some(set.split(';').next()?.to_owned())
}

/// A whole `Set-Cookie`.
fn attributes(response: &Response, name: &str) -> Option<String> {
    let all = response.headers().get_all(SET_COOKIE).iter();
    let texts = all.map(|value| value.to_str().unwrap().to_owned());
    texts.into_iter().find(|text| text.starts_with(&format!("{name}=")))
}

/// The value of a header, which must be there.
fn header(response: &Response, name: &str) -> String {
    response.headers()[name].to_str().unwrap().to_owned()
}

/// Carol with an authenticator that works.
async fn with_authenticator(door: &Door, email: &str) -> Persona {
    let body = json!({ "email": email, "password": PASSWORD }).to_string();
    let register = door.request(Method::POST, "/register");
    let register = register.header("content-type", "application/json").body(body);
    let answer: serde_json::Value =
        serde_json::from_str(&register.send().await.unwrap().text().await.unwrap()).unwrap();
    let uri = answer["mfa_provisioning_uri"].as_str().unwrap().to_owned();
    let mac = MacAddress::parse("00:1b:44:11:3a:b7").unwrap();
    let person = Persona::new(email, Secret::new(PASSWORD.to_owned()), mac, &Secret::new(uri));
    let code = person.code(door.web.server().now());
    let body = json!({ "email": email, "otp": code.as_str() }).to_string();
    let confirm = door.request(Method::POST, "/enable-mfa");
    let confirm = confirm.header("content-type", "application/json").body(body);
    assert!(confirm.send().await.unwrap().status().is_success());
    person
}
