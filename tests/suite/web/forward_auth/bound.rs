//! A copied cookie, in Chromium, behind nginx.

use super::{EMAIL, PASSWORD, programs::Program, proxies::Street};
use crate::portal::bound::{cookie, forget, wait_until_bound};
use fourauth_tests::browser::{Browser, Launch};
use serde_json::json;
use std::{fs, path::Path, time::Duration};
use tokio::time::sleep;

const TEN_MINUTES_MS: i64 = 600_000;

/// The cookie that the services of the domain see.
const VISIT: &str = "__Secure-fourauth-fa";

fn chromium(street: &Street, folder: &Path, whose: &str) -> Browser {
    let certificate = folder.join("certificate.pem");
    fs::write(&certificate, &street.proxy.certificate).unwrap();
    let (profile, origin) = (folder.join(whose), street.url("auth", ""));
    let mut launch = Launch::new(&profile, &origin);
    launch.bound_sessions = Some(certificate);
    // From 127.0.0.1 comes the proxy itself.
    launch.hosts = Some("MAP *.example.test [::1]");
    Browser::launch(&launch)
}

#[tokio::test(flavor = "multi_thread")]
async fn copied_cookies_open_no_service_after_ten_minutes() {
    let street = Street::open(Program::Nginx).await;
    let folder = tempfile::tempdir().unwrap();
    let (wiki, auth) = (street.url("wiki", "/page"), street.url("auth", ""));
    let mut browser = chromium(&street, folder.path(), "carol");
    browser.go(&wiki);
    browser.fill("Name, mail address or telephone number", EMAIL);
    browser.fill("Password", PASSWORD);
    browser.click("Continue");
    browser.see("THE SERVICE RECEIVED");
    wait_until_bound(&mut browser);

    let session = cookie(&mut browser);
    let visit = browser.text(&json!({ "action": "cookie", "name": VISIT }));
    let mut thief = chromium(&street, folder.path(), "thief");
    thief.act(&json!({ "action": "set_cookie", "url": auth, "value": session }));
    thief.act(&json!({ "action": "set_cookie", "url": wiki, "value": visit, "name": VISIT }));
    thief.go(&wiki);
    assert!(thief.content().contains("THE SERVICE RECEIVED"), "the copies are of use at first");

    street.door.web.server().clock().advance_ms(TEN_MINUTES_MS);
    // The gateway remembers an answer for a second of the real clock.
    sleep(Duration::from_millis(1100)).await;
    thief.go(&wiki);
    assert_eq!(thief.heading(), "Sign in");
    thief.close();
    forget(&mut browser);
    browser.go(&wiki);
    browser.see("THE SERVICE RECEIVED");
    assert_ne!(cookie(&mut browser), session);
    browser.close();
}
