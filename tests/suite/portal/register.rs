//! A new account in a browser: password, authenticator, face and recovery codes.

use super::{ALICE, MINUTE_MS, Portal};
use fourauth_protocol::{
    command::{Command, Invite},
    mac_address::MacAddress,
    secret::Secret,
    username::Username,
};
use fourauth_tests::{browser::Browser, persona::Persona};
use serde_json::json;

const PASSWORD: &str = "violet-Ox-42";

/// A person with the authenticator of this URI.
pub(super) fn person(name: &str, uri: String) -> Persona {
    let mac = MacAddress::parse("00:1b:44:11:3a:b7").unwrap();
    Persona::new(name, Secret::new(PASSWORD.to_owned()), mac, &Secret::new(uri))
}

/// Types the password of a new account, and sends it.
fn type_twice(browser: &mut Browser, password: &str) {
    browser.fill("Password", password);
    browser.fill("The password once more", password);
    browser.click("Continue");
}

impl Portal {
    /// Sets up the authenticator of the page, after a wrong code. Ends on the page of the face.
    fn set_up_authenticator(&self, browser: &mut Browser, name: &str) -> Persona {
        browser.see("Authenticator app");
        let uri = browser.text(&json!({ "action": "value", "selector": "input[name=uri]" }));
        let person = person(name, uri.clone());
        browser.wait_for("img.qr");
        let wrong = person.wrong_code(self.web.server().now());
        browser.fill("Code from your authenticator app", wrong.as_str());
        browser.click("Continue");
        assert_eq!(browser.complaint(), "The code is wrong. Wait for the next one.");
        // The page shows the same secret again.
        browser.wait_for("img.qr");
        let again = browser.text(&json!({ "action": "value", "selector": "input[name=uri]" }));
        assert_eq!(again, uri);
        self.web.server().clock().advance_ms(MINUTE_MS);
        let code = person.code(self.web.server().now());
        browser.fill("Code from your authenticator app", code.as_str());
        browser.click("Continue");
        browser.see("Enrol your face");
        person
    }

