//! One's own sign-ins, and the language of the pages.

use super::{MINUTE_MS, Portal};
use fourauth_tests::{browser::Browser, persona::Persona};

/// Signs Carol in, and waits for her account.
fn sign_in(portal: &Portal, whose: &str, carol: &Persona) -> Browser {
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
