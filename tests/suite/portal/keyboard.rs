//! Signing in without a mouse.

use super::{MINUTE_MS, Portal};

#[tokio::test(flavor = "multi_thread")]
async fn a_person_without_a_face_signs_in_by_keyboard_alone() {
    let portal = Portal::open().await;
    let carol = portal.carol().await;
    portal.web.server().clock().advance_ms(MINUTE_MS);
    let mut browser = portal.browser("carol", |_| {});
    browser.go(&portal.url("/"));
    // The first field has the focus.
    // A moment after the page is there.
    browser.wait_for("#identifier:focus");
    browser.type_text(carol.username.as_str());
    browser.press(&["Tab"]);
    browser.type_text(carol.password.expose());
    browser.press(&["Enter"]);
    browser.see("One-time code");
    browser.wait_for("#otp:focus");
    let code = carol.code(portal.web.server().now());
    browser.type_text(code.as_str());
    browser.press(&["Tab", "Enter"]);
    browser.see("You are signed in as");
    assert!(browser.content().contains("sign-in: 2 of 4"));
    browser.close();
}