    /// Takes five pictures, one of them twice, and returns the recovery codes.
    fn enrol_the_face(&self, browser: &mut Browser) -> Vec<String> {
        browser.click("Use the camera");
        assert_eq!(browser.complaint(), "Agree to the notice first.");
        browser.act(&json!({ "action": "check", "label":
            "I agree that the server keeps these numbers, encrypted, until my account is deleted." }));
        browser.click("Use the camera");
        for number in 1..=5 {
            browser.click(&format!("Take picture {number} of 5"));
        }
        browser.see("The pictures are taken.");
        browser.click_last("Take it again");
        browser.click("Take picture 5 of 5");
        browser.see("The pictures are taken.");
        self.web.server().clock().advance_ms(1000);
        browser.click("Enrol these pictures");
        browser.see("Your account is ready");
        let shown = browser.text(&json!({ "action": "value", "selector": "#list" }));
        shown.split_whitespace().map(str::to_owned).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_registers_and_signs_in_by_camera() {
    let portal = Portal::open().await;
    let camera = portal.film(ALICE);
    let mut browser = portal.browser("dora", |launch| launch.camera = Some(camera));
    browser.go(&portal.url("/sign-in"));
    browser.act(&json!({ "action": "follow", "link": "Register" }));
    browser.fill("Name", "dora");
    browser.fill("Mail address (optional)", "dora@example.org");
    browser.fill("Password", PASSWORD);
    browser.fill("The password once more", "violet-Ox-43");
    browser.click("Continue");
    assert_eq!(browser.complaint(), "The two passwords differ.");
    type_twice(&mut browser, "password");
    browser.see("The password is too short");
    assert!(browser.complaint().starts_with("The password is too short"));
    type_twice(&mut browser, PASSWORD);
    let dora = portal.set_up_authenticator(&mut browser, "dora");
    let codes = portal.enrol_the_face(&mut browser);
    assert_eq!(codes.len(), 10, "{codes:?}");
    let row = portal.web.server().last_row().await;
    assert!(row.success && row.detail.contains("door=web"), "{}", row.detail);

    portal.come_to_the_face(&mut browser, &dora);
    portal.show_the_face(&mut browser);
    browser.see("You are signed in as");
    assert!(browser.content().contains("sign-in: 4 of 4"), "{}", browser.content());
    // The refusals above are the only noise.
    let noise = browser.list("noise");
    assert!(noise.iter().all(|it| it.starts_with("Failed to load resource")), "{noise:?}");
    assert_eq!(browser.list("strangers"), Vec::<String>::new());
    browser.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invited_person_opens_the_link_once() {
    let portal = Portal::open().await;
    let name = Username::parse("Dora Ünal").unwrap();
    let invite = Invite::new(portal.web.server().admin().clone(), name);
    let client = portal.web.server().client();
    let answer = client.send_once(Command::Invite(invite)).await.unwrap();
    let link = answer.body.invitation_url.unwrap();
    assert!(link.expose().starts_with(&portal.url("/invitation?name=Dora%20%C3%9Cnal")));
    let camera = portal.film(ALICE);
    let mut browser = portal.browser("dora", |launch| launch.camera = Some(camera));
    browser.go(link.expose());
    assert!(browser.content().contains("open the account Dora Ünal."), "{}", browser.content());
    type_twice(&mut browser, PASSWORD);
    portal.set_up_authenticator(&mut browser, "Dora Ünal");
    let codes = portal.enrol_the_face(&mut browser);
    assert_eq!(codes.len(), 10, "{codes:?}");

    browser.go(link.expose());
    type_twice(&mut browser, PASSWORD);
    assert!(browser.complaint().starts_with("The invitation is not valid."));
    browser.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_taken_is_said_beside_the_form() {
    let portal = Portal::open().await;
    portal.web.server().enrol("alice", "obama.jpg").await;
    let mut browser = portal.browser("dora", |_| {});
    browser.go(&portal.url("/sign-up"));
    for (name, phone, complaint) in [
        ("alice", "", "This name, mail address or telephone number is in use."),
        ("dora", "12", "This is not a telephone number with its country code."),
    ] {
        browser.fill("Name", name);
        browser.fill("Telephone number (optional)", phone);
        browser.fill("Password", PASSWORD);
        browser.fill("The password once more", PASSWORD);
        browser.click("Continue");
        // The page before may have an alert as well.
        browser.see(complaint);
        assert!(browser.complaint().starts_with(complaint), "{name}");
    }
    browser.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_registration_does_not_offer_it() {
    let portal = Portal::with(|config| config.sign_in.self_registration = false).await;
    let mut browser = portal.browser("dora", |_| {});
    browser.go(&portal.url("/sign-in"));
    assert!(!browser.content().contains("No account yet?"), "{}", browser.content());
    browser.go(&portal.url("/sign-up"));
    browser.fill("Name", "dora");
    type_twice(&mut browser, PASSWORD);
    assert_eq!(browser.complaint(), "This server does not offer the sign-in on this page.");
    browser.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_goes_on_after_the_page_was_closed() {
    let portal = Portal::open().await;
    let camera = portal.film(ALICE);
    let mut browser = portal.browser("dora", |launch| launch.camera = Some(camera));
    browser.go(&portal.url("/sign-up"));
    browser.fill("Name", "dora");
    type_twice(&mut browser, PASSWORD);
    browser.see("Authenticator app");
    browser.go(&portal.url("/sign-in"));
    browser.fill("Name, mail address or telephone number", "dora");
    browser.fill("Password", PASSWORD);
    browser.click("Continue");
    portal.set_up_authenticator(&mut browser, "dora");
    assert_eq!(portal.enrol_the_face(&mut browser).len(), 10);
    browser.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_without_a_face_adds_one_later() {
    let portal = Portal::open().await;
    let carol = portal.carol().await;
    let camera = portal.film(ALICE);
    let mut browser = portal.browser("carol", |launch| launch.camera = Some(camera));
    let next_code = || {
        portal.web.server().clock().advance_ms(MINUTE_MS);
        carol.code(portal.web.server().now())
    };
    browser.go(&portal.url("/sign-in"));
    browser.fill("Name, mail address or telephone number", carol.username.as_str());
    browser.fill("Password", carol.password.expose());
    browser.click("Continue");
    browser.see("One-time code");
    browser.fill("Code from your authenticator app", next_code().as_str());
    browser.click("Continue");
    browser.act(&json!({ "action": "follow", "link": "Add your face" }));
    browser.fill("Password", "wrong");
    browser.fill("Code from your authenticator app", next_code().as_str());
    browser.click("Continue");
    assert_eq!(browser.complaint(), "The password is wrong.");
    browser.fill("Password", carol.password.expose());
    browser.fill("Code from your authenticator app", next_code().as_str());
    browser.click("Continue");
    browser.see("Enrol your face");
    assert_eq!(portal.enrol_the_face(&mut browser).len(), 10);
    portal.come_to_the_face(&mut browser, &carol);
    browser.close();
}
