//! The pages of the console, in a real browser.

use super::{MINUTE_MS, mark};
use crate::portal::{ALICE, Portal, check, check_marks, marked};
use fourauth_client::Client;
use fourauth_config::WebResource;
use fourauth_protocol::command::Command;
use fourauth_tests::{browser::Browser, persona::Persona};
use reqwest::StatusCode;
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

/// A portal with only the console, with Alice as administrator, and Bob.
pub(super) struct Desk {
    pub(super) portal: Portal,
    alice: Persona,
    bob: Persona,
}

impl Desk {
    pub(super) async fn open() -> Self {
        let portal = Portal::with(|config| {
            config.web.listener[0].resources = vec![WebResource::Console];
        })
        .await;
        Self::of(portal).await
    }

    async fn of(portal: Portal) -> Self {
        let server = portal.web.server();
        let alice = server.enrol("alice", "obama.jpg").await;
        let bob = server.enrol("bob", "obama.jpg").await;
        mark(server, &alice.username, true).await;
        Self { portal, alice, bob }
    }

    fn browser(&self, is_dark: bool, width: u32) -> Browser {
        let camera = self.portal.film(ALICE);
        self.portal.browser("alice", |launch| {
            launch.camera = Some(camera);
            (launch.is_dark, launch.width) = (is_dark, width);
        })
    }

    /// Signs Alice in with four factors, on the way to the console.
    pub(super) fn sign_in(&self, browser: &mut Browser) {
        let code = || self.alice.code(self.portal.web.server().now());
        self.portal.web.server().clock().advance_ms(MINUTE_MS);
        browser.go(&self.portal.url("/console"));
        browser.fill("Name, mail address or telephone number", self.alice.username.as_str());
        browser.fill("Password", self.alice.password.expose());
        browser.click("Continue");
        browser.see("One-time code");
        browser.fill("Code from your authenticator app", code().as_str());
        browser.click("Continue");
        browser.see("Show your face");
        self.portal.show_the_face(browser);
        browser.wait_for("#search");
    }

