//! The answers of the API are those that docs/openapi.json describes.
//!
//! schemathesis makes requests from the description, valid and invalid ones. It compares the status,
//! the headers, the media type and the body of each answer. `tests/python/schemathesis.toml` has its
//! settings.

use crate::checked_in;
use fourauth_courier::{MailRoute, SmsRoute};
use fourauth_protocol::contact::Email;
use fourauth_tests::{python, web::WebServer};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::{fs, process::Stdio, time::Duration};
use tokio::{process::Command, time::timeout};

const USERNAME: &str = "carol";
const PASSWORD: &str = "violet-Ox-42";

/// Longest examination. On two cores that do nothing else, it takes about a minute.
const PATIENCE: Duration = Duration::from_mins(10);

/// A server that offers every command, with the account of carol.
async fn server() -> WebServer {
    let server = WebServer::configured(|config| {
        config.auth.passcodes = true;
        config.sign_in.two_steps = true;
        config.sign_in.self_registration = true;
        config.sign_in.password_reset = true;
        config.courier.mail = Some(MailRoute::Folder(config.data_dir.join("mail")));
        config.courier.mail_from = Email::parse("auth@example.org").ok();
        config.courier.sms = Some(SmsRoute::Folder(config.data_dir.join("sms")));
    })
    .await;
    let carol = json!({ "username": USERNAME, "email": "carol@example.org", "password": PASSWORD });
    let (status, answer) = super::post(&server, "/api/v1/account", &carol.to_string()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    server
}

fn description() -> Value {
    serde_json::from_str(&checked_in::read("docs/openapi.json")).unwrap()
}

/// What schemathesis says about the server, and whether it found nothing.
async fn examined(server: &WebServer, description: &Value, options: &[&str]) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("openapi.json");
    fs::write(&file, description.to_string()).unwrap();
    let settings = checked_in::path("tests/python/schemathesis.toml").canonicalize().unwrap();
    let mut command = Command::from(python::schemathesis());
    command.arg("--config-file").arg(settings).arg("--no-color").arg("run").arg(file);
    command.args(["--url", &format!("http://{}", server.plain_address())]);
    command.args(options).current_dir(folder.path()).stdin(Stdio::null()).kill_on_drop(true);
    command.env("ADMIN_SECRET", server.server().admin().expose());
    command.env("USERNAME", USERNAME).env("PASSWORD", PASSWORD);
    let ran = timeout(PATIENCE, command.output()).await.expect("it ends").expect("python3 runs");
    let said = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (ran.status.success(), said.concat())
}

/// The number in front of a word.
fn number(said: &str, word: &str) -> usize {
    let before = said.split(word).next().unwrap_or_default();
    before.rsplit(' ').find_map(|text| text.parse().ok()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_one_that_the_description_has() {
    let server = server().await;
    let (found_nothing, said) = examined(&server, &description(), &[]).await;
    assert!(found_nothing, "{said}");
    let paths = description()["paths"].as_object().unwrap().clone();
    let operations: usize = paths.values().map(|it| it.as_object().unwrap().len()).sum();
    assert!(said.contains(&format!("Tested: {operations}\n")), "{said}");
    assert!(number(&said, " generated, ") > 1000, "{said}");
    println!("{}", said.split("SUMMARY").last().unwrap_or_default());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_the_description_lacks_is_found() {
    let server = server().await;
    let only = |path| ["--include-path", path, "--phases", "coverage"];
    let mut without_status = description();
    let operation = &mut without_status["paths"]["/api/v1/sign-in"]["post"];
    assert!(operation["responses"].as_object_mut().unwrap().remove("401").is_some());
    let mut other_schema = description();
    other_schema["components"]["schemas"]["ServerInfo"]["properties"]["software"]["type"] =
        json!("integer");
    let mut other_header = description();
    other_header["components"]["headers"]["Request-Id"]["schema"] = json!({ "type": "integer" });
    let mut other_type = description();
    let granted = &mut other_type["paths"]["/api/v1/hello"]["get"]["responses"]["200"]["content"];
    *granted = json!({ "text/plain": {} });
    for (description, path, finding) in [
        (without_status, "/api/v1/sign-in", "Undocumented status code"),
        (other_schema, "/api/v1/hello", "Response violates schema"),
        (other_header, "/api/v1/hello", "Response header does not conform to the schema"),
        (other_type, "/api/v1/hello", "Undocumented Content-Type"),
    ] {
        let (found_nothing, said) = examined(&server, &description, &only(path)).await;
        assert!(!found_nothing && said.contains(finding), "{finding}: {said}");
    }
}
