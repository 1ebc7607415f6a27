//! A forgotten password, on pages that need no script.

use super::{MINUTE_MS, Portal};
use fourauth_gateway::{TextsOf, texts};
use fourauth_protocol::{
    command::{Command, Identifier, SelfRegister},
    contact::Email,
    secret::Secret,
    username::Username,
};
use fourauth_tests::{browser::Browser, mailbox::Mailbox};

pub(super) const EMAIL: &str = "alice@example.org";
const OLD_PASSWORD: &str = "violet-Ox-42";
const NEW_PASSWORD: &str = "amber-Fox-17";

/// A portal that mails codes, and Alice with a password only.
pub(super) async fn portal_with_mail() -> (Portal, Mailbox) {
    portal_with_mail_in(texts).await
}

/// The same, with other texts on its pages.
pub(super) async fn portal_with_mail_in(texts: TextsOf) -> (Portal, Mailbox) {
    let mailbox = Mailbox::open().await;
    let portal = Portal::shown_in(texts, |config| mailbox.receive(config)).await;
    let (name, email) = (Username::parse("alice").ok(), Email::parse(EMAIL).ok());
    let account = Identifier::of(name, email, None).unwrap();
    let register = SelfRegister::new(account, Secret::new(OLD_PASSWORD.to_owned()));
    let client = portal.web.server().client();
    assert!(client.send_once(Command::SelfRegister(register)).await.unwrap().is_ok());
    (portal, mailbox)
}

/// Asks for a code, from the page of the sign-in.
fn ask(portal: &Portal, browser: &mut Browser, name: &str) {
    browser.go(&portal.url("/sign-in"));
    browser.follow("Forgotten password");
    browser.fill("Name, mail address or telephone number", name);
    browser.click("Send the code");
}

fn set_password(browser: &mut Browser, password: &str, repeated: &str) {
    browser.fill("New password", password);
    browser.fill("The new password once more", repeated);
    browser.click("Set the password");
}

fn sign_in(portal: &Portal, browser: &mut Browser, password: &str) {
    browser.go(&portal.url("/sign-in"));
    browser.fill("Name, mail address or telephone number", EMAIL);
    browser.fill("Password", password);
    browser.click("Continue");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_from_a_mail_sets_a_new_password() {
    let (portal, mut mailbox) = portal_with_mail().await;
    let mut browser = portal.browser("alice", |launch| launch.has_script = false);
    ask(&portal, &mut browser, EMAIL);
    browser.see("If this account may have a new password in this way");
    let code = mailbox.reset_code().await;
    let wrong = if code.as_str() == "000000" { "111111" } else { "000000" };
    browser.fill("Code from the message", wrong);
    browser.click("Continue");
    assert_eq!(browser.complaint(), "The code is wrong, or it has expired.");
    let (first, last) = code.as_str().split_at(3);
    browser.fill("Code from the message", &format!("{first} {last}"));
    browser.click("Continue");

    for (password, repeated, complaint) in [
        (NEW_PASSWORD, "amber-Fox-18", "The two passwords differ."),
        ("password", "password", "This password is too weak."),
    ] {
        set_password(&mut browser, password, repeated);
        // The page before may have an alert as well.
        browser.see(complaint);
        let said = browser.complaint();
        assert!(said.starts_with(complaint), "{said}");
    }
    set_password(&mut browser, NEW_PASSWORD, NEW_PASSWORD);
    browser.see("Your password is replaced");

    sign_in(&portal, &mut browser, OLD_PASSWORD);
    assert_eq!(browser.complaint(), "The name or the password is wrong.");
    sign_in(&portal, &mut browser, NEW_PASSWORD);
    browser.see("You are signed in as");
    browser.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_after_the_request_is_the_same_for_every_name() {
    let (portal, mut mailbox) = portal_with_mail().await;
    let mut browser = portal.browser("anyone", |_| {});
    ask(&portal, &mut browser, EMAIL);
    browser.see("If this account may have a new password in this way");
    let known = browser.content();
    let _sent = mailbox.reset_code().await;
    let sent = mailbox.mails().len();
    ask(&portal, &mut browser, "ghost@example.org");
    browser.see("If this account may have a new password in this way");
    assert_eq!(browser.content(), known);
    assert_eq!(mailbox.mails().len(), sent);
    // A text that no account can have is told at once.
    portal.web.server().clock().advance_ms(MINUTE_MS);
    ask(&portal, &mut browser, "a\u{200b}b");
    assert_eq!(browser.complaint(), "This is no name, mail address or telephone number.");
    browser.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_resets_says_so_on_the_page() {
    let portal = Portal::open().await;
    let mut browser = portal.browser("anyone", |_| {});
    ask(&portal, &mut browser, "alice");
    assert!(browser.complaint().starts_with("This server does not offer new passwords"));
    browser.close();
}
