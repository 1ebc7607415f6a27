//! Signing in by camera, and what the page says if that fails.

use super::{ALICE, Portal, STRANGER};
use fourauth_audit::VerifyingKey;
use fourauth_audit_verify::{Options, verify};
use fourauth_config::ChallengeConfig;
use fourauth_protocol::words::Action;
use fourauth_tests::{
    browser::{blurred_film, dark_film},
    server::quick,
};
use serde_json::json;
use std::{fs, time::Duration};
use tokio::time::sleep;

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_by_camera_and_the_key_survives_a_restart() {
    let portal = Portal::open().await;
    let alice = portal.web.server().enrol("alice", "obama.jpg").await;
    let camera = portal.film(ALICE);
    let mut browser = portal.browser("alice", |launch| launch.camera = Some(camera.clone()));
    portal.come_to_the_face(&mut browser, &alice);
    portal.show_the_face(&mut browser);
    browser.see("You are signed in as");
    let shown = browser.content();
    assert!(shown.contains("sign-in: 4 of 4") && shown.contains("Chrome (Linux)"), "{shown}");
    assert!(portal.row().await.contains("door=web"), "{}", portal.row().await);
    browser.close();

    // The cookie and the key are there after a restart of the browser.
    let mut browser = portal.browser("alice", |launch| launch.camera = Some(camera.clone()));
    browser.go(&portal.url("/account"));
    browser.see("You are signed in as");
    browser.go(&portal.url("/sign-out"));
    browser.click("Sign out");
    browser.see("You are signed out of all services.");
    portal.come_to_the_face(&mut browser, &alice);
    portal.show_the_face(&mut browser);
    browser.see("You are signed in as");
    let row = portal.row().await;
    assert!(row.contains("device=match(key,web)"), "{row}");
    // The steps before were counted for this browser, which has proved its key with them.
    let rows = portal.web.server().audit().await;
    let step = rows.iter().find(|row| row.action == Action::PasswordStep).unwrap();
    assert!(step.detail.contains("lane=device"), "{}", step.detail);
    assert_eq!(browser.list("noise"), Vec::<String>::new());
    assert_eq!(browser.list("strangers"), Vec::<String>::new());
    browser.close();

    // The same person in another browser, which has no key of the account.
    let mut other = portal.browser("other", |launch| launch.camera = Some(camera));
    portal.come_to_the_face(&mut other, &alice);
    portal.show_the_face(&mut other);
    assert!(other.complaint().starts_with("This browser is not one of your devices."));
    assert!(portal.row().await.contains("device=mismatch"), "{}", portal.row().await);
    other.see("fourauth device add --pubkey ed25519:");
    other.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_face_is_refused_and_the_page_says_so() {
    let portal = Portal::open().await;
    let alice = portal.web.server().enrol("alice", "obama.jpg").await;
    let camera = portal.film(STRANGER);
    let mut browser = portal.browser("alice", |launch| launch.camera = Some(camera));
    portal.come_to_the_face(&mut browser, &alice);
    portal.show_the_face(&mut browser);
    assert_eq!(browser.complaint(), "The face was not recognised.");
    assert!(portal.row().await.contains("face=mismatch("), "{}", portal.row().await);
    browser.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_trouble_with_the_camera_has_its_own_words() {
    let portal = Portal::open().await;
    let alice = portal.web.server().enrol("alice", "obama.jpg").await;
    let mut none = portal.browser("none", |_| {});
    portal.come_to_the_face(&mut none, &alice);
    none.click("Use the camera");
    assert!(none.complaint().starts_with("This computer has no camera"));
    none.close();

    let camera = portal.film(ALICE);
    let mut denied = portal.browser("denied", |launch| {
        launch.camera = Some(camera);
        launch.permission = "deny";
    });
    portal.come_to_the_face(&mut denied, &alice);
    denied.click("Use the camera");
    assert!(denied.complaint().starts_with("The browser may not use the camera."));
    denied.close();

    let camera = portal.film(ALICE);
    let mut blocked = portal.browser("blocked", |launch| launch.camera = Some(camera));
    blocked.act(&json!({ "action": "block_camera", "path": "/sign-in/code" }));
    portal.come_to_the_face(&mut blocked, &alice);
    blocked.click("Use the camera");
    assert!(blocked.complaint().starts_with("A rule of this browser or of your organisation"));
    blocked.close();

    let camera = dark_film(portal.folder.path());
    let mut dark = portal.browser("dark", |launch| launch.camera = Some(camera));
    portal.come_to_the_face(&mut dark, &alice);
    dark.click("Use the camera");
    dark.see("It is too dark. Turn to the light.");
    dark.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_bad_picture_has_its_own_words() {
    let portal = Portal::open().await;
    let alice = portal.web.server().enrol("alice", "obama.jpg").await;
    let (name, part) = ALICE;
    let blurred = blurred_film(portal.folder.path(), name, part);
    // The chin is below the picture.
    let cut_off = portal.film((name, (0, 0, 626, 520)));
    for (whose, camera, words) in [
        ("blurred", blurred, "The picture is blurred. Hold still."),
        ("cut-off", cut_off, "A part of the face is outside the picture."),
    ] {
        let mut browser = portal.browser(whose, |launch| launch.camera = Some(camera));
        portal.come_to_the_face(&mut browser, &alice);
        portal.show_the_face(&mut browser);
        let complaint = browser.complaint();
        let row = portal.row().await;
        assert!(complaint.starts_with(words), "{complaint} {row}");
        browser.close();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proof_of_a_sign_in_is_a_download_that_verifies() {
    let portal = Portal::open().await;
    let alice = portal.web.server().enrol("alice", "obama.jpg").await;
    let camera = portal.film(ALICE);
    let mut browser = portal.browser("alice", |launch| launch.camera = Some(camera));
    portal.come_to_the_face(&mut browser, &alice);
    portal.show_the_face(&mut browser);
    browser.see("You are signed in as");
    // The next checkpoint covers the sign-in.
    sleep(Duration::from_secs(3)).await;
    let proof = browser.text(&json!({ "action": "download", "link": "Proof" }));
    browser.close();
    let file = portal.folder.path().join("proof.txt");
    let vkey = quick(portal.web.server().folder()).audit_dir().join("log.vkey");
    let vkey = fs::read_to_string(vkey).unwrap();
    let options = Options::new(VerifyingKey::parse(vkey.trim()).unwrap());
    let accepts = |text: &str| {
        fs::write(&file, text).unwrap();
        verify(&file, &options).is_ok_and(|report| report.exit_code() == 0)
    };
    assert!(accepts(&proof), "{proof}");
    assert!(proof.contains("face_step"), "{proof}");
    assert!(!accepts(&proof.replacen("face_step", "face_stop", 1)));
}

/// `challenge` has the positive case.
#[tokio::test(flavor = "multi_thread")]
async fn a_face_that_does_not_turn_fails_the_challenge() {
    let portal = Portal::with(|config| config.face.challenge = Some(ChallengeConfig::Always)).await;
    let alice = portal.web.server().enrol("alice", "obama.jpg").await;
    let camera = portal.film(ALICE);
    let mut browser = portal.browser("alice", |launch| launch.camera = Some(camera));
    portal.come_to_the_face(&mut browser, &alice);
    browser.click("Use the camera");
    browser.click("Begin");
    browser.see("The pictures are taken.");
    browser.click("Sign in");
    let complaint = browser.complaint();
    assert!(complaint.starts_with("The head did not turn as asked"), "{complaint}");
    let row = portal.row().await;
    assert!(row.contains("challenge: "), "{row}");
    browser.close();
}
