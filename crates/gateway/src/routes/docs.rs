//! `/api/v1/docs` and `/api/v1/openapi.json`: what the API has.
//!
//! The page loads nothing, so it needs no exception from the headers of all answers.

use crate::{
    response,
    route::{Outcome, Route, Takes, Work},
    routes,
    settings::Resource,
};
use hyper::{Method, StatusCode};
use std::fmt::Write as _;

pub(super) static ROUTES: [Route; 2] = [
    Route {
        method: Method::GET,
        path: "/api/v1/docs",
        resource: Resource::Api,
        body: Takes::Nothing,
        work: Work::Own(|_| Box::pin(async { page() })),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/openapi.json",
        resource: Resource::Api,
        body: Takes::Nothing,
        work: Work::Own(|_| Box::pin(async { description() })),
    },
];

/// Made from the table of routes by a test, which also keeps it current.
const OPENAPI: &str = include_str!("../../../../docs/openapi.json");

const START: &str = "<!doctype html><html lang=\"en\"><title>fourauth API</title>\
    <h1>fourauth API</h1><p>Bodies and answers are JSON. \
    <a href=\"/api/v1/openapi.json\">openapi.json</a> describes them.\
    <p>A token goes into the header <code>Authorization: Bearer TOKEN</code>, and so does the \
    secret of an administrator.<table><tr><th>Request<th>Command<th>What it does";

#[expect(clippy::unnecessary_wraps, reason = "all routes have the same type")]
fn description() -> Outcome {
    Ok(response::whole(StatusCode::OK, "application/json", OPENAPI))
}

/// A page with one line for each request that is described.
#[expect(clippy::unnecessary_wraps, reason = "all routes have the same type")]
fn page() -> Outcome {
    let mut page = START.to_owned();
    for route in routes::all() {
        let (command, summary) = match &route.work {
            Work::Command(translation) => (translation.command, translation.summary),
            Work::Described(_, shape) => ("", shape.summary),
            Work::Own(_) => continue,
        };
        let (method, path) = (&route.method, route.path);
        // Texts of this program, without marks of HTML. Writing to a text cannot fail.
        let _written =
            write!(page, "\n<tr><td><code>{method} {path}</code><td>{command}<td>{summary}");
    }
    page.push_str("</table>\n");
    Ok(response::whole(StatusCode::OK, "text/html; charset=utf-8", page))
}
