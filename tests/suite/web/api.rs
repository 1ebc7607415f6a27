//! The API translates requests into commands, and the server decides.

use super::{post, read};
use fourauth_protocol::{
    challenge::{ChallengeStep, FaceChallenge},
    command::Command,
    time::UnixMillis,
};
use fourauth_tests::{
    models, moving_face::MovingFace, persona::Persona, web::WebServer, with::With as _,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// The body of a request that sends `command`.
pub(super) fn body(command: &Command) -> Value {
    let mut body: Value = serde_json::from_slice(command.to_json().expose()).unwrap();
    body.as_object_mut().unwrap().remove("cmd");
    body
}

fn login(person: &Persona, now: UnixMillis) -> String {
    body(&Command::Login(person.login(now))).to_string()
}

/// A server, and the token of a session of alice.
async fn logged_in() -> (WebServer, Persona, String) {
    let server = WebServer::start().await;
    let alice = server.server().enrol("alice", "obama.jpg").await;
    let (status, answer) =
        post(&server, "/api/v1/login", &login(&alice, server.server().now())).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    (server, alice, answer["token"].as_str().unwrap().to_owned())
}

/// The path, with the device of alice.
fn at_device(path: &str, alice: &Persona) -> String {
    format!("{path}?mac={}", alice.mac)
}

async fn with_token(
    server: &WebServer,
    method: Method,
    path: &str,
    token: &str,
) -> (StatusCode, Value) {
    read(server.request(method, path).bearer_auth(token).send().await.unwrap()).await
}

#[tokio::test]
async fn four_factors_open_a_session() {
    let (server, alice, token) = logged_in().await;
    let path = at_device("/api/v1/sessions", &alice);
    let (status, answer) = with_token(&server, Method::GET, &path, &token).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(answer["sessions"][0]["peer"], "127.0.0.1");
    assert!(answer.get("ref").is_none(), "{answer}");
    let row = server.server().last_row().await;
    assert!(row.success && row.detail.contains("via=gateway"), "{row:?}");
}

#[tokio::test]
async fn a_grouped_code_and_a_data_url_open_a_session() {
    let server = WebServer::start().await;
    let alice = server.server().enrol("alice", "obama.jpg").await;
    let mut login = body(&Command::Login(alice.login(server.server().now())));
    let (code, face) = (login["totp"].clone(), login["faceID"].clone());
    let (first, last) = code.as_str().unwrap().split_at(3);
    let (line, rest) = face.as_str().unwrap().split_at(76);
    login["faceID"] = format!("data:image/jpeg;base64,{line}\n{rest}\n").into();
    for (totp, expected) in [
        (format!("{first}--{last}"), StatusCode::UNAUTHORIZED),
        (format!("{first}-{last}"), StatusCode::OK),
    ] {
        login["totp"] = totp.into();
        let (status, answer) = post(&server, "/api/v1/login", &login.to_string()).await;
        assert_eq!(status, expected, "{answer}");
    }
}

#[tokio::test]
async fn a_form_with_a_picture_opens_a_session() {
    let server = WebServer::start().await;
    let alice = server.server().enrol("alice", "obama.jpg").await;
    let now = server.server().now();
    let Value::Object(fields) = body(&Command::Login(alice.login(now))) else {
        panic!("no fields")
    };
    let texts = fields.into_iter().filter(|(name, _)| name != "faceID");
    let part =
        |name: &str| format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
    let mut form = Vec::new();
    for (name, value) in texts.filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())))
    {
        form.extend(format!("{}{value}\r\n", part(&name)).into_bytes());
    }
    form.extend(part("face").into_bytes());
    form.extend(alice.face.bytes());
    form.extend(b"\r\n--x--\r\n");
    let send = |site: &'static str| {
        let request = server.request(Method::POST, "/api/v1/login").body(form.clone());
        let request = request.header("content-type", "multipart/form-data; boundary=x");
        request.header("sec-fetch-site", site).send()
    };
    assert_eq!(send("cross-site").await.unwrap().status(), StatusCode::FORBIDDEN);
    let (status, answer) = read(send("same-origin").await.unwrap()).await;
    assert!(status == StatusCode::OK && answer["token"].is_string(), "{answer}");
}

