//! How a visitor signs in and comes back.

use super::{
    Door, EMAIL, PASSWORD, VISITOR, attributes, behind_a_proxy, cookie, encoded, header,
    with_authenticator,
};
use reqwest::{Method, StatusCode};
use std::time::Duration;
use tokio::time::timeout;

const ENTER: &str = "/forward-auth/enter?to=https%3A%2F%2Fwiki.example.test%2Fpage";
const PAGE: &str = "https://wiki.example.test/page";

#[tokio::test(flavor = "multi_thread")]
async fn a_session_becomes_a_cookie_for_the_domain() {
    let door = Door::open().await;
    let answer = door.enter(&door.session().await).await;
    assert_eq!((answer.status(), header(&answer, "location").as_str()), (StatusCode::FOUND, PAGE));
    let set = attributes(&answer, "__Secure-fourauth-fa").unwrap();
    let (value, rest) = set.split_once("; ").unwrap();
    assert!(value.starts_with("__Secure-fourauth-fa=fourauth_check."), "{value}");
    let expected = "Domain=example.test; Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax";
    assert_eq!(rest, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_that_began_elsewhere_is_tried_again_from_here() {
    let door = Door::open().await;
    let first = door.request(Method::GET, ENTER).send().await.unwrap();
    assert_eq!(first.status(), StatusCode::OK);
    let again = format!("{ENTER}&#38;bounced=true");
    let text = first.text().await.unwrap();
    assert!(text.contains(&format!("<meta http-equiv=\"refresh\" content=\"0; url={again}\">")));
    let second = door.request(Method::GET, &again.replace("&#38;", "&")).send().await.unwrap();
    assert_eq!(second.status(), StatusCode::FOUND);
    assert_eq!(header(&second, "location"), ENTER.replace("/forward-auth/enter", "/sign-in"));
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_leads_back_to_the_page() {
    let door = Door::open().await;
    let form = door.request(Method::GET, &ENTER.replace("/forward-auth/enter", "/sign-in"));
    let form = form.send().await.unwrap().text().await.unwrap();
    assert!(form.contains(&format!("name=\"to\" value=\"{PAGE}\"")), "{form}");
    let done = door.sign_in(PAGE).await;
    assert_eq!(done.status(), StatusCode::OK);
    let session = cookie(&done, "__Host-fourauth").unwrap();
    assert!(done.text().await.unwrap().contains(&format!("url={ENTER}")));
    assert_eq!(header(&door.enter(&session).await, "location"), PAGE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_with_an_authenticator_is_asked_for_a_code() {
    let door = Door::open().await;
    let dave = with_authenticator(&door, "dave@example.org").await;
    let form = [("identifier", "dave@example.org"), ("password", PASSWORD), ("to", PAGE)];
    let first = door.post("/sign-in", &form).send().await.unwrap();
    assert!(cookie(&first, "__Host-fourauth").is_none());
    let grant = cookie(&first, "__Host-mfa").unwrap();
    assert!(first.text().await.unwrap().contains("autocomplete=\"one-time-code\""));
    door.web.server().clock().advance_ms(30_000);
    let code = dave.code(door.web.server().now());
    let spaced = format!("{} {}", &code.as_str()[..3], &code.as_str()[3..]);
    for (otp, cookies, is_in) in
        [("000000", Some(&grant), false), (&*spaced, None, false), (&*spaced, Some(&grant), true)]
    {
        let form = [("identifier", "dave@example.org"), ("otp", otp), ("to", PAGE)];
        let mut second = door.post("/sign-in/code", &form);
        if let Some(cookies) = cookies {
            second = second.header("cookie", cookies);
        }
        let second = second.send().await.unwrap();
        assert_eq!(cookie(&second, "__Host-fourauth").is_some(), is_in, "{otp} {cookies:?}");
        assert_eq!(second.status().is_success(), is_in);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_gives_the_form_again() {
    let door = Door::open().await;
    for (identifier, password) in [(EMAIL, "violet-Ox-43"), ("nobody@example.org", PASSWORD)] {
        let form = [("identifier", identifier), ("password", password), ("to", PAGE)];
        let answer = door.post("/sign-in", &form).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        assert!(cookie(&answer, "__Host-fourauth").is_none());
        let text = answer.text().await.unwrap();
        assert!(text.contains("The name or the password is wrong."), "{text}");
        assert!(!text.contains(password), "{text}");
    }
    // A text that no account can have is told beside its field.
    let form = [("identifier", "\u{7}"), ("password", PASSWORD), ("to", PAGE)];
    let answer = door.post("/sign-in", &form).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let text = answer.text().await.unwrap();
    assert!(text.contains("identifier-fault") && !text.contains(PASSWORD), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_no_rule_names_is_no_target() {
    let door = Door::open().await;
    let session = door.session().await;
    for to in
        ["https://evil.example/", "//evil.example/", "https://wiki.example.test.evil.example/", ""]
    {
        let path = format!("/forward-auth/enter?to={}", encoded(to));
        let answer =
            door.request(Method::GET, &path).header("cookie", &session).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{to}");
    }
    let answer = door.sign_in("https://evil.example/").await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert!(cookie(&answer, "__Host-fourauth").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_site_is_refused() {
    let door = Door::open().await;
    let form = [("identifier", EMAIL), ("password", PASSWORD)];
    for (name, value, status) in [
        ("sec-fetch-site", "cross-site", StatusCode::FORBIDDEN),
        ("sec-fetch-site", "same-site", StatusCode::FORBIDDEN),
        ("origin", "https://wiki.example.test", StatusCode::FORBIDDEN),
        ("origin", "null", StatusCode::FORBIDDEN),
        ("origin", "https://auth.example.test", StatusCode::OK),
        ("sec-fetch-site", "same-origin", StatusCode::OK),
    ] {
        for path in ["/sign-in", "/sign-out"] {
            let answer = door.post(path, &form).header(name, value).send().await.unwrap();
            let is_refused = answer.status() == StatusCode::FORBIDDEN;
            assert_eq!(is_refused, status == StatusCode::FORBIDDEN, "{path} {name}: {value}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_due_is_renewed_on_the_way() {
    let door = Door::open().await;
    let session = door.session().await;
    door.web.server().clock().advance_ms(3_600_000);
    let answer = door.enter(&session).await;
    let renewed = cookie(&answer, "__Host-fourauth").unwrap();
    assert_ne!(renewed, session);
    let visit = cookie(&answer, "__Secure-fourauth-fa").unwrap();
    let page = door.ask("/page").header("cookie", &visit).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    // A session that has ended leads to the form.
    door.web.server().clock().advance_ms(86_400_000);
    let answer = door.enter(&renewed).await;
    assert!(header(&answer, "location").starts_with("/sign-in?to="));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_loads_nothing_and_sends_forms_only_here() {
    let door = Door::open().await;
    let page = door.request(Method::GET, "/sign-in").send().await.unwrap();
    let policy = header(&page, "content-security-policy");
    for part in ["default-src 'none';", "form-action 'self';", "require-trusted-types-for 'script'"]
    {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(header(&page, "cache-control"), "no-store");
    // With no-referrer, a browser would send `Origin: null` with the form.
    assert_eq!(header(&page, "referrer-policy"), "strict-origin");
    let style = door.request(Method::GET, "/assets/portal.css").send().await.unwrap();
    assert_eq!(header(&style, "content-type"), "text/css; charset=utf-8");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_says_whether_the_session_ended() {
    let door = Door::open().await;
    let session = door.session().await;
    let out = async |from: &str| {
        let address = door.web.plain_address();
        let request = door.client.post(format!("http://{address}/sign-out"));
        let request = request.header("x-forwarded-for", from).header("cookie", &session);
        let form = ("content-type", "application/x-www-form-urlencoded");
        let answer = request.header(form.0, form.1).send().await.unwrap();
        let is_kept = cookie(&answer, "__Host-fourauth").is_none();
        (answer.status(), is_kept, answer.text().await.unwrap())
    };
    // The session is bound to another address, so nothing ends.
    let (status, _, text) = out("198.51.100.8").await;
    assert!(status == StatusCode::OK && text.contains("found no session"), "{text}");
    assert_eq!(door.enter(&session).await.status(), StatusCode::FOUND);
    let (status, is_kept, text) = out(VISITOR).await;
    assert!(status == StatusCode::OK && !is_kept && text.contains("of all services"), "{text}");
    assert!(header(&door.enter(&session).await, "location").starts_with("/sign-in?to="));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_visitor_is_told_that_the_session_goes_on() {
    let door = Door::with(|config| {
        behind_a_proxy(config);
        config.limits.penalty_exempt.clear();
    })
    .await;
    let session = door.session().await;
    let wrong = [("identifier", EMAIL), ("password", "violet-Ox-43")];
    let throttled = async {
        let post = || door.post("/sign-in", &wrong).send();
        while post().await.unwrap().status() != StatusCode::TOO_MANY_REQUESTS {}
    };
    timeout(Duration::from_mins(1), throttled).await.unwrap();
    let out = door.post("/sign-out", &[]).header("cookie", &session).send().await.unwrap();
    assert_eq!(out.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(cookie(&out, "__Host-fourauth").is_none(), "the browser keeps its session");
    assert!(out.text().await.unwrap().contains("still signed in"));
}

/// A person with too low a level is told what is missing, and not sent round in circles.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_learns_what_a_page_of_a_level_needs() {
    const VAULT: &str = "to=https%3A%2F%2Fwiki.example.test%2Fvault";
    let door = Door::open().await;
    let session = door.session().await;
    let visit = door.visit(&session).await;
    let ask = || door.ask("/vault").header("accept", "text/html").header("cookie", &visit);
    let answer = ask().send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::FOUND);
    let enter = header(&answer, "location");
    let enter = enter.strip_prefix("https://auth.example.test").unwrap().to_owned();
    assert_eq!(enter, format!("/forward-auth/enter?{VAULT}&level=2"));
    let get = async |path: &str| {
        door.request(Method::GET, path).header("cookie", &session).send().await.unwrap()
    };
    let more = header(&get(&enter).await, "location");
    assert_eq!(more, format!("/sign-in/more?{VAULT}&level=2"));
    let page = get(&more).await;
    assert_eq!(page.status(), StatusCode::OK);
    let text = page.text().await.unwrap();
    assert!(text.contains("This page needs more"), "{text}");
    assert!(text.contains(&format!("/sign-in?{VAULT}")), "{text}");
    // A level that the session has leads back, also if the address names another one.
    let back = get(&enter.replace("level=2", "level=1")).await;
    assert_eq!(header(&back, "location"), "https://wiki.example.test/vault");
    assert_eq!(ask().send().await.unwrap().status(), StatusCode::FOUND, "the rules decide");
    // Only pages of services are led back to.
    let elsewhere = get("/sign-in/more?to=https%3A%2F%2Fevil.example%2F&level=2").await;
    assert_eq!(elsewhere.status(), StatusCode::BAD_REQUEST);
}
