//! A page of a service needs a higher level than the sign-in has.

use super::{ALICE, MINUTE_MS, Portal, account, pages};
use fourauth_config::WebResource;
use fourauth_protocol::{command::Command, level::Level};
use fourauth_store::Factor;
use fourauth_tests::{browser::Browser, persona::Persona};

const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

const RULES: &str = r#"
    domain = "example.test"
    [[rule]]
    hosts = ["wiki.example.test"]
    level = 4
"#;

/// The face is what is missing, and the way to the service is kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_adds_a_face_on_the_way_to_a_service() {
    const WAY: &str = "to=https%3A%2F%2Fwiki.example.test%2F";
    let portal = Portal::with(|config| {
        config.web.forward_auth = Some(toml::from_str(RULES).unwrap());
    })
    .await;
    let carol = portal.carol().await;
    let camera = portal.film(ALICE);
    account::sign_in(&portal, "carol", &carol).close();
    let mut browser = portal.browser("carol", |launch| launch.camera = Some(camera));
    browser.go(&portal.url(&format!("/sign-in/more?{WAY}&level=4")));
    browser.see("Your sign-in has level");
    pages::check(&mut browser, "more");
    browser.follow("Add your face");
    portal.web.server().clock().advance_ms(MINUTE_MS);
    browser.fill("Password", carol.password.expose());
    let code = carol.code(portal.web.server().now());
    browser.fill("Code from your authenticator app", code.as_str());
    browser.click("Continue");
    browser.wait_for("#consent");
    let link = format!("a[href='/sign-in?{WAY}']");
    browser.wait_for(&link);
    browser.press_on("#consent");
    browser.press_on("#start");
    for _ in 1..=5 {
        browser.press_on("#take");
    }
    browser.wait_for("#send:visible");
    portal.web.server().clock().advance_ms(1000);
    browser.press_on("#send");
    browser.wait_for("#codes:visible");
    browser.press_on(&format!("#codes {link}"));
    browser.wait_for("form:has(input[name=to][value='https://wiki.example.test/'])");
    browser.close();
}

const OWN_RULES: &str = r#"
    domain = "example.test"
    [[rule]]
    hosts = ["HOST"]
    level = 3
"#;

/// A portal with a rule about its own address, so that a browser can arrive there.
async fn portal_of_a_service() -> (Portal, String) {
    let portal = Portal::with(|config| {
        let origin = config.web.origin.as_ref().unwrap().to_string();
        let host = origin.strip_prefix("https://").unwrap();
        let rules = OWN_RULES.replace("HOST", host);
        config.web.forward_auth = Some(toml::from_str(&rules).unwrap());
        config.web.listener[0].resources.push(WebResource::ForwardAuth);
    })
    .await;
    let to: String = portal.url("/account").replace(':', "%3A").replace('/', "%2F");
    (portal, format!("to={to}"))
}

impl Portal {
    /// Alice, with an account in use before her browser: its key counts a day later.
    async fn alice_with_a_new_browser(&self) -> (Persona, Browser) {
        let server = self.web.server();
        let alice = server.enrol("alice", "obama.jpg").await;
        let login = Command::Login(alice.login(server.now()));
        assert!(server.client().send_once(login).await.unwrap().is_ok());
        let browser = self.browser_of_alice(&alice);
        (alice, browser)
    }

    fn sign_in_again(&self, browser: &mut Browser, alice: &Persona) {
        browser.go(&self.url("/sign-out"));
        browser.click("Sign out");
        self.come_to_the_face(browser, alice);
        self.show_the_face(browser);
        browser.see("You are signed in as");
    }

    async fn level_of_the_newest_session(&self, alice: &Persona) -> Option<Level> {
        let store = self.web.server().server().store();
        let account = store.user(&alice.username).await.unwrap().unwrap().id;
        let sessions = store.sessions(account, self.web.server().now()).await.unwrap();
        sessions.last().and_then(|session| session.methods.level())
    }
}

/// The key of the browser was new at the sign-in and counts by now: a code and the key are enough.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_leads_a_person_on_to_the_service() {
    let (portal, way) = portal_of_a_service().await;
    let (alice, mut browser) = portal.alice_with_a_new_browser().await;
    portal.web.server().clock().advance_ms(DAY_MS - 10 * MINUTE_MS);
    portal.sign_in_again(&mut browser, &alice);
    assert_eq!(portal.level_of_the_newest_session(&alice).await, Some(Level::Two));
    portal.web.server().clock().advance_ms(20 * MINUTE_MS);

    browser.go(&portal.url(&format!("/forward-auth/enter?{way}&level=3")));
    browser.see("Type a fresh code");
    pages::check(&mut browser, "raise");
    browser.fill(
        "Code from your authenticator app",
        alice.wrong_code(portal.web.server().now()).as_str(),
    );
    browser.click("Continue");
    browser.see("The code is wrong");
    assert!(portal.row().await.contains("totp=mismatch"), "{}", portal.row().await);
    portal.web.server().clock().advance_ms(MINUTE_MS);
    browser
        .fill("Code from your authenticator app", alice.code(portal.web.server().now()).as_str());
    browser.click("Continue");
    browser.see("You are signed in as");
    assert_eq!(portal.level_of_the_newest_session(&alice).await, Some(Level::Four));
    let rows = portal.web.server().audit().await;
    let raised = rows.iter().find(|row| row.action.as_str() == "raise_session" && row.success);
    let raised = &raised.unwrap().detail;
    assert!(raised.contains("match(key,web)") && raised.contains(" level=4"), "{raised}");
    // The address with the level leads on at once.
    browser.go(&portal.url(&format!("/sign-in/more?{way}&level=4")));
    browser.see("You are signed in as");
    browser.close();
}

/// The face had been replaced before the sign-in: the person shows it again.
#[tokio::test(flavor = "multi_thread")]
async fn a_face_leads_a_person_on_to_the_service() {
    let (portal, way) = portal_of_a_service().await;
    let server = portal.web.server();
    let alice = server.enrol("alice", "obama.jpg").await;
    let mut browser = portal.browser_of_alice(&alice);
    let store = server.server().store();
    let account = store.user(&alice.username).await.unwrap().unwrap().id;
    let until = server.now().saturating_add_ms(15 * MINUTE_MS);
    let settled = store
        .write(move |tx| Box::pin(async move { tx.settle(account, Factor::Face, until).await }));
    let settled: Result<(), fourauth_store::Error> = settled.await;
    settled.unwrap();
    portal.sign_in_again(&mut browser, &alice);
    assert_eq!(portal.level_of_the_newest_session(&alice).await, Some(Level::Three));
    server.clock().advance_ms(20 * MINUTE_MS);

    browser.go(&portal.url(&format!("/sign-in/more?{way}&level=4")));
    browser.see("show your face");
    pages::check(&mut browser, "raise-face");
    browser.fill("Code from your authenticator app", alice.wrong_code(server.now()).as_str());
    browser.click("Use the camera");
    browser.click("Take the picture");
    browser.see("The pictures are taken.");
    browser.click("Continue");
    assert!(browser.complaint().starts_with("The code is wrong"));
    server.clock().advance_ms(MINUTE_MS);
    browser.fill("Code from your authenticator app", alice.code(server.now()).as_str());
    browser.click("Use the camera");
    browser.click("Take the picture");
    browser.see("The pictures are taken.");
    browser.click("Continue");
    browser.see("You are signed in as");
    assert_eq!(portal.level_of_the_newest_session(&alice).await, Some(Level::Four));
    browser.close();
}
