//! A real browser with a camera that shows a picture, driven by `tests/browser/driver.mjs`.

use crate::models;
use fourauth_protocol::{picture::Picture, time::UnixMillis};
use image::{Rgb, RgbImage, imageops};
use serde_json::{Value, json};
use std::{
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// Frame of the camera, in pixels.
const SIDE: (u32, u32) = (640, 480);

/// Frames of a scene in a second.
const SCENE_RATE: u32 = 5;

/// A browser with one page.
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// What a browser is started with.
#[derive(Debug, Clone)]
pub struct Launch<'a> {
    /// The folder that its keys and cookies are kept in.
    pub profile: &'a Path,
    /// The origin of the pages. Requests to others are noted.
    pub origin: &'a str,
    /// What the camera shows; `None` for a machine without one.
    pub camera: Option<PathBuf>,
    /// What a person answers when the page asks for the camera: `allow`, `deny` or `ask`.
    pub permission: &'a str,
    /// The tag of its language.
    pub language: &'a str,
    /// True for dark colours.
    pub is_dark: bool,
    /// Width of the window, in pixels of CSS.
    pub width: u32,
    /// How many pixels of the screen one of CSS has, in each direction: 2 for a page at 200 %.
    pub scale: u32,
    /// True if scripts of the pages run.
    pub has_script: bool,
    /// The certificate of the server, for a browser that binds sessions to a key. It does so only where
    /// nothing is wrong with the certificate.
    pub bound_sessions: Option<PathBuf>,
    /// A rule for names of hosts: `MAP *.example.test [::1]`.
    pub hosts: Option<&'a str>,
}

impl<'a> Launch<'a> {
    /// An English browser without a camera.
    #[must_use]
    pub const fn new(profile: &'a Path, origin: &'a str) -> Self {
        let (language, permission) = ("en", "allow");
        Self {
            profile,
            origin,
            camera: None,
            permission,
            language,
            is_dark: false,
            width: 900,
            scale: 1,
            has_script: true,
            bound_sessions: None,
            hosts: None,
        }
    }
}

impl Browser {
    /// Starts a browser.
    ///
    /// # Panics
    ///
    /// If Node, its packages or Chromium are missing; `cargo xtask test` installs them.
    #[must_use]
    pub fn launch(launch: &Launch<'_>) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let packages = root.join("../target/browser");
        assert!(
            packages.join("node_modules/playwright-core").exists(),
            "the packages for browser tests are missing: `cargo xtask test` installs them"
        );
        let mut driver = Command::new("node")
            .arg(root.join("browser/driver.mjs"))
            .arg(packages)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node runs");
        let input = driver.stdin.take().expect("a pipe");
        let output = BufReader::new(driver.stdout.take().expect("a pipe"));
        let mut browser = Self { driver, input, output };
        browser.act(&json!({
            "action": "launch",
            "profile": launch.profile,
            "origin": launch.origin,
            "camera": launch.camera,
            "permission": launch.permission,
            "language": launch.language,
            "dark": launch.is_dark,
            "width": launch.width,
            "scale": launch.scale,
            "script": launch.has_script,
            "bound": launch.bound_sessions,
            "hosts": launch.hosts,
        }));
        browser
    }

    /// Does one thing and returns its result.
    ///
    /// # Panics
    ///
    /// If it fails; the text has what the page shows.
    pub fn act(&mut self, action: &Value) -> Value {
        writeln!(self.input, "{action}").expect("the driver reads");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the driver answers");
        let mut answer: Value = serde_json::from_str(&line).expect("an answer in JSON");
        if let Some(error) = answer["error"].as_str() {
            let mut text = action["action"].to_string();
            let _infallible = write!(text, ": {error}");
            panic!("{text}");
        }
        answer["ok"].take()
    }

    /// Goes to an address and returns the status of the answer.
    pub fn go(&mut self, url: &str) -> u64 {
        self.act(&json!({ "action": "goto", "url": url })).as_u64().unwrap_or_default()
    }

