//! The four recoveries in a browser.
//!
//! The positive cases switch the face challenge off: the frames of a test are made of one picture, which cannot
//! turn its head.

use super::{ALICE, Portal, STRANGER};
use fourauth_config::ChallengeConfig;
use fourauth_protocol::{
    contact::{Email, Phone},
    recovery_code::RecoveryCode,
    secret::Secret,
};
use fourauth_tests::{
    browser::Browser,
    persona::{Persona, key_of},
    with::With as _,
};

const NEW_PASSWORD: &str = "amber-Fox-17";

/// A portal without face challenges, Alice, and a browser that is one of her devices.
async fn alice_at_home() -> (Portal, Persona, Browser) {
    let portal = with_challenge(ChallengeConfig::Off).await;
    let alice = portal.web.server().enrol("alice", "obama.jpg").await;
    let browser = portal.browser_of_alice(&alice);
    (portal, alice, browser)
}

async fn with_challenge(challenge: ChallengeConfig) -> Portal {
    Portal::with(|config| config.face.challenge = Some(challenge)).await
}

/// The page that replaces one factor, by the name of its link.
fn open(portal: &Portal, browser: &mut Browser, link: &str) {
    browser.go(&portal.url("/sign-in"));
    browser.follow("Recover access");
    browser.follow(link);
    portal.a_minute_later(browser);
    browser.fill("Name, mail address or telephone number", "alice");
}

fn show_the_face(browser: &mut Browser, take: &str, send: &str) {
    browser.click("Use the camera");
    browser.click(take);
    browser.see("The pictures are taken.");
    browser.click(send);
}

fn fill_in(portal: &Portal, browser: &mut Browser, alice: &Persona) {
    browser.fill("Password", alice.password.expose());
    let code = alice.code(portal.web.server().now());
    browser.fill("Code from your authenticator app", code.as_str());
}

