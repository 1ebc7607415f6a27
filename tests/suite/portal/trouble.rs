//! Requests that no page can answer, and sessions that have ended.

use super::Portal;
use fourauth_tests::browser::Browser;
use reqwest::{Method, StatusCode};
use serde_json::json;

/// Sends a form as a browser does, and returns the status, the media type and the body.
async fn send_form(portal: &Portal, path: &str, body: &str) -> (StatusCode, String, String) {
    let request = portal.web.request(Method::POST, path);
    let request = request
        .header("content-type", "application/x-www-form-urlencoded")
        .header("accept", "text/html,application/xhtml+xml")
        .header("origin", &portal.origin)
        .header("sec-fetch-site", "same-origin");
    let answer = request.body(body.to_owned()).send().await.unwrap();
    let media = answer.headers()["content-type"].to_str().unwrap().to_owned();
    (answer.status(), media, answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_with_an_impossible_field_is_answered_by_its_page() {
    let portal = Portal::open().await;
    for (path, body, field) in [
        ("/sign-in", "password=x", "identifier"),
        ("/sign-in", "identifier=&password=x", "identifier"),
        ("/sign-in", "identifier=a%00b&password=x", "identifier"),
        ("/sign-in", "identifier=carol", "password"),
        ("/forgotten", "", "identifier"),
    ] {
        let (status, media, page) = send_form(&portal, path, body).await;
        assert_eq!((status, &*media), (StatusCode::BAD_REQUEST, "text/html; charset=utf-8"));
        let fault = format!("<p id=\"{field}-fault\" role=\"alert\">");
        assert!(page.contains(&fault) && page.contains("aria-invalid"), "{path} {body}: {page}");
    }
    // What was proved before is missing.
    for path in ["/sign-in/code", "/forgotten/password"] {
        let (status, _, page) = send_form(&portal, path, "identifier=carol").await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}");
        assert!(page.contains("It took too long. Begin again."), "{page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_a_page_is_answered_in_words() {
    let portal = Portal::open().await;
    let mut browser = portal.browser("anyone", |launch| launch.language = "de");
    for (path, status, words) in [
        ("/nothing", 404, "Diese Seite gibt es nicht."),
        ("/forgotten/code", 405, "Diese Seite gibt es nicht."),
        ("/sign-in?to=https%3A%2F%2Felsewhere.example", 400, "Beginnen Sie von vorn."),
        ("/recover/everything", 404, "Diese Seite gibt es nicht."),
    ] {
        assert_eq!(browser.go(&portal.url(path)), status, "{path}");
        assert!(browser.complaint().ends_with(words), "{path}");
    }
    browser.close();
    let (status, media, page) = send_form(&portal, "/sign-in", "identifier=a&identifier=b").await;
    assert_eq!((status, &*media), (StatusCode::BAD_REQUEST, "text/html; charset=utf-8"));
    assert!(page.contains("The page sent something that the server cannot use."), "{page}");
    // A program is answered in JSON, as before.
    let answer = portal.web.get("/nothing").send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json");
}

/// How often the server has refused a token.
fn refused_tokens(portal: &Portal) -> u64 {
    let metrics = portal.web.server().server().vitals().metrics();
    let counts = metrics.lines().filter(|line| {
        line.contains("action=\"authorise\"") && line.contains("outcome=\"refused\"")
    });
    counts.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_has_ended_is_counted_once() {
    let portal = Portal::open().await;
    let carol = portal.carol().await;
    let mut browser: Browser = super::account::sign_in(&portal, "carol", &carol);
    let cookie = json!({ "action": "cookie", "name": "__Host-fourauth" });
    let token = browser.text(&cookie);
    browser.click("End all");
    browser.see("Name, mail address or telephone number");
    assert_eq!(browser.text(&cookie), "");
    browser.close();

    let before = refused_tokens(&portal);
    let ask = async |token: &str| {
        let cookie = format!("__Host-fourauth={token}");
        let answer = portal.web.get("/account").header("cookie", cookie).send().await.unwrap();
        // The answer removes the cookie, and leads to the sign-in.
        assert_eq!(answer.url().path(), "/sign-in");
    };
    for _ in 0..5 {
        ask(&token).await;
    }
    assert_eq!(refused_tokens(&portal), before + 1);
    // The control: another token is one more.
    let start = "fourauth_".len();
    let changed = if token[start..].starts_with('A') { "B" } else { "A" };
    let mut other = token.clone();
    other.replace_range(start..=start, changed);
    ask(&other).await;
    assert_eq!(refused_tokens(&portal), before + 2);
}
