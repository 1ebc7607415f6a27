//! One's own sign-ins, and the language of the pages.

use super::{MINUTE_MS, Portal};
use fourauth_tests::{browser::Browser, persona::Persona};
use serde_json::json;

/// Signs Carol in, and waits for her account.
pub(super) fn sign_in(portal: &Portal, whose: &str, carol: &Persona) -> Browser {
    portal.web.server().clock().advance_ms(MINUTE_MS);
    let mut browser = portal.browser(whose, |_| {});
    browser.go(&portal.url("/account"));
    browser.fill("Name, mail address or telephone number", carol.username.as_str());
    browser.fill("Password", carol.password.expose());
    browser.click("Continue");
    let code = carol.code(portal.web.server().now());
    browser.fill("Code from your authenticator app", code.as_str());
    browser.click("Continue");
    browser.see("You are signed in as");
    browser
}

/// How many sign-ins the page shows.
fn shown(browser: &mut Browser) -> usize {
    browser.content().matches("Address\n").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_ends_one_sign_in_and_all() {
    let portal = Portal::open().await;
    let carol = portal.carol().await;
    let mut first = sign_in(&portal, "first", &carol);
    let mut second = sign_in(&portal, "second", &carol);
    assert_eq!(shown(&mut second), 2);
    // The newest comes first, so the last button is that of the other browser.
    second.click_last("End");
    second.wait_for("#sessions");
    assert_eq!(shown(&mut second), 1);
    first.go(&portal.url("/account"));
    assert_eq!(first.heading(), "Sign in");
    first.close();

    second.click("End all");
    second.see("Name, mail address or telephone number");
    second.go(&portal.url("/account"));
    assert_eq!(second.heading(), "Sign in");
    second.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_chooses_a_language_and_it_stays() {
    let portal = Portal::open().await;
    let mut browser = portal.browser("anyone", |launch| launch.language = "fr");
    browser.go(&portal.url("/sign-in"));
    assert_eq!(browser.heading(), "Sign in");
    browser.click("Deutsch");
    browser.see("Anmelden");
    browser.close();
    let mut browser = portal.browser("anyone", |_| {});
    browser.go(&portal.url("/sign-in"));
    assert_eq!(browser.heading(), "Anmelden");
    browser.click("العربية");
    browser.see("كلمة المرور");
    browser.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_devices_is_told_what_to_do_next() {
    let portal = Portal::open().await;
    let carol = portal.carol().await;
    let mut browser = sign_in(&portal, "carol", &carol);
    browser.see("No device has a key yet. Sign in with your face in this browser");
    browser.close();
}

/// What the page of the revocation asks for.
fn revoke(browser: &mut Browser, password: &str, code: &str) {
    browser.fill("Password", password);
    browser.fill("Code from your authenticator app", code);
    browser.click("Revoke");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_revokes_a_device_and_makes_a_new_key() {
    let portal = Portal::open().await;
    let alice = portal.web.server().enrol("alice", "obama.jpg").await;
    let mut browser = portal.browser_of_alice(&alice);
    browser.go(&portal.url("/account/devices/revoke?device=other"));
    assert!(!browser.content().contains("your only device"), "another device is no reason to warn");
    browser.go(&portal.url("/account"));
    browser.click("Revoke");
    browser.see("The key of");
    browser.see("This is your only device.");
    browser.see("This is the browser that you use now.");
    portal.a_minute_later(&mut browser);
    let now = portal.web.server().now();
    revoke(&mut browser, "violet-Ox-43", alice.code(now).as_str());
    assert_eq!(browser.complaint(), "The password is wrong.");
    revoke(&mut browser, alice.password.expose(), alice.wrong_code(now).as_str());
    // The page before has an alert as well.
    browser.see("The code is wrong.");
    assert!(browser.complaint().starts_with("The code is wrong."));
    revoke(&mut browser, alice.password.expose(), alice.code(now).as_str());
    browser.see("The device is revoked");
    let row = portal.row().await;
    assert!(row.contains("device=match(key,web)"), "{row}");

    // The session has ended, and the key counts no more.
    browser.go(&portal.url("/account"));
    assert_eq!(browser.heading(), "Sign in");
    portal.come_to_the_face(&mut browser, &alice);
    portal.show_the_face(&mut browser);
    browser.see("Was the key of this browser revoked?");
    let command = browser.text_of("#command");
    browser.click("Make a new key for this browser");
    browser.see("This browser has a new key.");
    let renewed = browser.text_of("#command");
    assert!(renewed.starts_with("fourauth device add --pubkey ed25519:"), "{renewed}");
    assert_ne!(renewed, command);
    browser.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_is_no_device_revokes_none() {
    let portal = Portal::open().await;
    let alice = portal.web.server().enrol("alice", "obama.jpg").await;
    let mut browser = portal.browser_of_alice(&alice);
    let cookie = browser.text(&json!({ "action": "cookie", "name": "__Host-fourauth" }));
    browser.close();
    // The cookie was copied into a browser without the key.
    let mut other = portal.browser("other", |_| {});
    other.act(&json!({ "action": "set_cookie", "url": portal.origin, "value": cookie }));
    other.go(&portal.url("/account"));
    other.click("Revoke");
    other.see("The key of");
    portal.a_minute_later(&mut other);
    let code = alice.code(portal.web.server().now());
    revoke(&mut other, alice.password.expose(), code.as_str());
    assert!(other.complaint().starts_with("This browser is not one of your devices."));
    other.close();
}