    /// Types into the field with this label.
    pub fn fill(&mut self, label: &str, text: &str) {
        self.act(&json!({ "action": "fill", "label": label, "text": text }));
    }

    /// Presses the button with this name.
    pub fn click(&mut self, button: &str) {
        self.act(&json!({ "action": "click", "button": button }));
    }

    /// Presses the last button with this name.
    pub fn click_last(&mut self, button: &str) {
        self.act(&json!({ "action": "click", "button": button, "last": true }));
    }

    /// Waits until this text is shown.
    pub fn see(&mut self, text: &str) {
        self.act(&json!({ "action": "see", "text": text }));
    }

    /// Sets the clock of the page.
    pub fn set_clock(&mut self, now: UnixMillis) {
        self.act(&json!({ "action": "clock", "time": now.0 }));
    }

    /// Follows the link with this name.
    pub fn follow(&mut self, link: &str) {
        self.act(&json!({ "action": "follow", "link": link }));
    }

    /// What an element shows.
    pub fn text_of(&mut self, selector: &str) -> String {
        self.text(&json!({ "action": "text_of", "selector": selector }))
    }

    /// The main heading.
    pub fn heading(&mut self) -> String {
        self.text(&json!({ "action": "heading" }))
    }

    /// The sentence of the alert, which may take a moment.
    pub fn complaint(&mut self) -> String {
        self.text(&json!({ "action": "complaint" }))
    }

    /// Everything that the page shows, without the marks around values (U+2068 and U+2069).
    pub fn content(&mut self) -> String {
        self.text(&json!({ "action": "content" })).replace(['\u{2068}', '\u{2069}'], "")
    }

    /// Waits until an element is there.
    pub fn wait_for(&mut self, selector: &str) {
        self.act(&json!({ "action": "wait_for", "selector": selector }));
    }

    /// Presses an element.
    pub fn press_on(&mut self, selector: &str) {
        self.act(&json!({ "action": "press_on", "selector": selector }));
    }

    /// Types on the element with the focus.
    pub fn type_text(&mut self, text: &str) {
        self.act(&json!({ "action": "type", "text": text }));
    }

    /// Presses keys, one after the other.
    pub fn press(&mut self, keys: &[&str]) {
        self.act(&json!({ "action": "press", "keys": keys }));
    }

    /// Writes a picture of the whole page.
    pub fn screenshot(&mut self, file: &Path) {
        self.act(&json!({ "action": "screenshot", "file": file }));
    }

    /// The result of an action, as a text.
    ///
    /// # Panics
    ///
    /// If it has another type.
    pub fn text(&mut self, action: &Value) -> String {
        self.act(action).as_str().expect("a text").to_owned()
    }

    /// The result of an action, as a list of texts.
    ///
    /// # Panics
    ///
    /// If it has another type.
    pub fn list(&mut self, action: &str) -> Vec<String> {
        let list = self.act(&json!({ "action": action }));
        let texts = list.as_array().expect("a list").iter();
        texts.map(|it| it.as_str().expect("a text").to_owned()).collect()
    }

    /// Ends the browser. Its profile stays.
    pub fn close(mut self) {
        self.act(&json!({ "action": "close" }));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends by itself at the end of its input, unless the browser hangs.
        let _gone = self.driver.kill();
        let _gone = self.driver.wait();
    }
}

/// The part of a picture that the camera shows: left, top, width and height, in pixels.
pub type Part = (u32, u32, u32, u32);

/// A film of one frame that a fake camera shows for ever: the part of a test picture, as large as it fits.
///
/// # Panics
///
/// If the picture cannot be read or the film cannot be written.
#[must_use]
pub fn film(folder: &Path, name: &str, part: Part) -> PathBuf {
    let (left, top, ..) = part;
    write_film(&folder.join(format!("{name}-{left}-{top}.y4m")), &fitted(&part_of(name, part)))
}

/// A part of a test picture.
fn part_of(name: &str, (left, top, width, height): Part) -> RgbImage {
    let picture = image::load_from_memory(models::picture(name).bytes()).expect("a picture");
    imageops::crop_imm(&picture.to_rgb8(), left, top, width, height).to_image()
}

