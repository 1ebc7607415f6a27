//! The system with authenticators and signed tokens.

use super::{
    EMAIL, House, Method, PASSWORD, StatusCode, Value, cookie, credentials, json, person, read,
    said,
};
use fourauth_tests::persona::Persona;

/// Carol with a confirmed authenticator.
async fn member(house: &House) -> Persona {
    let (status, answer) = house.post("/register", &credentials()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let carol = person(&answer);
    let (status, answer) = house.post("/enable-mfa", &otp(house, &carol)).await;
    assert_eq!((status, answer), (StatusCode::OK, said("MFA enabled successfully!")));
    carol
}

fn otp(house: &House, carol: &Persona) -> Value {
    json!({ "email": EMAIL, "otp": carol.code(house.web.server().now()).as_str() })
}

#[tokio::test(flavor = "multi_thread")]
async fn registration_returns_what_an_authenticator_needs() {
    let house = House::open().await;
    let body = json!({ "email": EMAIL, "password": PASSWORD, "name": "Carol" });
    let (status, answer) = house.post("/register", &body).await;
    assert_eq!((status, &answer["message"]), (StatusCode::OK, &json!("Registration successful")));
    let text = |field: &str| answer[field].as_str().unwrap().to_owned();
    assert!(text("mfa_qr_data_url").starts_with("data:image/png;base64,iVBORw0KGgo"));
    let uri = text("mfa_provisioning_uri");
    assert!(uri.starts_with("otpauth://totp/") && uri.contains(&text("mfa_secret")), "{uri}");
    assert_eq!(text("mfa_secret").len(), 32);
}

#[tokio::test(flavor = "multi_thread")]
async fn weak_passwords_and_known_addresses_are_refused() {
    let house = House::open().await;
    let weak = json!({ "email": EMAIL, "password": "password" });
    let (status, answer) = house.post("/register", &weak).await;
    let error = answer["error"].as_str().unwrap();
    assert!(status == StatusCode::BAD_REQUEST && error.contains("Weak password"), "{answer}");
    assert_eq!(house.post("/register", &credentials()).await.0, StatusCode::OK);
    let (status, answer) = house.post("/register", &credentials()).await;
    assert_eq!(
        (status, answer["error"].as_str()),
        (StatusCode::BAD_REQUEST, Some("User already exists"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_mfa_a_password_is_enough() {
    let house = House::open().await;
    house.post("/register", &credentials()).await;
    let (status, answer) = house.post("/login", &credentials()).await;
    assert_eq!((status, &answer["message"]), (StatusCode::OK, &json!("Login successful")));
    assert_eq!(answer["token"].as_str().unwrap().split('.').count(), 3);
    let wrong = json!({ "email": EMAIL, "password": "violet-Ox-43" });
    let (status, answer) = house.post("/login", &wrong).await;
    assert_eq!(
        (status, answer["error"].as_str()),
        (StatusCode::UNAUTHORIZED, Some("Invalid credentials"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_has_the_id_of_its_audit_row() {
    let house = House::open().await;
    house.post("/register", &credentials()).await;
    let wrong = json!({ "email": EMAIL, "password": "violet-Ox-43" });
    for body in [credentials(), wrong] {
        let response = house.send("/login", &body).await;
        let id = response.headers()["request-id"].to_str().unwrap().to_owned();
        let row = house.web.server().last_row().await;
        assert!(row.detail.contains(&format!("request={id}")), "{id} {row:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mfa_is_asked_for_once_it_is_enabled() {
    let house = House::open().await;
    let carol = member(&house).await;
    let (status, answer) = house.post("/login", &credentials()).await;
    assert_eq!(
        (status, &answer["message"], answer.get("token")),
        (StatusCode::OK, &json!("MFA required, verify using /verify-mfa"), None)
    );
    // The documented client keeps nothing, and the code that confirmed works for one login.
    let (status, answer) = house.post("/verify-mfa", &otp(&house, &carol)).await;
    assert_eq!(
        (status, &answer["message"]),
        (StatusCode::OK, &json!("MFA verification successful"))
    );
    assert_eq!(answer["token"].as_str().unwrap().split('.').count(), 3);
    let (status, answer) = house.post("/verify-mfa", &otp(&house, &carol)).await;
    assert_eq!((status, answer["error"].as_str()), (StatusCode::UNAUTHORIZED, Some("Invalid OTP")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_without_a_password_step_is_refused() {
    let house = House::open().await;
    let carol = member(&house).await;
    let (status, answer) = house.post("/verify-mfa", &otp(&house, &carol)).await;
    assert_eq!((status, answer["error"].as_str()), (StatusCode::UNAUTHORIZED, Some("Invalid OTP")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_keeps_the_grant_and_the_session_in_cookies() {
    let house = House::open().await;
    let carol = member(&house).await;
    let response = house.send("/login", &credentials()).await;
    let grant = cookie(response.headers(), "__Host-mfa").unwrap();
    assert_eq!(cookie(response.headers(), "__Host-fourauth"), None);
    // A newer grant of the same peer has taken the open place.
    house.send("/login", &credentials()).await;
    let request = house.web.post("/verify-mfa", &otp(&house, &carol).to_string());
    let response = request.header("cookie", grant).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let session = cookie(response.headers(), "__Host-fourauth").unwrap();
    let path = "/api/v1/sessions";
    let token = session.split_once('=').unwrap().1;
    let listed = || house.web.request(Method::GET, path).bearer_auth(token).send();
    let (status, answer) = read(listed().await.unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let (status, answer) = house.post_with("/logout", &json!({}), &session).await;
    let expected = said("Logout successful! Delete token on client side.");
    assert_eq!((status, answer), (StatusCode::OK, expected));
    assert_eq!(read(listed().await.unwrap()).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn logout_revokes_a_token_and_is_polite_without_one() {
    let house = House::open().await;
    house.post("/register", &credentials()).await;
    let (_, answer) = house.post("/login", &credentials()).await;
    let token = answer["token"].as_str().unwrap().to_owned();
    let check = || house.web.post("/api/v1/session/check", "{}").bearer_auth(&token).send();
    assert_eq!(check().await.unwrap().status(), StatusCode::OK);
    let expected = said("Logout successful! Delete token on client side.");
    let request = house.web.request(Method::POST, "/logout").bearer_auth(&token);
    assert_eq!(read(request.send().await.unwrap()).await, (StatusCode::OK, expected.clone()));
    assert_eq!(check().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    for request in [
        house.web.request(Method::POST, "/logout"),
        house.web.request(Method::POST, "/logout").bearer_auth("fourauth_x"),
    ] {
        assert_eq!(read(request.send().await.unwrap()).await, (StatusCode::OK, expected.clone()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_published_keys_are_in_the_form_of_jwks() {
    let house = House::open().await;
    let response = house.web.get("/.well-known/jwks.json").send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "public, max-age=300");
    let (status, answer) = read(response).await;
    assert_eq!(status, StatusCode::OK);
    let key = &answer["keys"][0];
    assert_eq!(
        [&key["kty"], &key["crv"], &key["alg"], &key["use"]].map(|it| it.as_str().unwrap()),
        ["EC", "P-256", "ES256", "sig"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_and_codes_have_a_pace() {
    let house = House::open().await;
    let wrong = json!({ "email": EMAIL, "otp": "000000" });
    for (path, body, most) in [("/login", credentials(), 3), ("/verify-mfa", wrong, 5)] {
        for _ in 0..most {
            assert_eq!(house.post(path, &body).await.0, StatusCode::UNAUTHORIZED, "{path}");
        }
        let response = house.send(path, &body).await;
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS, "{path}");
        let wait: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
    }
}
