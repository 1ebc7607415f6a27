//! `/livez`, `/readyz` and `/metrics`, for supervisors and monitoring.
//!
//! `/livez` says that this process answers; `/readyz` asks the server whether it can work.

use crate::{
    call::Call,
    response,
    route::{Outcome, Route, Takes, Work},
    settings::Resource,
    vitals::State,
};
use hyper::{Method, StatusCode};
use serde::Serialize;
use std::collections::BTreeMap;

pub(super) static ROUTES: [Route; 3] = [
    Route {
        method: Method::GET,
        path: "/livez",
        resource: Resource::Health,
        body: Takes::Nothing,
        work: Work::Own(|_| Box::pin(async { Ok(response::json(StatusCode::OK, &OK)) })),
    },
    Route {
        method: Method::GET,
        path: "/readyz",
        resource: Resource::Health,
        body: Takes::Nothing,
        work: Work::Own(|call| Box::pin(readiness(call))),
    },
    Route {
        method: Method::GET,
        path: "/metrics",
        resource: Resource::Metrics,
        body: Takes::Nothing,
        work: Work::Own(|call| Box::pin(async move { metrics(&call) })),
    },
];

/// The media type of the text format of Prometheus.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

const OK: Report = Report { status: "ok", checks: BTreeMap::new() };

#[derive(Serialize)]
struct Report {
    status: &'static str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    checks: BTreeMap<&'static str, String>,
}

async fn readiness(call: Call) -> Outcome {
    let readiness = call.app.vitals.readiness().await;
    let (status, code) = match readiness.state() {
        State::Ok => ("ok", StatusCode::OK),
        State::Warning => ("warning", StatusCode::OK),
        State::Unavailable => ("unavailable", StatusCode::SERVICE_UNAVAILABLE),
    };
    let checks = readiness.checks.into_iter();
    let checks = checks.map(|it| (it.name, it.fault.unwrap_or_else(|| "ok".to_owned()))).collect();
    Ok(response::json(code, &Report { status, checks }))
}

#[expect(clippy::unnecessary_wraps, reason = "all routes have the same type")]
fn metrics(call: &Call) -> Outcome {
    Ok(response::whole(StatusCode::OK, PROMETHEUS, call.app.vitals.metrics()))
}
