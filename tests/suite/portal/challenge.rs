//! A face challenge in the portal: the camera of the browser shows a face that moves as the page asks.

use super::{MINUTE_MS, Portal};
use fourauth_config::{ChallengeConfig, Config};
use fourauth_tests::{
    browser::{Browser, Scene},
    moving_face::MovingFace,
};
use std::{path::Path, time::Duration};
use tokio::time::sleep;

/// What the page says, and what a person does then: the turn of the head in degrees, and the opening of the
/// mouth in distances between the eyes.
const DEEDS: [(&str, f32, f32); 4] = [
    ("Look into the camera and hold still.", 0.0, 0.0),
    ("Turn your head to your left.", 30.0, 0.0),
    ("Turn your head to your right.", -30.0, 0.0),
    ("Open your mouth wide.", 0.0, 0.4),
];

/// How a head that is held still moves a little, in degrees. No two frames of a camera are the same: the page takes
/// the two frames of a step two frames of the film apart.
const SWAY: [f32; 7] = [-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5];

/// How much further the head is turned the second time, in degrees.
const FURTHER: f32 = 0.25;

/// What a camera sees of each deed, the first and the second time.
struct Person([(&'static str, [Scene; 2]); 4]);

impl Person {
    fn of(picture: &str) -> Self {
        let face = MovingFace::of(picture);
        let scene = |turn: f32, gap| Scene::of(&SWAY.map(|sway| face.frame(turn + sway, gap)));
        let scenes = |turn, gap| [scene(turn, gap), scene(turn + FURTHER, gap)];
        Self(DEEDS.map(|(words, turn, gap)| (words, scenes(turn, gap))))
    }

    fn at_rest(&self) -> &Scene {
        &self.0[0].1[0]
    }

    /// Does what the page asks for, until it has its pictures. Returns what it asked for.
    async fn obey(&self, browser: &mut Browser, film: &Path) -> Vec<&'static str> {
        let mut asked = Vec::new();
        loop {
            let said = browser.text_of("#status");
            if said == "The pictures are taken." {
                return asked;
            }
            let deed = self.0.iter().find(|(words, _)| *words == said);
            if let Some((words, [first, second])) = deed
                && asked.last() != Some(words)
            {
                let scene = if asked.contains(words) { second } else { first };
                scene.show(film);
                asked.push(words);
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_that_does_as_the_page_asks_signs_in() {
    let always = |config: &mut Config| config.face.challenge = Some(ChallengeConfig::Always);
    let portal = Portal::without_liveness(always).await;
    let alice = portal.web.server().enrol("alice", "obama.jpg").await;
    let person = Person::of("obama3.jpg");
    let film = portal.folder.path().join("alice.y4m");
    person.at_rest().show(&film);
    let camera = film.clone();
    let mut browser = portal.browser("alice", |launch| launch.camera = Some(camera));
    portal.come_to_the_face(&mut browser, &alice);
    browser.click("Use the camera");
    browser.click("Begin");
    let asked = person.obey(&mut browser, &film).await;
    assert!(asked.len() >= 3, "{asked:?}");
    browser.click("Sign in");
    browser.see("You are signed in as");
    let row = portal.row().await;
    assert!(row.contains("challenge: passed") && row.contains("door=web"), "{asked:?} {row}");
    browser.close();

    // The same picture, held before the camera in the same browser: it sways, and does nothing else.
    person.at_rest().show(&film);
    portal.web.server().clock().advance_ms(MINUTE_MS);
    let camera = film.clone();
    let mut browser = portal.browser("alice", |launch| launch.camera = Some(camera));
    browser.go(&portal.url("/sign-out"));
    browser.click("Sign out");
    browser.see("You are signed out of all services.");
    portal.come_to_the_face(&mut browser, &alice);
    browser.click("Use the camera");
    browser.click("Begin");
    browser.see("The pictures are taken.");
    browser.click("Sign in");
    let complaint = browser.complaint();
    assert!(complaint.starts_with("The head did not turn as asked"), "{complaint}");
    let row = portal.row().await;
    assert!(row.contains("challenge: ") && !row.contains("challenge: passed"), "{row}");
    browser.close();
}