/// Signs in with the camera of the browser.
fn sign_in(portal: &Portal, browser: &mut Browser, alice: &Persona) {
    portal.come_to_the_face(browser, alice);
    portal.show_the_face(browser);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_replaces_the_authenticator_and_confirms_it() {
    let (portal, alice, mut browser) = alice_at_home().await;
    open(&portal, &mut browser, "Replace the authenticator");
    browser.fill("Password", "violet-Ox-43");
    show_the_face(&mut browser, "Take the picture", "Replace the authenticator");
    assert_eq!(browser.complaint(), "The name or the password is wrong.");

    browser.fill("Password", alice.password.expose());
    show_the_face(&mut browser, "Take the picture", "Replace the authenticator");
    browser.see("The old authenticator is invalid");
    let row = portal.row().await;
    assert!(row.contains("device=match(key,web)") && row.contains("door=web"), "{row}");
    let uri = Secret::new(browser.text_of("#uri"));
    let renewed = Persona { key: key_of(&uri), ..alice };
    let now = portal.web.server().now();
    browser.fill("Code that the app shows now", renewed.wrong_code(now).as_str());
    browser.click("Confirm");
    assert!(browser.complaint().starts_with("The code is wrong."));
    browser.fill("Code that the app shows now", renewed.code(now).as_str());
    browser.click("Confirm");
    browser.see("The authenticator works.");
    sign_in(&portal, &mut browser, &renewed);
    browser.see("You are signed in as");
    assert_eq!(browser.list("strangers"), Vec::<String>::new());
    browser.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_replaces_the_password() {
    let (portal, alice, mut browser) = alice_at_home().await;
    open(&portal, &mut browser, "Replace the password");
    let code = alice.code(portal.web.server().now());
    browser.fill("Code from your authenticator app", code.as_str());
    browser.fill("New password", NEW_PASSWORD);
    browser.fill("The new password once more", "amber-Fox-18");
    show_the_face(&mut browser, "Take the picture", "Replace the password");
    assert_eq!(browser.complaint(), "The two passwords differ.");
    browser.fill("The new password once more", NEW_PASSWORD);
    show_the_face(&mut browser, "Take the picture", "Replace the password");
    browser.see("Your password is replaced");
    let renewed = Persona { password: Secret::new(NEW_PASSWORD.into()), ..alice };
    sign_in(&portal, &mut browser, &renewed);
    browser.see("You are signed in as");
    browser.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_replaces_the_face() {
    let (portal, alice, browser) = alice_at_home().await;
    browser.close();
    // The same browser before another face.
    let camera = portal.film(STRANGER);
    let mut browser = portal.browser("alice", |launch| launch.camera = Some(camera));
    open(&portal, &mut browser, "Replace the face");
    fill_in(&portal, &mut browser, &alice);
    show_the_face(&mut browser, "Take the pictures", "Replace the face");
    browser.see("Your face is replaced");
    sign_in(&portal, &mut browser, &alice);
    browser.see("You are signed in as");
    browser.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_browser_takes_the_place_of_a_lost_one() {
    let (portal, alice, mut lost) = alice_at_home().await;
    let camera = portal.film(ALICE);
    let mut new = portal.browser("new", |launch| launch.camera = Some(camera));
    open(&portal, &mut new, "Replace the device");
    fill_in(&portal, &mut new, &alice);
    new.fill("Address of the lost device", "laptop");
    show_the_face(&mut new, "Take the picture", "Use this browser from now on");
    assert!(new.complaint().starts_with("This is no address of a device."));
    new.fill("Address of the lost device", "");
    show_the_face(&mut new, "Take the picture", "Use this browser from now on");
    new.see("This browser is one of your devices now.");
    new.see("what is new opens fewer doors");
    sign_in(&portal, &mut new, &alice);
    new.see("You are signed in as");
    new.close();
    sign_in(&portal, &mut lost, &alice);
    assert!(lost.complaint().starts_with("This browser is not one of your devices."));
    lost.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_code_that_is_mistyped_is_told() {
    let (portal, alice, mut browser) = alice_at_home().await;
    open(&portal, &mut browser, "Replace the authenticator");
    browser.fill("Password", alice.password.expose());
    browser.fill("Recovery code, if you have one", "7k3m");
    show_the_face(&mut browser, "Take the picture", "Replace the authenticator");
    assert!(browser.complaint().starts_with("The recovery code is missing or not valid"));
    // One that this account does not have.
    let foreign = RecoveryCode::parse("7k3m 9qxt 0b5h wz2d").unwrap().expose_text();
    browser.fill("Recovery code, if you have one", foreign.expose());
    show_the_face(&mut browser, "Take the picture", "Replace the authenticator");
    assert!(browser.complaint().starts_with("The recovery code is missing or not valid"));
    assert!(portal.row().await.contains("recovery_code=mismatch"), "{}", portal.row().await);
    browser.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_is_no_device_replaces_no_password() {
    let (portal, alice, browser) = alice_at_home().await;
    browser.close();
    let camera = portal.film(ALICE);
    let mut other = portal.browser("other", |launch| launch.camera = Some(camera));
    open(&portal, &mut other, "Replace the password");
    let code = alice.code(portal.web.server().now());
    other.fill("Code from your authenticator app", code.as_str());
    other.fill("New password", NEW_PASSWORD);
    other.fill("The new password once more", NEW_PASSWORD);
    show_the_face(&mut other, "Take the picture", "Replace the password");
    let complaint = other.complaint();
    assert!(complaint.starts_with("This browser is not one of your devices."), "{complaint}");
    assert!(portal.row().await.contains("device=mismatch"), "{}", portal.row().await);
    other.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_wrong_is_told() {
    let (portal, alice, mut browser) = alice_at_home().await;
    open(&portal, &mut browser, "Replace the authenticator");
    browser.fill("Password", alice.password.expose());
    let mut wrong = portal.web.server().now();
    wrong.0 -= 600_000;
    browser.set_clock(wrong);
    show_the_face(&mut browser, "Take the picture", "Replace the authenticator");
    assert!(browser.complaint().starts_with("The clock of this computer is wrong."));
    browser.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_asks_for_the_steps_of_a_challenge() {
    let portal = with_challenge(ChallengeConfig::Recovery).await;
    let alice = portal.web.server().enrol("alice", "obama.jpg").await;
    let mut browser = portal.browser_of_alice(&alice);
    open(&portal, &mut browser, "Replace the authenticator");
    browser.fill("Password", alice.password.expose());
    show_the_face(&mut browser, "Begin", "Replace the authenticator");
    let complaint = browser.complaint();
    assert!(complaint.starts_with("The head did not turn as asked"), "{complaint}");
    assert!(portal.row().await.contains("challenge: "), "{}", portal.row().await);
    browser.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_was_open_for_long_still_proves_the_key() {
    let (portal, alice, mut browser) = alice_at_home().await;
    browser.set_clock(portal.web.server().now());
    browser.go(&portal.url("/recover/authenticator"));
    browser.fill("Name, mail address or telephone number", "alice");
    browser.fill("Password", alice.password.expose());
    // The nonce of the page is valid for ten minutes.
    for _ in 0..11 {
        portal.a_minute_later(&mut browser);
    }
    show_the_face(&mut browser, "Take the picture", "Replace the authenticator");
    browser.see("The old authenticator is invalid");
    browser.close();
}

/// The address of an account is as good as its name, and that of no account is refused in the same way.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_recovers_by_mail_address_or_telephone_number() {
    let portal = with_challenge(ChallengeConfig::Off).await;
    let server = portal.web.server();
    let register = server.registration("alice", "obama.jpg").with(|register| {
        register.email = Email::parse("alice@example.org").ok();
        register.phone = Phone::parse("+43 660 1234567").ok();
    });
    let (alice, _) = server.enrol_as(register).await;
    let mut browser = portal.browser_of_alice(&alice);
    let mut refusals = Vec::new();
    for (address, password) in
        [("alice@example.org", "violet-Ox-43"), ("nemo@example.org", alice.password.expose())]
    {
        open(&portal, &mut browser, "Replace the authenticator");
        browser.fill("Name, mail address or telephone number", address);
        browser.fill("Password", password);
        show_the_face(&mut browser, "Take the picture", "Replace the authenticator");
        refusals.push(browser.complaint());
    }
    assert_eq!(refusals[0], "The name or the password is wrong.");
    assert_eq!(refusals[0], refusals[1]);

    open(&portal, &mut browser, "Replace the password");
    browser.fill("Name, mail address or telephone number", "+43 660 1234567");
    let code = alice.code(portal.web.server().now());
    browser.fill("Code from your authenticator app", code.as_str());
    browser.fill("New password", NEW_PASSWORD);
    browser.fill("The new password once more", NEW_PASSWORD);
    show_the_face(&mut browser, "Take the picture", "Replace the password");
    browser.see("Your password is replaced");
    let row = portal.row().await;
    assert!(row.contains("device=match(key,web)"), "{row}");

    let alice = Persona { password: Secret::new(NEW_PASSWORD.into()), ..alice };
    open(&portal, &mut browser, "Replace the authenticator");
    browser.fill("Name, mail address or telephone number", "alice@example.org");
    browser.fill("Password", alice.password.expose());
    show_the_face(&mut browser, "Take the picture", "Replace the authenticator");
    browser.see("The old authenticator is invalid");
    let uri = Secret::new(browser.text_of("#uri"));
    let renewed = Persona { key: key_of(&uri), ..alice };
    let now = portal.web.server().now();
    browser.fill("Code that the app shows now", renewed.code(now).as_str());
    browser.click("Confirm");
    browser.see("The authenticator works.");
    sign_in(&portal, &mut browser, &renewed);
    browser.see("You are signed in as");
    browser.close();
}
