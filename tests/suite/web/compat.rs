//! The routes of the two older HTTP systems, as their clients use them.

mod hostile;
mod otp;
mod sms;
mod totp;

use super::read;
use fourauth_config::Config;
use fourauth_protocol::{mac_address::MacAddress, secret::Secret};
use fourauth_tests::{
    mailbox::Mailbox, persona::Persona, sms_provider::SmsProvider, web::WebServer,
};
use reqwest::{
    Method, Response, StatusCode,
    header::{HeaderMap, SET_COOKIE},
};
use serde_json::{Value, json};

const EMAIL: &str = "carol@example.org";
const PASSWORD: &str = "violet-Ox-42";

/// A server that serves the two systems.
struct House {
    web: WebServer,
}

impl House {
    async fn open() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let web = WebServer::configured(|config| {
            config.sign_in.two_steps = true;
            config.sign_in.self_registration = true;
            change(config);
        });
        Self { web: web.await }
    }

    /// A server that also mails codes.
    async fn with_mail() -> (Self, Mailbox) {
        let mailbox = Mailbox::open().await;
        let house = Self::with(|config| {
            mailbox.receive(config);
            config.sign_in.password_reset = true;
        });
        (house.await, mailbox)
    }

    /// A server that sends codes as text messages.
    async fn with_sms() -> (Self, SmsProvider) {
        let provider = SmsProvider::open().await;
        let house = Self::with(|config| {
            provider.receive(config);
            config.sign_in.password_reset = true;
        });
        (house.await, provider)
    }

    async fn send(&self, path: &str, body: &Value) -> Response {
        self.web.post(path, &body.to_string()).send().await.unwrap()
    }

    async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        read(self.send(path, body).await).await
    }

    /// As the browser that has these cookies.
    async fn post_with(&self, path: &str, body: &Value, cookie: &str) -> (StatusCode, Value) {
        let request = self.web.post(path, &body.to_string()).header("cookie", cookie);
        read(request.send().await.unwrap()).await
    }
}

/// The cookie of this name, as a browser sends it back.
fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap());
    let mut found = all.filter(|text| text.starts_with(&format!("{name}=")));
    let text = found.next()?;
    for part in ["Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
        assert!(text.split("; ").any(|it| it == part), "{text}");
    }
    Some(text.split(';').next()?.to_owned())
}

/// The person with the authenticator of this answer.
fn person(answer: &Value) -> Persona {
    let uri = answer["mfa_provisioning_uri"].as_str().unwrap().to_owned();
    let mac = MacAddress::parse("00:1b:44:11:3a:b7").unwrap();
    Persona::new(EMAIL, Secret::new(PASSWORD.to_owned()), mac, &Secret::new(uri))
}

fn credentials() -> Value {
    json!({ "email": EMAIL, "password": PASSWORD })
}

fn said(text: &str) -> Value {
    json!({ "message": text })
}