#[tokio::test]
async fn a_missing_factor_is_denied_as_by_the_native_door() {
    let server = WebServer::start().await;
    let alice = server.server().enrol("alice", "obama.jpg").await;
    let now = server.server().now();
    for factor in ["totp", "faceID", "mac", "client_ts_utc", "password"] {
        let mut body = body(&Command::Login(alice.login(now)));
        body[factor] = if factor == "password" { json!("x") } else { Value::Null };
        let (status, answer) = post(&server, "/api/v1/login", &body.to_string()).await;
        // A missing picture is one without a face.
        let expected = if factor == "faceID" { 422 } else { 401 };
        assert_eq!(status, expected, "{factor} {answer}");
        assert!(answer.get("token").is_none(), "{answer}");
    }
    let (status, _) = post(&server, "/api/v1/login", &login(&alice, now)).await;
    assert_eq!(status, StatusCode::OK, "with all of them");
}

#[tokio::test]
async fn a_session_is_checked_and_ended() {
    let (server, alice, token) = logged_in().await;
    let check = || async {
        let body = json!({ "mac": alice.mac.to_string() }).to_string();
        let request = server.post("/api/v1/session/check", &body).bearer_auth(&token);
        read(request.send().await.unwrap()).await
    };
    let (status, answer) = check().await;
    assert_eq!((status, &answer["username"]), (StatusCode::OK, &json!("alice")));
    let path = at_device("/api/v1/session", &alice);
    let (status, answer) = with_token(&server, Method::DELETE, &path, &token).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let (status, answer) = check().await;
    assert_eq!((status, &answer["code"]), (StatusCode::UNAUTHORIZED, &json!("signed_out")));
}

#[tokio::test]
async fn one_session_is_ended_by_its_id() {
    let (server, alice, token) = logged_in().await;
    let path = at_device("/api/v1/sessions", &alice);
    let (_, listed) = with_token(&server, Method::GET, &path, &token).await;
    let id = listed["sessions"][0]["id"].as_str().unwrap().to_owned();
    let unknown = at_device(&format!("/api/v1/sessions/{}", "0".repeat(32)), &alice);
    let (status, answer) = with_token(&server, Method::DELETE, &unknown, &token).await;
    assert_eq!((status, &answer["code"]), (StatusCode::NOT_FOUND, &json!("no_such_session")));
    let known = at_device(&format!("/api/v1/sessions/{id}"), &alice);
    let (status, answer) = with_token(&server, Method::DELETE, &known, &token).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

#[tokio::test]
async fn a_token_in_the_body_or_twice_is_refused() {
    let (server, alice, token) = logged_in().await;
    let body = json!({ "mac": alice.mac.to_string(), "token": token }).to_string();
    let request = server.post("/api/v1/session/check", &body);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let request = server.post("/api/v1/session/check", &body).bearer_auth(&token);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
    let twice = server.post("/api/v1/session/check", "{}").bearer_auth(&token).bearer_auth(&token);
    let response = twice.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.headers()["www-authenticate"], "Bearer");
}

