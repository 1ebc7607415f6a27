//! What is true of every page.

use super::{ALICE, Portal, forgotten::portal_with_mail, walk};
use fourauth_tests::browser::Browser;
use reqwest::{Method, StatusCode};
use serde_json::json;
use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Most bytes of the first page with all that it loads.
const MOST_BYTES: usize = 60 * 1024;

/// Checks the page that a browser shows. With `FOURAUTH_SCREENSHOTS` it is also kept as a picture there.
pub(crate) fn check(browser: &mut Browser, name: &str) {
    let found = browser.list("violations");
    assert!(found.is_empty(), "{name}: {found:#?}");
    assert_eq!(browser.act(&json!({ "action": "overflows" })), json!(false), "{name}");
    if let Some(folder) = screenshots() {
        browser.screenshot(&Path::new(&folder).join(format!("{name}.png")));
    }
}

/// The folder for pictures of the pages.
#[expect(clippy::disallowed_methods, reason = "the caller chooses whether pictures are kept")]
fn screenshots() -> Option<OsString> {
    env::var_os("FOURAUTH_SCREENSHOTS")
}

/// A window that the pages are checked in.
#[derive(Debug, Clone, Copy)]
struct Window {
    language: &'static str,
    is_dark: bool,
    /// Width, in pixels of CSS, and how many pixels of the screen each has.
    width: u32,
    scale: u32,
}

const fn window(language: &'static str, is_dark: bool, width: u32, scale: u32) -> Window {
    Window { language, is_dark, width, scale }
}

/// The narrow ones are a window of 640 pixels at 200 %.
const WINDOWS: [Window; 4] = [
    window("en", true, 900, 1),
    window("de", true, 320, 2),
    window("ar", false, 320, 2),
    window("ar", true, 900, 1),
];

impl Window {
    fn name(self, page: &str) -> String {
        let Self { language, is_dark, width, .. } = self;
        let light = if is_dark { "dark" } else { "light" };
        format!("{page}-{language}-{light}-{width}")
    }

    fn browser(self, portal: &Portal, camera: Option<PathBuf>) -> Browser {
        portal.browser(&self.name("profile"), |launch| {
            (launch.language, launch.is_dark) = (self.language, self.is_dark);
            (launch.width, launch.scale) = (self.width, self.scale);
            launch.camera = camera;
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_on_any_page_in_any_language_and_light() {
    let portal = Portal::open().await;
    let carol = portal.carol().await;
    for window in [window("en", false, 900, 1)].into_iter().chain(WINDOWS) {
        let mut browser = window.browser(&portal, None);
        walk::sign_in(&portal, &mut browser, &carol, |browser, page| {
            check(browser, &window.name(page));
        });
        assert_eq!(browser.list("strangers"), Vec::<String>::new());
        browser.close();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_on_the_page_of_the_camera() {
    let portal = Portal::open().await;
    let alice = portal.web.server().enrol("alice", "obama.jpg").await;
    let camera = portal.film(ALICE);
    for window in WINDOWS {
        let mut browser = window.browser(&portal, Some(camera.clone()));
        walk::camera(&portal, &mut browser, &alice, |browser, page| {
            check(browser, &window.name(page));
        });
        browser.close();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_on_the_pages_of_recovery() {
    let (portal, mut mailbox) = portal_with_mail().await;
    for window in WINDOWS {
        let mut browser = window.browser(&portal, None);
        walk::recovery(&portal, &mut browser, &mut mailbox, |browser, page| {
            check(browser, &window.name(page));
        })
        .await;
        browser.close();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_page_is_small() {
    let portal = Portal::open().await;
    let mut sum = 0;
    for path in ["/sign-in", "/assets/portal.css"] {
        let answer = portal.web.get(path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        sum += answer.bytes().await.unwrap().len();
    }
    assert!(sum <= MOST_BYTES, "{sum}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_page_of_the_camera_may_use_it() {
    let portal = Portal::open().await;
    let answer = portal.web.get("/sign-in").send().await.unwrap();
    let headers = answer.headers();
    assert_eq!(headers["permissions-policy"], "camera=(), microphone=(), geolocation=()");
    assert_eq!(headers["cross-origin-opener-policy"], "same-origin");
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("require-trusted-types-for 'script'") && !policy.contains("unsafe"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_assets_of_the_table_are_served() {
    let portal = Portal::open().await;
    for path in ["/assets/", "/assets/server.py", "/assets/..%2fCargo.toml", "/assets/face.js.map"]
    {
        let answer = portal.web.request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[test]
fn the_scripts_of_the_pages_have_right_types() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let compiler = root.join("target/browser/node_modules/.bin/tsc");
    assert!(compiler.exists(), "TypeScript is missing: `cargo xtask test` installs it");
    let assets = fs::read_dir(root.join("crates/gateway/assets")).unwrap();
    let scripts = assets.map(|file| file.unwrap().path());
    let scripts = scripts.filter(|path| path.extension().is_some_and(|it| it == "js"));
    let ran = Command::new(compiler)
        .args(["--checkJs", "--allowJs", "--noEmit", "--strict", "--target", "es2023"])
        .args(["--module", "esnext", "--lib", "es2023,dom,dom.iterable", "--types", ""])
        .args(scripts)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sets_name_logo_and_colour() {
    const LOGO: &str = "<svg xmlns='http://www.w3.org/2000/svg' width='90' height='30'>\
                        <script>alert(1)</script><rect width='90' height='30' fill='teal'/></svg>";
    let folder = tempfile::tempdir().unwrap();
    let logo = folder.path().join("logo.svg");
    fs::write(&logo, LOGO).unwrap();
    let portal = Portal::with(|config| {
        let brand = &mut config.web.brand;
        brand.name = Some("Örtel & Söhne".to_owned());
        brand.logo = Some(logo);
        brand.accent = "#00695c".parse().ok();
    })
    .await;
    let mut browser = portal.browser("dora", |launch| launch.width = 320);
    browser.go(&portal.url("/sign-in"));
    browser.wait_for("img[alt='Örtel & Söhne']");
    check(&mut browser, "brand");
    assert_eq!(browser.list("noise"), Vec::<String>::new());
    browser.close();
    let logo = portal.web.get("/brand/logo").send().await.unwrap();
    let policy = logo.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("sandbox"), "{policy}");
    let colours = portal.web.get("/brand/colours.css").send().await.unwrap();
    assert!(colours.text().await.unwrap().contains("light-dark(#00695c, #9cc0ff)"));
}

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_on_the_pages_of_a_new_account() {
    for (language, is_dark, width) in [("en", false, 900), ("de", true, 320), ("ar", false, 320)] {
        let portal = Portal::open().await;
        let camera = portal.film(ALICE);
        let light = if is_dark { "dark" } else { "light" };
        let name = |page: &str| format!("{page}-{language}-{light}-{width}");
        let mut browser = portal.browser("dora", |launch| {
            launch.camera = Some(camera);
            launch.language = language;
            launch.is_dark = is_dark;
            launch.width = width;
        });
        walk::registration(&portal, &mut browser, |browser, page| check(browser, &name(page)));
        browser.close();
    }
}
