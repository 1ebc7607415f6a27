//! Requests that no client of the two systems sends.

use super::{EMAIL, House, PASSWORD, StatusCode, Value, cookie, credentials, json, read};

async fn refused(house: &House, path: &str, body: &Value) -> (StatusCode, String) {
    let (status, answer) = house.post(path, body).await;
    (status, answer["error"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_missing_or_wrong_is_named() {
    let house = House::open().await;
    for (path, body, error) in [
        ("/register", json!({ "email": EMAIL }), "Missing field: password"),
        ("/register", json!({ "email": 7, "password": PASSWORD }), "Invalid field: email"),
        ("/register", json!({ "email": "x", "password": PASSWORD }), "Invalid field: email"),
        ("/enable-mfa", json!({ "email": EMAIL }), "Missing field: otp"),
        ("/validate-otp", json!({ "otp": "123456" }), "Missing field: identifier"),
        ("/reset-password", json!({ "identifier": "a" }), "Missing field: new_password"),
        ("/forgot-password", json!({ "identifier": "" }), "Invalid field: identifier"),
    ] {
        let expected = (StatusCode::BAD_REQUEST, error.to_owned());
        assert_eq!(refused(&house, path, &body).await, expected, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_quotes_nothing_that_was_sent() {
    let house = House::open().await;
    for body in [
        json!({ "email": EMAIL, "password": { "violet": "secret-Ox" } }),
        json!({ "email": "secret-Ox", "password": PASSWORD }),
    ] {
        let (_, error) = refused(&house, "/login", &body).await;
        assert!(!error.contains("secret-Ox") && !error.contains("violet"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doubled_fields_and_other_media_are_refused() {
    let house = House::open().await;
    let twice = r#"{"email":"a@b.example","email":"c@d.example","password":"x"}"#;
    let response = house.web.post("/login", twice).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let form = house.web.request(reqwest::Method::POST, "/login");
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    let response = form.body("email=a%40b.example&password=x").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_that_is_there_twice_counts_as_none() {
    let house = House::open().await;
    house.post("/register", &credentials()).await;
    let response = house.send("/login", &credentials()).await;
    let session = cookie(response.headers(), "__Host-fourauth").unwrap();
    let token = session.split_once('=').unwrap().1.to_owned();
    let twice = format!("{session}; __Host-fourauth=fourauth_x");
    house.post_with("/logout", &json!({}), &twice).await;
    let check = house.web.get("/api/v1/sessions").bearer_auth(&token).send().await.unwrap();
    assert_eq!(check.status(), StatusCode::OK, "the session has not ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_off_is_said_to_be_off() {
    let house = House::with(|config| {
        config.sign_in.self_registration = false;
        config.sign_in.two_steps = false;
    })
    .await;
    for (path, body) in [
        ("/register", credentials()),
        ("/login", credentials()),
        ("/forgot-password", json!({ "identifier": "carol" })),
    ] {
        assert_eq!(house.post(path, &body).await.0, StatusCode::FORBIDDEN, "{path}");
    }
    let list = house.web.get("/register").send().await.unwrap();
    assert_eq!(list.headers()["allow"], "POST");
    assert_eq!(read(list).await.0, StatusCode::METHOD_NOT_ALLOWED);
}