#[tokio::test]
async fn a_body_cannot_choose_the_command_or_the_peer() {
    let server = WebServer::start().await;
    for name in ["cmd", r"\u0063md"] {
        let body = format!(r#"{{"{name}":"190","username":"nobody","password":"x"}}"#);
        let (status, answer) = post(&server, "/api/v1/login", &body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
    }
    let body = r#"{"peer":"198.51.100.7","ref":"r","username":"nobody","password":"x"}"#;
    let (status, answer) = post(&server, "/api/v1/login", body).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "{answer}");
    let detail = server.server().last_row().await.detail;
    assert!(detail.contains("127.0.0.1") && !detail.contains("198.51.100.7"), "{detail}");
}

#[tokio::test]
async fn an_administrator_registers_and_reads_the_log() {
    let server = WebServer::start().await;
    let admin = server.server().admin().expose().clone();
    let registration = server.server().registration("bob", "obama.jpg");
    let mut body = body(&Command::Register(registration));
    body.as_object_mut().unwrap().remove("admin_secret");
    let register = |secret: String| {
        let request = server.post("/api/v1/register", &body.to_string()).bearer_auth(secret);
        async { read(request.send().await.unwrap()).await }
    };
    let (status, answer) = register("wrong".into()).await;
    assert_eq!((status, &answer["code"]), (StatusCode::UNAUTHORIZED, &json!("admin_denied")));
    let (status, answer) = register(admin.clone()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert!(answer["provisioning_uri"].as_str().unwrap().starts_with("otpauth://"));
    let (status, answer) = register(admin.clone()).await;
    assert_eq!((status, &answer["code"]), (StatusCode::CONFLICT, &json!("conflict")));

    let path = "/api/v1/audit?action=register&success=true&limit=5";
    let (status, answer) = with_token(&server, Method::GET, path, &admin).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["rows"].as_array().unwrap().len(), 1, "{answer}");
    assert_eq!(answer["rows"][0]["username"], "bob");
}

#[tokio::test]
async fn devices_are_listed_and_a_factor_is_replaced() {
    let (server, alice, token) = logged_in().await;
    let path = at_device("/api/v1/devices", &alice);
    let (status, answer) = with_token(&server, Method::GET, &path, &token).await;
    assert_eq!((status, &answer["devices"]), (StatusCode::OK, &json!([])), "{answer}");
    let recover = Command::RecoverTotp(alice.recover_totp(server.server().now()));
    let (status, answer) = post(&server, "/api/v1/recover/totp", &body(&recover).to_string()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert!(answer["qr_png_b64"].is_string(), "{answer}");
    let revoke = json!({ "username": "alice", "password": alice.password.expose(),
        "totp": null, "mac": alice.mac.to_string() });
    let request = server.request(Method::DELETE, "/api/v1/devices/old%20laptop");
    let request = request.header("content-type", "application/json").body(revoke.to_string());
    let (status, answer) = read(request.send().await.unwrap()).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "{answer}");
}

/// The body of a recovery of the one-time codes that answers a challenge.
fn recovery(alice: &Persona, now: UnixMillis, begun: &Value) -> Value {
    let steps: Vec<ChallengeStep> = serde_json::from_value(begun["steps"].clone()).unwrap();
    let frames = MovingFace::of("obama3.jpg").obeying(&steps);
    let id = serde_json::from_value(begun["challenge"].clone()).unwrap();
    let recover = alice.recover_totp(now).with(|recover| recover.face = None);
    body(&Command::RecoverTotp(recover.face_challenge(FaceChallenge::new(id, frames))))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_answers_a_challenge_over_http() {
    let server = WebServer::with_engine(models::engine_without_liveness(), |config| {
        config.face.challenge = None;
    })
    .await;
    let alice = server.server().enrol("alice", "obama.jpg").await;
    let now = server.server().now();
    let still = body(&Command::RecoverTotp(alice.recover_totp(now))).to_string();
    let (_, answer) = post(&server, "/api/v1/recover/totp", &still).await;
    assert_eq!(answer["code"], "face_challenge_needed", "{answer}");

    let asked = json!({ "username": "alice" }).to_string();
    let (status, begun) = post(&server, "/api/v1/face-challenge", &asked).await;
    assert_eq!(status, StatusCode::OK, "{begun}");
    let recovery = recovery(&alice, now, &begun).to_string();

    let request = format!(
        "POST /api/v1/recover/totp HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{recovery}",
        recovery.len()
    );
    let elsewhere = server.plain_from([127, 0, 0, 2]).await.ask(request).await;
    assert!(elsewhere.contains("face_challenge_stale"), "{elsewhere}");
    let (status, answer) = post(&server, "/api/v1/recover/totp", &recovery).await;
    let detail = server.server().last_row().await.detail;
    assert_eq!(status, StatusCode::OK, "{answer} {detail}");
    let (_, answer) = post(&server, "/api/v1/recover/totp", &recovery).await;
    assert_eq!(answer["code"], "face_challenge_stale", "{answer}");
}

#[tokio::test]
async fn the_description_of_the_api_is_served() {
    let server = WebServer::start().await;
    let (status, document) = read(server.get("/api/v1/openapi.json").send().await.unwrap()).await;
    let checked_in: Value =
        serde_json::from_str(&crate::checked_in::read("docs/openapi.json")).unwrap();
    assert_eq!((status, &document), (StatusCode::OK, &checked_in));
    let page = server.get("/api/v1/docs").send().await.unwrap().text().await.unwrap();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let method: Method = method.to_uppercase().parse().unwrap();
            assert!(page.contains(&format!("{method} {path}")), "{method} {path}");
            let response = server.request(method.clone(), path).send().await.unwrap();
            let status = response.status().as_u16();
            assert!(![404, 405, 500].contains(&status), "{method} {path} {status}");
        }
    }
    assert!(!page.contains("http"), "the page loads something: {page}");
}
