//! What is true of every page.

use super::{
    ALICE, MINUTE_MS, Portal,
    forgotten::{EMAIL, portal_with_mail},
    register::person,
};
use fourauth_tests::{browser::Browser, persona::Persona};
use reqwest::{Method, StatusCode};
use serde_json::json;
use std::{env, ffi::OsString, fs, path::Path, process::Command};

/// Most bytes of the first page with all that it loads.
const MOST_BYTES: usize = 60 * 1024;

/// Checks the page that a browser shows. With `FOURAUTH_SCREENSHOTS` it is also kept as a picture there.
fn check(browser: &mut Browser, name: &str) {
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

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_on_any_page_in_any_language_and_light() {
    let portal = Portal::open().await;
    let carol = portal.carol().await;
    for (language, is_dark, width) in
        [("en", false, 900), ("de", true, 320), ("ar", false, 320), ("en", true, 900)]
    {
        let light = if is_dark { "dark" } else { "light" };
        let name = |page: &str| format!("{page}-{language}-{light}-{width}");
        let mut browser = portal.browser(&name("profile"), |launch| {
            launch.language = language;
            launch.is_dark = is_dark;
            launch.width = width;
        });
        portal.web.server().clock().advance_ms(MINUTE_MS);
        browser.go(&portal.url("/sign-in"));
        check(&mut browser, &name("password"));
        browser.type_text("carol@example.org");
        browser.press(&["Tab"]);
        browser.type_text(carol.password.expose());
        browser.press(&["Enter"]);
        browser.wait_for("#otp");
        check(&mut browser, &name("code"));
        browser.type_text("000000");
        browser.press(&["Enter"]);
        browser.complaint();
        check(&mut browser, &name("wrong-code"));
        let code = carol.code(portal.web.server().now());
        browser.type_text(code.as_str());
        browser.press(&["Enter"]);
        browser.wait_for("#sessions");
        check(&mut browser, &name("account"));
        browser.go(&portal.url("/sign-out"));
        check(&mut browser, &name("sign-out"));
        assert_eq!(browser.list("strangers"), Vec::<String>::new());
        browser.close();
    }
}

/// From the first page to that of the face, in any language.
fn come_to_the_face(portal: &Portal, browser: &mut Browser, alice: &Persona) {
    portal.web.server().clock().advance_ms(MINUTE_MS);
    browser.go(&portal.url("/sign-in"));
    browser.type_text(alice.username.as_str());
    browser.press(&["Tab"]);
    browser.type_text(alice.password.expose());
    browser.press(&["Enter"]);
    browser.wait_for("#otp");
    browser.type_text(alice.code(portal.web.server().now()).as_str());
    browser.press(&["Enter"]);
    browser.wait_for("#face");
}

/// The windows that the pages with a camera are checked in: a language, whether it is dark, its width in pixels of CSS, and
/// how many pixels of the screen each has. The narrow ones are a window of 640 pixels at 200 %.
const WINDOWS: [(&str, bool, u32, u32); 4] =
    [("en", false, 900, 1), ("de", true, 320, 2), ("ar", true, 320, 2), ("ar", false, 900, 1)];

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_on_the_page_of_the_camera() {
    let portal = Portal::open().await;
    let alice = portal.web.server().enrol("alice", "obama.jpg").await;
    let camera = portal.film(ALICE);
    for (language, is_dark, width, scale) in WINDOWS {
        let name = |page: &str| format!("{page}-{language}-{is_dark}-{width}");
        let mut browser = portal.browser(&name("face"), |launch| {
            (launch.language, launch.is_dark) = (language, is_dark);
            (launch.width, launch.scale, launch.camera) = (width, scale, Some(camera.clone()));
        });
        come_to_the_face(&portal, &mut browser, &alice);
        check(&mut browser, &name("face"));
        browser.act(&json!({ "action": "press_at", "selector": "#start" }));
        browser.wait_for("#take:visible");
        check(&mut browser, &name("face-camera"));
        browser.act(&json!({ "action": "press_at", "selector": "#take" }));
        browser.wait_for("#send:visible");
        check(&mut browser, &name("face-taken"));
        browser.close();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_on_the_pages_of_recovery() {
    let (portal, mut mailbox) = portal_with_mail().await;
    let carol = portal.carol().await;
    for (language, is_dark, width, scale) in WINDOWS {
        let name = |page: &str| format!("{page}-{language}-{is_dark}-{width}");
        let mut browser = portal.browser(&name("recovery"), |launch| {
            (launch.language, launch.is_dark) = (language, is_dark);
            (launch.width, launch.scale) = (width, scale);
        });
        portal.web.server().clock().advance_ms(MINUTE_MS);
        browser.go(&portal.url("/forgotten"));
        check(&mut browser, &name("forgotten"));
        browser.type_text(EMAIL);
        browser.press(&["Enter"]);
        browser.wait_for("#otp");
        check(&mut browser, &name("forgotten-code"));
        browser.type_text(mailbox.reset_code().await.as_str());
        browser.press(&["Enter"]);
        browser.wait_for("#new-password");
        check(&mut browser, &name("forgotten-password"));
        browser.type_text("password");
        browser.press(&["Tab"]);
        browser.type_text("other");
        browser.press(&["Enter"]);
        browser.complaint();
        check(&mut browser, &name("forgotten-fault"));
        for path in ["", "/authenticator", "/password", "/face", "/device"] {
            browser.go(&portal.url(&format!("/recover{path}")));
            check(&mut browser, &name(&format!("recover{}", path.replace('/', "-"))));
        }
        // What a page shows after a refusal, and at its end.
        browser.go(&portal.url("/recover/authenticator"));
        browser.act(&json!({ "action": "show", "selectors": ["#done", "#add", "#complaint"] }));
        check(&mut browser, &name("recover-done"));
        browser.go(&portal.url("/nothing"));
        check(&mut browser, &name("trouble"));

        browser.go(&portal.url("/sign-in"));
        browser.type_text(carol.username.as_str());
        browser.press(&["Tab"]);
        browser.type_text(carol.password.expose());
        browser.press(&["Enter"]);
        browser.wait_for("#otp");
        browser.type_text(carol.code(portal.web.server().now()).as_str());
        browser.press(&["Enter"]);
        browser.wait_for("#sessions");
        browser.go(&portal.url("/account/devices/revoke?device=laptop"));
        check(&mut browser, &name("revoke"));
        assert_eq!(browser.list("strangers"), Vec::<String>::new());
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
        browser.go(&portal.url("/invitation?name=dora&invitation=x"));
        check(&mut browser, &name("invitation"));
        browser.go(&portal.url("/sign-up"));
        check(&mut browser, &name("sign-up"));
        browser.type_text("dora");
        browser.press(&["Tab", "Tab", "Tab"]);
        browser.type_text("violet-Ox-42");
        browser.press(&["Enter"]);
        browser.wait_for("img.qr");
        check(&mut browser, &name("authenticator"));
        let uri = browser.text(&json!({ "action": "value", "selector": "input[name=uri]" }));
        let dora = person("dora", uri);
        browser.type_text(dora.code(portal.web.server().now()).as_str());
        browser.press(&["Enter"]);
        browser.wait_for("#start");
        check(&mut browser, &name("enrol"));
        browser.press_on("#consent");
        browser.press_on("#start");
        for _ in 1..=5 {
            browser.press_on("#take");
        }
        browser.wait_for("#send:visible");
        check(&mut browser, &name("enrol-taken"));
        portal.web.server().clock().advance_ms(1000);
        browser.press_on("#send");
        browser.wait_for("#codes:visible");
        check(&mut browser, &name("codes"));
        browser.close();
    }
}
