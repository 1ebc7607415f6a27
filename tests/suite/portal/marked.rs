//! Every text of a page comes from `locales/pages`.
//!
//! The pages are shown in a language in which every text has marks around it. A text without them was written into
//! a template, a script or the program.

use super::{ALICE, Portal, forgotten::portal_with_mail_in, walk};
use fourauth_locale::{Catalogue, NotAText, Texts, Tongue};
use fourauth_tests::browser::Browser;
use serde_json::json;

/// The texts of a language, each between the marks.
pub(crate) fn marked(tongue: Tongue) -> Result<Texts, NotAText> {
    let source = Catalogue::Pages.source(tongue);
    let lines = source.lines().map(|line| match line.split_once(" = ") {
        Some((key, text)) if !line.starts_with('#') => format!("{key} = ⟦{text}⟧\n"),
        _ => format!("{line}\n"),
    });
    Texts::read(&lines.collect::<String>(), tongue)
}

/// The texts of the page without marks.
fn unmarked(browser: &mut Browser) -> Vec<String> {
    browser.list("unmarked")
}

pub(crate) fn check(browser: &mut Browser, page: &str) {
    let found = unmarked(browser);
    assert!(found.is_empty(), "{page}: {found:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_text_of_the_pages_is_from_the_message_files() {
    let (portal, mut mailbox) = portal_with_mail_in(marked).await;
    let carol = portal.carol().await;
    let mut browser = portal.browser("carol", |_| {});
    walk::sign_in(&portal, &mut browser, &carol, check);
    walk::recovery(&portal, &mut browser, &mut mailbox, check).await;
    // The control: each of these would be found.
    for (attribute, element) in
        [("", "p"), ("title", "p"), ("aria-label", "p"), ("data-face-hint", "p"), ("alt", "img")]
    {
        browser.go(&portal.url("/sign-in"));
        assert!(unmarked(&mut browser).is_empty());
        let add = json!({ "action": "add_text", "element": element, "attribute": attribute });
        browser.act(&add);
        assert_eq!(unmarked(&mut browser), ["Hello"], "{element} {attribute}");
    }
    browser.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_text_of_a_registration_is_from_the_message_files() {
    let portal = Portal::shown_in(marked, |_| {}).await;
    let camera = portal.film(ALICE);
    let mut browser = portal.browser("dora", |launch| launch.camera = Some(camera));
    walk::registration(&portal, &mut browser, check);
    browser.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_text_beside_the_camera_is_from_the_message_files() {
    let portal = Portal::shown_in(marked, |_| {}).await;
    let alice = portal.web.server().enrol("alice", "obama.jpg").await;
    for browser in ["first", "second"] {
        let camera = portal.film(ALICE);
        let mut browser = portal.browser(browser, |launch| launch.camera = Some(camera));
        walk::camera(&portal, &mut browser, &alice, check);
        browser.close();
    }
}
