//! A copied cookie of an administrator, in the console.

use super::{MINUTE_MS, pages::Desk};
use crate::portal::{
    ALICE,
    bound::{cookie, forget, wait_until_bound},
};
use fourauth_tests::browser::Browser;
use serde_json::json;

fn chromium(desk: &Desk, whose: &str) -> Browser {
    let (camera, certificate) = (desk.portal.film(ALICE), desk.portal.certificate());
    desk.portal.browser(whose, |launch| {
        launch.camera = Some(camera);
        launch.bound_sessions = Some(certificate);
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copied_cookie_leaves_the_console_after_ten_minutes() {
    let desk = Desk::open().await;
    let mut browser = chromium(&desk, "alice");
    desk.sign_in(&mut browser);
    wait_until_bound(&mut browser);
    let copied = cookie(&mut browser);
    let mut thief = chromium(&desk, "thief");
    let origin = desk.portal.url("");
    thief.act(&json!({ "action": "set_cookie", "url": origin, "value": copied }));
    thief.go(&desk.portal.url("/console"));
    assert_eq!(thief.heading(), "People", "the copy is of use at first");

    desk.portal.web.server().clock().advance_ms(10 * MINUTE_MS);
    thief.go(&desk.portal.url("/console"));
    assert_eq!(thief.heading(), "Sign in");
    thief.close();
    forget(&mut browser);
    browser.go(&desk.portal.url("/console"));
    assert_eq!(browser.heading(), "People");
    assert_ne!(cookie(&mut browser), copied);
    browser.close();
}