    fn client(&self) -> Client {
        self.portal.web.server().client()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_disables_an_account_in_the_browser() {
    let desk = Desk::open().await;
    let mut browser = desk.browser(false, 900);
    desk.sign_in(&mut browser);
    assert_eq!(browser.heading(), "People");
    browser.go(&desk.portal.url("/console/person?name=bob"));
    assert_eq!(browser.heading(), "bob");
    browser.go(&desk.portal.url("/console/change?username=bob&what=disable"));
    browser.fill("Reason, for the audit log", "left the company");
    browser.fill("Code from your authenticator app", "000000");
    browser.click("Disable");
    assert_eq!(browser.complaint(), "The code is wrong. Wait for the next one.");

    let server = desk.portal.web.server();
    server.clock().advance_ms(MINUTE_MS);
    let code = desk.alice.code(server.now());
    browser.fill("Code from your authenticator app", code.as_str());
    browser.click("Disable");
    browser.see("Disabled");
    let row = server.last_row().await;
    let rows = server.audit().await;
    let change = rows.iter().find(|row| row.action.as_str() == "change_account").unwrap();
    let expected = "Account changed. admin=alice change=disable reason=\"left the company\" ";
    assert!(change.detail.starts_with(expected), "{}", change.detail);
    assert!(change.detail.contains("door=web"), "{}", change.detail);
    assert_eq!(row.action.as_str(), "show_account");

    // The proof holds for further changes.
    browser.go(&desk.portal.url("/console/change?username=bob&what=enable"));
    browser.fill("Reason, for the audit log", "came back");
    browser.click("Enable");
    browser.see("Active");
    assert_eq!(
        browser.list("noise"),
        ["Failed to load resource: the server responded with a status of 401 ()"]
    );
    browser.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn new_rows_appear_within_two_seconds() {
    let desk = Desk::open().await;
    let mut browser = desk.browser(false, 900);
    desk.sign_in(&mut browser);
    browser.go(&desk.portal.url("/console/audit?action=login"));
    browser.click("Follow");
    browser.see("New rows appear as they are written.");
    let login = desk.bob.login(desk.portal.web.server().now());
    assert!(desk.client().send_once(Command::Login(login)).await.unwrap().is_ok());
    let begun = Instant::now();
    browser.see("Login successful.");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());

    // It ends with the session.
    let store = desk.portal.web.server().server().store();
    let id = store.user(&desk.alice.username).await.unwrap().unwrap().id;
    let ended: Result<u64, fourauth_store::Error> =
        store.write(move |tx| Box::pin(async move { tx.end_sessions(id).await })).await;
    assert_eq!(ended, Ok(1));
    browser.see("The console has closed");
    browser.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_on_any_page_of_the_console() {
    let desk = Desk::open().await;
    let mut browser = desk.browser(false, 900);
    desk.sign_in(&mut browser);
    browser.close();
    for (language, is_dark, width) in
        [("English", false, 900), ("Deutsch", true, 320), ("العربية", false, 320)]
    {
        let mut browser = desk.browser(is_dark, width);
        browser.go(&desk.portal.url("/console"));
        browser.click(language);
        for (name, path, selector) in [
            ("people", "/console", "#search"),
            ("person", "/console/person?name=alice", "#sessions"),
            ("change", "/console/change?username=bob&what=disable", "#reason"),
            ("erase", "/console/change?username=bob&what=erase", "#again"),
            ("groups", "/console/change?username=bob&what=groups&which=staff", "#which"),
            ("invite", "/console/invite", "#name"),
            ("outbox", "/console/outbox?show=all", "#messages"),
            ("audit", "/console/audit", "#follow"),
            ("state", "/console/state", "#chart"),
            ("unknown", "/console/person?name=nemo", "[role=alert]"),
        ] {
            browser.go(&desk.portal.url(path));
            browser.wait_for(selector);
            check(&mut browser, &format!("console-{name}-{language}-{width}"));
        }
        assert_eq!(browser.list("strangers"), Vec::<String>::new());
        browser.close();
    }
}

/// Fills the form of a change in, with a new code.
fn confirm(desk: &Desk, browser: &mut Browser, button: &str) {
    let server = desk.portal.web.server();
    server.clock().advance_ms(MINUTE_MS);
    browser.fill("Code from your authenticator app", desk.alice.code(server.now()).as_str());
    browser.click(button);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_invites_a_person_in_the_browser() {
    let desk = Desk::open().await;
    let mut browser = desk.browser(false, 900);
    desk.sign_in(&mut browser);
    browser.follow("Invite a person");
    browser.fill("Name", "b\u{fc}rgerin");
    browser.fill("Mail address (optional)", "dora@");
    browser.act(&json!({ "action": "no_validation" }));
    confirm(&desk, &mut browser, "Make the invitation");
    assert_eq!(browser.complaint(), "This is not a mail address.");
    check(&mut browser, "console-invite-fault");
    browser.fill("Mail address (optional)", "dora@example.org");
    confirm(&desk, &mut browser, "Make the invitation");
    browser.see("It is shown only now.");
    check(&mut browser, "console-invited");
    let link = browser.text(&json!({ "action": "value", "selector": "#link" }));
    assert!(link.starts_with(&desk.portal.url("/invitation?name=b%C3%BCrgerin&")), "{link}");
    // The list shows that the invitation waits, and a new link replaces the old one.
    browser.go(&desk.portal.url("/console?which=invited"));
    browser.see("Invitation until");
    check(&mut browser, "console-people-invited");
    browser.follow("b\u{fc}rgerin");
    browser.see("The person has not accepted the invitation yet.");
    check(&mut browser, "console-person-invited");
    browser.follow("Make a new link");
    browser.fill("Reason, for the audit log", "mail was lost");
    browser.click("Make a new link");
    browser.see("It is shown only now.");
    let again = browser.text(&json!({ "action": "value", "selector": "#link" }));
    assert_ne!(again, link);
    // The name is taken now, and the proof of the last minutes is enough.
    browser.go(&desk.portal.url("/console/invite"));
    browser.fill("Name", "b\u{fc}rgerin");
    browser.click("Make the invitation");
    browser.see("is in use. Choose another one.");
    browser.go(&desk.portal.url("/console/audit?action=invite_person"));
    assert!(!browser.content().contains("invitation="), "the link is in no row");
    browser.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_resets_and_erases_in_the_browser() {
    let desk = Desk::open().await;
    let mut browser = desk.browser(false, 900);
    desk.sign_in(&mut browser);
    browser.go(&desk.portal.url("/console/person?name=bob"));
    browser.follow("Reset the face");
    browser.fill("Reason, for the audit log", "was mistaken for another person");
    confirm(&desk, &mut browser, "Reset the face");
    browser.see("Send a code for a new password");
    assert!(!browser.content().contains("Reset the face"), "there is none any more");

    browser.go(&desk.portal.url("/console/outbox"));
    browser.see("face_removed");
    check(&mut browser, "console-outbox-open");

    browser.go(&desk.portal.url("/console/person?name=bob"));
    browser.follow("Erase the account");
    for (again, complaint) in [("alice", "This is not the name of the account."), ("bob", "")] {
        browser.fill("Reason, for the audit log", "asked for it");
        browser.fill("Type the name of the account again", again);
        browser.click("Erase the account");
        if !complaint.is_empty() {
            assert_eq!(browser.complaint(), complaint);
        }
    }
    browser.see("is erased.");
    check(&mut browser, "console-erased");
    let record = desk.portal.web.server().audit().await;
    let record = record.iter().find(|row| row.action.as_str() == "erase_audit").unwrap().id;
    assert!(browser.content().contains(&record.to_string()), "{}", browser.content());
    // The own account has no such links.
    browser.go(&desk.portal.url("/console/person?name=alice"));
    browser.see("This is your own account.");
    assert!(!browser.content().contains("Erase the account"));
    browser.go(&desk.portal.url("/console/change?username=alice&what=erase"));
    browser.fill("Reason, for the audit log", "mistake");
    browser.fill("Type the name of the account again", "alice");
    browser.click("Erase the account");
    browser.see("another administrator has to do it");
    browser.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_text_of_the_console_is_from_the_message_files() {
    let portal = Portal::shown_in(marked, |config| {
        config.web.listener[0].resources = vec![WebResource::Console];
    })
    .await;
    let desk = Desk::of(portal).await;
    let mut browser = desk.browser(false, 900);
    crate::portal::sign_in_by_camera(&desk.portal, &mut browser, &desk.alice);
    for path in [
        "/console",
        "/console?search=nemo",
        "/console/person?name=alice",
        "/console/person?name=bob",
        "/console/person?name=nemo",
        "/console/invite",
        "/console/outbox",
        "/console/outbox?show=all",
        "/console/audit",
        "/console/audit?action=none",
        "/console/state",
    ] {
        browser.go(&desk.portal.url(path));
        check_marks(&mut browser, path);
    }
    for what in [
        "disable",
        "enable",
        "unlock",
        "end-session",
        "end-sessions",
        "revoke-device",
        "reset-authenticator",
        "reset-face",
        "send-code",
        "groups",
        "erase",
        "invite-again",
        "resend-message",
        "drop-message",
    ] {
        browser.go(&desk.portal.url(&format!("/console/change?username=bob&what={what}&which=1")));
        check_marks(&mut browser, what);
    }
    browser.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_has_its_proof_and_rows_are_exported() {
    let desk = Desk::open().await;
    let mut browser = desk.browser(false, 900);
    desk.sign_in(&mut browser);
    browser.go(&desk.portal.url("/console/audit?action=face_step"));
    let id = desk.portal.web.server().audit().await;
    let id = id.iter().find(|row| row.action.as_str() == "face_step").unwrap().id;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let link = format!("Proof {id}");
    let proof = browser.text(&json!({ "action": "download", "link": link }));
    assert!(proof.contains("face_step"), "{proof}");
    let exported = browser.text(&json!({ "action": "download", "link": "Export as JSON lines" }));
    let lines: Vec<serde_json::Value> =
        exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["action"]), (1, &json!("face_step")));
    browser.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_no_administrator_sees_no_console() {
    let desk = Desk::open().await;
    mark(desk.portal.web.server(), &desk.alice.username, false).await;
    let mut browser = desk.browser(false, 900);
    desk.portal.come_to_the_face(&mut browser, &desk.alice);
    desk.portal.show_the_face(&mut browser);
    browser.see("You are signed in as");
    for path in ["/console", "/console/audit", "/console/state", "/console/person?name=bob"] {
        browser.go(&desk.portal.url(path));
        assert!(browser.complaint().starts_with("This account may not use the console."), "{path}");
    }
    browser.close();
}

/// A client without a session, which follows no redirect.
fn visitor() -> reqwest::Client {
    let client = reqwest::Client::builder().danger_accept_invalid_certs(true);
    client.redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_site_only_leads_to_the_console() {
    let desk = Desk::open().await;
    for (site, status) in [
        // A page that makes the browser ask again by itself.
        ("same-site", StatusCode::OK),
        ("cross-site", StatusCode::OK),
        // Without a session, these lead to the sign-in.
        ("same-origin", StatusCode::SEE_OTHER),
        ("none", StatusCode::SEE_OTHER),
    ] {
        let get = visitor().get(desk.portal.url("/console/person?name=bob"));
        let answer = get.header("sec-fetch-site", site).send().await.unwrap();
        assert_eq!(answer.status(), status, "{site}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_site_changes_nothing() {
    let desk = Desk::open().await;
    for (origin, status) in [
        ("https://evil.example", StatusCode::FORBIDDEN),
        // Control: without a session the form leads to the sign-in.
        (&*desk.portal.url(""), StatusCode::SEE_OTHER),
    ] {
        let answer = visitor()
            .post(desk.portal.url("/console/change"))
            .header("origin", origin)
            .header("content-type", "application/x-www-form-urlencoded")
            .body("username=bob&what=disable&reason=x&otp=1")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), status, "{origin}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_has_no_console() {
    let portal = Portal::with(|_| {}).await;
    for path in ["/console", "/console/audit", "/console/audit/events", "/console/state"] {
        let answer = portal.web.get(path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
}
