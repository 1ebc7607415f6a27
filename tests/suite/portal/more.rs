//! A page of a service needs a higher level than the sign-in has.

use super::{ALICE, MINUTE_MS, Portal, account, pages};

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
