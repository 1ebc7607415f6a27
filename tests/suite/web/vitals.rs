//! `/readyz` and `/metrics` tell what the server knows about itself.

use super::{post, read};
use fourauth_tests::{postgres, web::WebServer};
use fourauth_timekeeper::State;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, PgConnection};
use std::time::Duration;
use tokio::time::Instant;

async fn readiness(server: &WebServer) -> (StatusCode, Value) {
    read(server.get("/readyz").send().await.unwrap()).await
}

/// Lets the last shared result be out of date.
async fn time_of_a_check() {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(2)).await;
    tokio::time::resume();
}

async fn metrics(server: &WebServer) -> String {
    let response = server.get("/metrics").send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    response.text().await.unwrap()
}

#[tokio::test]
async fn readiness_has_every_check_of_the_server() {
    let server = WebServer::start().await;
    let (status, answer) = readiness(&server).await;
    assert_eq!(status, StatusCode::OK);
    let health = server.server().server().health().await;
    assert_eq!(answer["checks"].as_object().unwrap().len(), health.checks().len(), "{answer}");
    for check in health.checks() {
        let told = answer["checks"][check.subject.as_str()].as_str().unwrap();
        assert!(told.starts_with(check.condition.word()), "{answer}");
    }
    for check in ["database", "clock", "certificate"] {
        assert_eq!(answer["checks"][check], "ok", "{answer}");
    }
}

#[tokio::test]
async fn a_warning_is_shown_and_leaves_the_server_ready() {
    let server = WebServer::start().await;
    for (state, code, status, start) in [
        (State::Local, StatusCode::OK, "warning", "warning: "),
        (State::Denied, StatusCode::SERVICE_UNAVAILABLE, "unavailable", "failing: "),
    ] {
        server.server().clock().set_state(state);
        time_of_a_check().await;
        let (answered, answer) = readiness(&server).await;
        assert_eq!((answered, &answer["status"]), (code, &json!(status)), "{answer}");
        let words = answer["checks"]["clock"].as_str().unwrap();
        assert!(words.starts_with(start) && words.len() > start.len() + 10, "{words}");
    }
}

#[tokio::test]
async fn a_server_with_a_hanging_database_is_not_ready() {
    let url = postgres::cluster().database().await;
    let store_url = url.parse().ok();
    let server = WebServer::configured(|config| config.store.url = store_url).await;
    let mut other = PgConnection::connect(&url).await.unwrap();
    let mut lock = other.begin().await.unwrap();
    lock.execute("LOCK TABLE audit_tree IN ACCESS EXCLUSIVE MODE").await.unwrap();

    time_of_a_check().await;
    let asked = Instant::now();
    let (status, answer) = readiness(&server).await;
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
    let words = answer["checks"]["database"].as_str().unwrap();
    assert!(words.starts_with("failing: ") && words.contains("within 2 s"), "{words}");
    assert_eq!(server.get("/livez").send().await.unwrap().status(), StatusCode::OK, "it runs");

    lock.rollback().await.unwrap();
    time_of_a_check().await;
    let (status, answer) = readiness(&server).await;
    assert_eq!((status, &answer["checks"]["database"]), (StatusCode::OK, &json!("ok")));
}

#[tokio::test]
async fn the_metrics_of_the_server_are_served() {
    let server = WebServer::start().await;
    let denied = r#"action="login",door="native",outcome="denied",factor="credentials"} 1"#;
    let before = metrics(&server).await;
    assert!(before.contains("fourauth_build_info{") && !before.contains(denied), "{before}");
    let body = r#"{"username":"alice","password":"x"}"#;
    assert_eq!(post(&server, "/api/v1/login", body).await.0, StatusCode::UNAUTHORIZED);
    let after = metrics(&server).await;
    assert!(after.contains(denied), "{after}");
    assert!(!after.contains("alice"), "a name");
}
