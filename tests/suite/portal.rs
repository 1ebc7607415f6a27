//! The portal, in a real browser with a camera.

mod account;
mod ask;
pub(crate) mod bound;
mod challenge;
mod face;
mod forgotten;
mod keyboard;
mod marked;
mod more;
mod other_browsers;
mod pages;
mod recover;
mod register;
mod trouble;
mod walk;

pub(crate) use marked::{check as check_marks, marked};
pub(crate) use pages::check;
pub(crate) use walk::sign_in_by_camera;

use fourauth_config::{Config, WebListener, WebResource};
use fourauth_gateway::{TextsOf, texts};
use fourauth_protocol::{
    command::{Command, ConfirmTotp, SelfRegister},
    contact::Email,
    mac_address::MacAddress,
    secret::Secret,
};
use fourauth_tests::{
    browser::{Browser, Launch, Part, film},
    persona::Persona,
    web::{WebServer, free_port},
};
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};
use tempfile::TempDir;

const MINUTE_MS: i64 = 60_000;

/// Where the face is in the pictures of the camera.
pub(crate) const ALICE: (&str, Part) = ("obama2.jpg", (0, 100, 626, 600));
const STRANGER: (&str, Part) = ("biden.jpg", (100, 20, 860, 645));

/// A portal, and a folder for browsers.
pub(crate) struct Portal {
    pub(crate) web: WebServer,
    origin: String,
    folder: TempDir,
}

fn free_origin() -> (SocketAddr, String) {
    let bind = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
    (bind, format!("https://localhost:{}", bind.port()))
}

/// The portal at this address, with every page of it.
fn configure(config: &mut Config, bind: SocketAddr, origin: &str) {
    config.sign_in.two_steps = true;
    config.sign_in.self_registration = true;
    config.audit.checkpoint_s = 1;
    config.web.origin = Some(origin.parse().unwrap());
    let resources = vec![WebResource::Portal];
    config.web.listener = vec![WebListener { bind, tls: true, resources }];
}

impl Portal {
    async fn open() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::shown_in(texts, change).await
    }

    /// A portal with other texts on its pages.
    pub(crate) async fn shown_in(texts: TextsOf, change: impl FnOnce(&mut Config)) -> Self {
        let (bind, origin) = free_origin();
        let web = WebServer::with_texts(texts, |config| {
            configure(config, bind, &origin);
            change(config);
        })
        .await;
        Self { web, origin, folder: tempfile::tempdir().unwrap() }
    }

    /// A portal that does not judge liveness: the moving faces of a test are made of one picture.
    async fn without_liveness(change: impl FnOnce(&mut Config)) -> Self {
        let (bind, origin) = free_origin();
        let web = WebServer::without_liveness(texts, |config| {
            configure(config, bind, &origin);
            change(config);
        })
        .await;
        Self { web, origin, folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    pub(crate) fn film(&self, (name, part): (&str, Part)) -> PathBuf {
        film(self.folder.path(), name, part)
    }

    /// A browser of the person with this name, after `change` to how it is started.
    pub(crate) fn browser(&self, whose: &str, change: impl FnOnce(&mut Launch<'_>)) -> Browser {
        let profile = self.folder.path().join(whose);
        let mut launch = Launch::new(&profile, &self.origin);
        change(&mut launch);
        Browser::launch(&launch)
    }

    /// From the first page to that of the face.
    pub(crate) fn come_to_the_face(&self, browser: &mut Browser, alice: &Persona) {
        self.web.server().clock().advance_ms(MINUTE_MS);
        browser.go(&self.url("/sign-in"));
        browser.fill("Name, mail address or telephone number", alice.username.as_str());
        browser.fill("Password", alice.password.expose());
        browser.click("Continue");
        browser.see("One-time code");
        let code = alice.code(self.web.server().now());
        browser.fill("Code from your authenticator app", code.as_str());
        browser.click("Continue");
        browser.see("Show your face");
    }

    /// Takes a picture and sends it, a second later.
    pub(crate) fn show_the_face(&self, browser: &mut Browser) {
        self.web.server().clock().advance_ms(1000);
        browser.click("Use the camera");
        browser.click("Take the picture");
        browser.see("The pictures are taken.");
        browser.click("Sign in");
    }

    /// A browser that Alice has signed in with, so that its key is one of her devices.
    fn browser_of_alice(&self, alice: &Persona) -> Browser {
        let camera = self.film(ALICE);
        let mut browser = self.browser("alice", |launch| launch.camera = Some(camera));
        self.come_to_the_face(&mut browser, alice);
        self.show_the_face(&mut browser);
        browser.see("You are signed in as");
        browser
    }

    /// Lets the clock of a browser show that of the server, a minute later: every code is a new one.
    fn a_minute_later(&self, browser: &mut Browser) {
        self.web.server().clock().advance_ms(MINUTE_MS);
        browser.set_clock(self.web.server().now());
    }

    async fn row(&self) -> String {
        self.web.server().last_row().await.detail
    }

    /// A person with a password and an authenticator, and without a face.
    async fn carol(&self) -> Persona {
        const PASSWORD: &str = "violet-Ox-42";
        let email = Email::parse("carol@example.org").unwrap();
        let password = Secret::new(PASSWORD.to_owned());
        let register = SelfRegister::new(email.clone(), password.clone()).with_totp();
        let client = self.web.server().client();
        let answer = client.send_once(Command::SelfRegister(register)).await.unwrap();
        let mac = MacAddress::parse("00:1b:44:11:3a:b7").unwrap();
        let uri = answer.body.provisioning_uri.unwrap();
        let carol = Persona::new("carol@example.org", password, mac, &uri);
        let code = carol.code(self.web.server().now());
        let confirm = ConfirmTotp::by_grant(email, answer.body.grant).code(code);
        assert!(client.send_once(Command::ConfirmTotp(confirm)).await.unwrap().is_ok());
        carol
    }
}
