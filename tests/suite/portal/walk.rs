//! Walks through all pages, in any language: each page is given to a check with its name.

use super::{MINUTE_MS, Portal, forgotten::EMAIL, register::person};
use fourauth_tests::{browser::Browser, mailbox::Mailbox, persona::Persona};
use serde_json::json;

/// Types into the fields of a form, one after the other, and sends it.
fn fill_in(browser: &mut Browser, texts: &[&str]) {
    // The first field gets the focus a moment after the page is there.
    browser.wait_for("input:focus");
    for (number, text) in texts.iter().enumerate() {
        if number > 0 {
            browser.press(&["Tab"]);
        }
        browser.type_text(text);
    }
    browser.press(&["Enter"]);
}

/// The pages of a person without a face.
pub(super) fn sign_in(
    portal: &Portal,
    browser: &mut Browser,
    carol: &Persona,
    mut check: impl FnMut(&mut Browser, &str),
) {
    portal.web.server().clock().advance_ms(MINUTE_MS);
    browser.go(&portal.url("/sign-in"));
    check(browser, "password");
    fill_in(browser, &[carol.username.as_str(), "violet-Ox-43"]);
    browser.complaint();
    check(browser, "wrong-password");
    browser.go(&portal.url("/sign-in"));
    fill_in(browser, &[carol.username.as_str(), carol.password.expose()]);
    browser.wait_for("#otp");
    check(browser, "code");
    fill_in(browser, &["000000"]);
    browser.complaint();
    check(browser, "wrong-code");
    let code = carol.code(portal.web.server().now());
    fill_in(browser, &[code.as_str()]);
    browser.wait_for("#sessions");
    check(browser, "account");
    browser.go(&portal.url("/account/devices/revoke?device=laptop"));
    check(browser, "revoke");
    let code = carol.code(portal.web.server().now());
    fill_in(browser, &["violet-Ox-43", code.as_str()]);
    browser.complaint();
    check(browser, "revoke-fault");
    browser.go(&portal.url("/sign-out"));
    check(browser, "sign-out");
    browser.press_on("main button");
    browser.wait_for("main a[href='/sign-in']");
    check(browser, "signed-out");
    browser.go(&portal.url("/nothing"));
    check(browser, "trouble");
}

/// The pages of a new account, to its recovery codes.
pub(super) fn registration(
    portal: &Portal,
    browser: &mut Browser,
    mut check: impl FnMut(&mut Browser, &str),
) {
    browser.go(&portal.url("/invitation?name=dora&invitation=x"));
    check(browser, "invitation");
    browser.go(&portal.url("/sign-up"));
    check(browser, "sign-up");
    fill_in(browser, &["dora", "", "", "violet-Ox-42", "violet-Ox-43"]);
    browser.complaint();
    check(browser, "sign-up-fault");
    browser.go(&portal.url("/sign-up"));
    fill_in(browser, &["dora", "", "", "violet-Ox-42", "violet-Ox-42"]);
    browser.wait_for("img.qr");
    check(browser, "authenticator");
    let uri = browser.text(&json!({ "action": "value", "selector": "input[name=uri]" }));
    let dora = person("dora", uri);
    fill_in(browser, &[dora.code(portal.web.server().now()).as_str()]);
    browser.wait_for("#start");
    check(browser, "enrol");
    browser.press_on("#consent");
    browser.press_on("#start");
    for _ in 1..=5 {
        browser.press_on("#take");
    }
    browser.wait_for("#send:visible");
    check(browser, "enrol-taken");
    portal.web.server().clock().advance_ms(1000);
    browser.press_on("#send");
    browser.wait_for("#codes:visible");
    check(browser, "codes");
}

/// Signs an administrator in with every factor, in any language, on the way to the console.
pub(crate) fn sign_in_by_camera(portal: &Portal, browser: &mut Browser, alice: &Persona) {
    portal.web.server().clock().advance_ms(MINUTE_MS);
    browser.go(&portal.url("/console"));
    fill_in(browser, &[alice.username.as_str(), alice.password.expose()]);
    browser.wait_for("#otp");
    fill_in(browser, &[alice.code(portal.web.server().now()).as_str()]);
    browser.wait_for("#start");
    portal.web.server().clock().advance_ms(1000);
    browser.press_on("#start");
    browser.press_on("#take");
    browser.press_on("#send");
    browser.wait_for("#search");
}

