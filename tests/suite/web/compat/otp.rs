//! The system with codes by mail.

use super::{EMAIL, House, Method, PASSWORD, StatusCode, Value, cookie, json, read, said};

pub(super) const PHONE: &str = "+4930123456";
pub(super) const NEW_PASSWORD: &str = "amber-Fox-17";

fn account() -> Value {
    json!({ "username": "alice", "email": EMAIL, "phone": PHONE, "password": PASSWORD })
}

pub(super) async fn registered(house: &House) {
    let (status, answer) = house.post("/register", &account()).await;
    assert_eq!((status, answer), (StatusCode::OK, said("User registered successfully")));
}

pub(super) fn login(identifier: &str, password: &str) -> Value {
    json!({ "identifier": identifier, "password": password })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_logs_in_by_name_mail_or_phone() {
    let house = House::open().await;
    registered(&house).await;
    for identifier in ["alice", EMAIL] {
        let response = house.send("/login", &login(identifier, PASSWORD)).await;
        assert!(cookie(response.headers(), "__Host-fourauth").is_some(), "{identifier}");
        assert_eq!(read(response).await, (StatusCode::OK, said("Login successful")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_telephone_number_may_have_spaces() {
    let house = House::open().await;
    registered(&house).await;
    let answer = house.post("/login", &login("+49 30 123456", PASSWORD)).await;
    assert_eq!(answer, (StatusCode::OK, said("Login successful")));
    let (status, answer) = house.post("/login", &login("alice", "violet-Ox-43")).await;
    assert_eq!(
        (status, answer["error"].as_str()),
        (StatusCode::BAD_REQUEST, Some("Invalid credentials"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_from_a_mail_resets_the_password() {
    let (house, mut mailbox) = House::with_mail().await;
    registered(&house).await;
    let identifier = json!({ "identifier": "alice" });
    let sent = house.post("/forgot-password", &identifier).await;
    assert_eq!(sent, (StatusCode::OK, said("OTP sent successfully")));
    let code = mailbox.reset_code().await;
    let spaced = format!("{} {}", &code.as_str()[..3], &code.as_str()[3..]);
    let (status, answer) =
        house.post("/validate-otp", &json!({ "identifier": "alice", "otp": spaced })).await;
    let verified = json!("OTP verified. Proceed to reset password.");
    assert_eq!((status, &answer["message"]), (StatusCode::OK, &verified));
    // The documented client keeps nothing.
    let reset = json!({ "identifier": "alice", "new_password": NEW_PASSWORD });
    let done = house.post("/reset-password", &reset).await;
    assert_eq!(done, (StatusCode::OK, said("Password reset successful")));
    assert_eq!(house.post("/login", &login("alice", PASSWORD)).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(house.post("/login", &login("alice", NEW_PASSWORD)).await.0, StatusCode::OK);
    let (status, answer) = house.post("/reset-password", &reset).await;
    assert_eq!(
        (status, answer["error"].as_str()),
        (StatusCode::BAD_REQUEST, Some("Invalid or expired OTP"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_without_a_validated_code_is_refused() {
    let (house, _mailbox) = House::with_mail().await;
    registered(&house).await;
    house.post("/forgot-password", &json!({ "identifier": "alice" })).await;
    let reset = json!({ "identifier": "alice", "new_password": NEW_PASSWORD });
    for (cookie, token) in [("a=b", Value::Null), ("__Host-reset=AAAA", json!("A".repeat(43)))] {
        let mut body = reset.clone();
        if !token.is_null() {
            body["reset_token"] = token;
        }
        let (status, answer) = house.post_with("/reset-password", &body, cookie).await;
        assert_eq!(
            (status, answer["error"].as_str()),
            (StatusCode::BAD_REQUEST, Some("Invalid or expired OTP"))
        );
    }
    assert_eq!(house.post("/login", &login("alice", PASSWORD)).await.0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_tells_nothing_and_has_a_pace() {
    let (house, _mailbox) = House::with_mail().await;
    let unknown = json!({ "identifier": "nobody@example.org" });
    for _ in 0..3 {
        let sent = house.post("/forgot-password", &unknown).await;
        assert_eq!(sent, (StatusCode::OK, said("OTP sent successfully")));
    }
    let response = house.send("/forgot-password", &unknown).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(response.headers().contains_key("retry-after"));
    let start = house.web.request(Method::GET, "/").send().await.unwrap();
    assert_eq!(read(start).await, (StatusCode::OK, said("Auth System Running!")));
}
