//! HTTP: listeners, limits, routes and the translation of requests into commands.

mod alone;
mod answers;
mod api;
mod closure;
mod compat;
mod description;
mod forward_auth;
mod hostile;
mod http2;
mod limits;
mod peers;
mod program;
mod vitals;

use fourauth_tests::web::WebServer;
use reqwest::{Response, StatusCode};
use serde_json::Value;

/// The status and the JSON of an answer.
async fn read(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    (status, serde_json::from_str(&response.text().await.unwrap()).unwrap())
}

/// The status and the JSON of the answer to a `POST`.
async fn post(server: &WebServer, path: &str, body: &str) -> (StatusCode, Value) {
    read(server.post(path, body).send().await.unwrap()).await
}