/// The page with the camera, to a sign-in or a refusal.
pub(super) fn camera(
    portal: &Portal,
    browser: &mut Browser,
    alice: &Persona,
    mut check: impl FnMut(&mut Browser, &str),
) {
    portal.web.server().clock().advance_ms(MINUTE_MS);
    browser.go(&portal.url("/sign-in"));
    fill_in(browser, &[alice.username.as_str(), alice.password.expose()]);
    browser.wait_for("#otp");
    let code = alice.code(portal.web.server().now());
    fill_in(browser, &[code.as_str()]);
    browser.wait_for("#face");
    check(browser, "face");
    browser.press_on("#start");
    browser.wait_for("#take:visible");
    check(browser, "face-camera");
    browser.press_on("#take");
    browser.wait_for("#send:visible");
    check(browser, "face-taken");
    browser.press_on("#send");
    // The first browser becomes a device, and all others are refused.
    browser.wait_for("#devices, #new-key:visible");
    check(browser, "face-sent");
}

/// The pages of a browser that asks to become a device, `browsers.1`, and of the one that decides.
pub(super) fn asking(
    portal: &Portal,
    browsers: (&mut Browser, &mut Browser),
    alice: &Persona,
    mut check: impl FnMut(&mut Browser, &str),
) {
    let (first, second) = browsers;
    let clock = portal.web.server().clock();
    camera(portal, second, alice, |_, _| {});
    clock.advance_ms(1000);
    second.press_on("#ask-go");
    second.wait_for("#asked:visible");
    check(second, "asked");
    first.go(&portal.url("/account"));
    check(first, "account-request");
    first.press_on("form[action='/account/devices/request'] button");
    first.wait_for("#otp");
    check(first, "request");
    for (password, shown, name) in [
        ("violet-Ox-43", "#password-fault", "request-fault"),
        (alice.password.expose(), "p[role=status]", "request-refused"),
    ] {
        clock.advance_ms(MINUTE_MS);
        first.set_clock(portal.web.server().now());
        first.press_on("#password");
        first.type_text(password);
        first.press(&["Tab"]);
        first.type_text(alice.code(portal.web.server().now()).as_str());
        first.press_on("button[value=refuse]");
        first.wait_for(shown);
        check(first, name);
    }
}

/// The pages of a forgotten password and of the recoveries.
pub(super) async fn recovery(
    portal: &Portal,
    browser: &mut Browser,
    mailbox: &mut Mailbox,
    mut check: impl FnMut(&mut Browser, &str),
) {
    portal.web.server().clock().advance_ms(MINUTE_MS);
    browser.go(&portal.url("/forgotten"));
    check(browser, "forgotten");
    fill_in(browser, &["a\u{200b}b"]);
    browser.complaint();
    check(browser, "forgotten-name");
    browser.go(&portal.url("/forgotten"));
    fill_in(browser, &[EMAIL]);
    browser.wait_for("#otp");
    check(browser, "forgotten-code");
    let code = mailbox.reset_code().await;
    fill_in(browser, &[code.as_str()]);
    browser.wait_for("#new-password");
    check(browser, "forgotten-password");
    fill_in(browser, &["password", "other"]);
    browser.complaint();
    check(browser, "forgotten-fault");
    fill_in(browser, &["amber-Fox-17", "amber-Fox-17"]);
    browser.wait_for("p[role=status]");
    check(browser, "forgotten-done");
    for path in ["", "/authenticator", "/password", "/face", "/device"] {
        browser.go(&portal.url(&format!("/recover{path}")));
        check(browser, &format!("recover{}", path.replace('/', "-")));
    }
    // What a page shows after a refusal, and at its end.
    browser.go(&portal.url("/recover/authenticator"));
    browser.act(&json!({ "action": "show", "selectors": ["#done", "#add"] }));
    check(browser, "recover-done");
}