/// As [`film`], out of focus.
///
/// # Panics
///
/// As for [`film`].
#[must_use]
pub fn blurred_film(folder: &Path, name: &str, part: Part) -> PathBuf {
    let sharp = fitted(&part_of(name, part));
    write_film(&folder.join("blurred.y4m"), &imageops::blur(&sharp, 8.0))
}

/// A film without light.
///
/// # Panics
///
/// If the film cannot be written.
#[must_use]
pub fn dark_film(folder: &Path) -> PathBuf {
    write_film(&folder.join("dark.y4m"), &RgbImage::from_pixel(SIDE.0, SIDE.1, Rgb([9, 9, 9])))
}

/// Frames that a camera shows one after the other, again and again.
#[derive(Debug, Clone)]
pub struct Scene(Vec<u8>);

impl Scene {
    /// The frames of these pictures, which are JPEG.
    ///
    /// # Panics
    ///
    /// If one cannot be read.
    #[must_use]
    pub fn of(pictures: &[Picture]) -> Self {
        let mut film = header(SIDE, SCENE_RATE);
        for picture in pictures {
            let picture = image::load_from_memory(picture.bytes()).expect("a picture").to_rgb8();
            film.extend(film_frame(&fitted(&picture)));
        }
        Self(film)
    }

    /// Writes the film that a camera shows. Written again while a browser shows it, it is what a person before the
    /// camera does next: Chromium reads each frame from the file.
    ///
    /// # Panics
    ///
    /// If the file cannot be written.
    pub fn show(&self, film: &Path) {
        let opened = fs::OpenOptions::new().write(true).create(true).truncate(false).open(film);
        opened.expect("the film").write_all(&self.0).expect("the film is written");
    }
}

/// The picture in the middle of a grey frame.
fn fitted(picture: &RgbImage) -> RgbImage {
    let (width, height) = picture.dimensions();
    let is_wide = width * SIDE.1 > height * SIDE.0;
    let (width, height) =
        if is_wide { (SIDE.0, height * SIDE.0 / width) } else { (width * SIDE.1 / height, SIDE.1) };
    let small = imageops::resize(picture, width, height, imageops::FilterType::Triangle);
    let mut frame = RgbImage::from_pixel(SIDE.0, SIDE.1, Rgb([128, 128, 128]));
    let (left, top) = ((SIDE.0 - width) / 2, (SIDE.1 - height) / 2);
    imageops::overlay(&mut frame, &small, left.into(), top.into());
    frame
}

fn write_film(path: &Path, frame: &RgbImage) -> PathBuf {
    let film = [header(frame.dimensions(), 10), film_frame(frame)].concat();
    fs::write(path, film).expect("the film is written");
    path.to_owned()
}

/// The begin of a film in YUV4MPEG2, with so many frames a second.
fn header((width, height): (u32, u32), rate: u32) -> Vec<u8> {
    format!("YUV4MPEG2 W{width} H{height} F{rate}:1 Ip A1:1 C420jpeg\n").into_bytes()
}

/// A frame in YUV4MPEG2, with one colour for two by two pixels (BT.601).
fn film_frame(frame: &RgbImage) -> Vec<u8> {
    let (width, height) = frame.dimensions();
    let mut film = b"FRAME\n".to_vec();
    // Weights in thousandths.
    let of = |pixel: &Rgb<u8>, [r, g, b]: [i32; 3], offset: i32| {
        let [red, green, blue] = pixel.0.map(i32::from);
        let value = (r * red + g * green + b * blue) / 1000 + offset;
        u8::try_from(value.clamp(0, 255)).unwrap_or_default()
    };
    film.extend(frame.pixels().map(|pixel| of(pixel, [299, 587, 114], 0)));
    for weights in [[-169, -331, 500], [500, -419, -81]] {
        for y in (0..height).step_by(2) {
            let row = (0..width).step_by(2);
            film.extend(row.map(|x| of(frame.get_pixel(x, y), weights, 128)));
        }
    }
    film
}
