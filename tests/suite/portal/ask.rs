//! A second browser asks to become a device, and the first one adds it.

use super::{ALICE, Portal, check_marks, marked, pages, walk};
use fourauth_gateway::{TextsOf, texts};
use fourauth_tests::{browser::Browser, persona::Persona};

impl Portal {
    /// A second browser, at the page that shows the number.
    fn second_browser(&self, alice: &Persona) -> (Browser, String) {
        let camera = self.film(ALICE);
        let mut second = self.browser("second", |launch| launch.camera = Some(camera));
        self.come_to_the_face(&mut second, alice);
        self.show_the_face(&mut second);
        second.wait_for("#ask-go:visible");
        assert!(second.complaint().starts_with("This browser is not one of your devices."));
        pages::check(&mut second, "ask");
        self.web.server().clock().advance_ms(1000);
        second.click("Ask to add this browser");
        second.wait_for("#asked:visible");
        pages::check(&mut second, "asked");
        let number = second.text_of("#ask-number");
        assert_eq!(number.len(), 7, "{number}");
        (second, number)
    }

    /// Decides in the first browser.
    fn decide(&self, first: &mut Browser, alice: &Persona, password: &str, button: &str) {
        self.a_minute_later(first);
        first.fill("Password", password);
        let code = alice.code(self.web.server().now());
        first.fill("Code from your authenticator app", code.as_str());
        first.click(button);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_browser_is_added_by_the_first_one() {
    let portal = Portal::open().await;
    let alice = portal.web.server().enrol("alice", "obama.jpg").await;
    let mut first = portal.browser_of_alice(&alice);
    assert!(!first.content().contains("A browser asks to be added"), "the control");
    let (mut second, number) = portal.second_browser(&alice);

    // It goes on too early.
    portal.web.server().clock().advance_ms(1000);
    second.click("I have confirmed it: sign in");
    second.see("No device has confirmed this browser yet.");

    first.go(&portal.url("/account"));
    first.see("A browser asks to be added");
    first.see(&number);
    pages::check(&mut first, "account-request");
    first.click("Add or refuse");
    assert_eq!(first.heading(), "Add a browser");
    assert_eq!(first.text_of(".number"), number);
    pages::check(&mut first, "request");
    portal.decide(&mut first, &alice, "violet-Ox-43", "The numbers are the same: add it");
    assert_eq!(first.complaint(), "The password is wrong.");
    let add = "The numbers are the same: add it";
    portal.decide(&mut first, &alice, alice.password.expose(), add);
    first.see("The browser is one of your devices now.");
    pages::check(&mut first, "request-added");
    let row = portal.row().await;
    assert!(row.contains("device=match(key,web)"), "{row}");

    portal.web.server().clock().advance_ms(1000);
    second.click("I have confirmed it: sign in");
    second.see("You are signed in as");
    // Both call themselves the same, so the second one has a number.
    second.see("Chrome (Linux) 2");
    second.close();
    first.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_browser_is_not_signed_in() {
    let portal = Portal::open().await;
    let alice = portal.web.server().enrol("alice", "obama.jpg").await;
    let mut first = portal.browser_of_alice(&alice);
    let (mut second, _) = portal.second_browser(&alice);
    first.go(&portal.url("/account"));
    first.click("Add or refuse");
    portal.decide(&mut first, &alice, alice.password.expose(), "Refuse it");
    first.see("The browser was refused.");
    pages::check(&mut first, "request-refused");
    first.go(&portal.url("/account"));
    assert!(!first.content().contains("A browser asks to be added"));
    first.close();

    portal.web.server().clock().advance_ms(1000);
    second.click("I have confirmed it: sign in");
    second.see("No device has confirmed this browser yet.");
    second.go(&portal.url("/account"));
    assert_eq!(second.heading(), "Sign in");
    second.close();
}

/// The cookie of a session is not enough: it was copied into a browser without the key.
#[tokio::test(flavor = "multi_thread")]
async fn a_browser_without_a_key_of_the_account_adds_none() {
    let portal = Portal::open().await;
    let alice = portal.web.server().enrol("alice", "obama.jpg").await;
    let mut first = portal.browser_of_alice(&alice);
    let cookie = serde_json::json!({ "action": "cookie", "name": "__Host-fourauth" });
    let cookie = first.text(&cookie);
    first.close();
    let (second, _) = portal.second_browser(&alice);
    second.close();
    let mut thief = portal.browser("thief", |_| {});
    let set = serde_json::json!({ "action": "set_cookie", "url": portal.origin, "value": cookie });
    thief.act(&set);
    thief.go(&portal.url("/account"));
    thief.click("Add or refuse");
    let add = "The numbers are the same: add it";
    portal.decide(&mut thief, &alice, alice.password.expose(), add);
    assert!(thief.complaint().starts_with("This browser is not one of your devices."));
    thief.close();
}

/// In the other languages, and in one with marks around every text.
#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_a_request_are_right_in_every_language() {
    let all: [(&str, TextsOf); 3] = [("de", texts), ("ar", texts), ("en", marked)];
    for (language, texts) in all {
        let portal = Portal::shown_in(texts, |_| {}).await;
        let alice = portal.web.server().enrol("alice", "obama.jpg").await;
        let [mut first, mut second] = ["first", "second"].map(|name| {
            let camera = portal.film(ALICE);
            portal.browser(name, |launch| {
                (launch.camera, launch.language, launch.width) = (Some(camera), language, 320);
            })
        });
        walk::camera(&portal, &mut first, &alice, |_, _| {});
        walk::asking(&portal, (&mut first, &mut second), &alice, |browser, page| {
            if language == "en" {
                check_marks(browser, page);
            } else {
                pages::check(browser, &format!("{page}-{language}-light-320"));
            }
        });
        first.close();
        second.close();
    }
}
