//! The routes of two older HTTP systems: registration, logins in one or two steps, and the forgotten
//! password. Their clients find the texts and statuses that those systems document.
//!
//! `/register` and `/login` serve both systems: the fields of the body decide. These routes translate
//! and hold no rule; what a client keeps between two steps is in the answer and in a cookie, and the
//! server takes its place for a client that keeps neither.

mod account;
pub(crate) mod identity;
mod keys;
mod pace;
mod password;
mod refusal;
mod texts;

pub(crate) use pace::Pace;

use crate::{
    call::Call,
    route::{Handler, Outcome, Route, Takes, Work},
    settings::Resource,
};
use fourauth_protocol::secret::Secret;
use hyper::Method;
use serde::Deserialize;

pub(crate) static ROUTES: [Route; 9] = [
    post("/register", Takes::Json, |call| Box::pin(account::register(call))),
    post("/login", Takes::Json, |call| Box::pin(account::login(call))),
    post("/enable-mfa", Takes::Json, |call| Box::pin(account::enable_mfa(call))),
    post("/verify-mfa", Takes::Json, |call| Box::pin(account::verify_mfa(call))),
    post("/logout", Takes::Anything, |call| Box::pin(account::logout(call))),
    post("/forgot-password", Takes::Json, |call| Box::pin(password::forgot(call))),
    post("/validate-otp", Takes::Json, |call| Box::pin(password::validate(call))),
    post("/reset-password", Takes::Json, |call| Box::pin(password::reset(call))),
    Route {
        method: Method::GET,
        path: "/.well-known/jwks.json",
        resource: Resource::Compat,
        body: Takes::Nothing,
        work: Work::Own(|call| Box::pin(keys::published(call))),
    },
];

const fn post(path: &'static str, body: Takes, handler: Handler) -> Route {
    let (method, resource) = (Method::POST, Resource::Compat);
    Route { method, path, resource, body, work: Work::Own(handler) }
}

/// A text of a body. Digits that a person copied may have spaces between them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Digits(Secret<String>);

impl Digits {
    pub(crate) fn without_spaces(&self) -> Secret<String> {
        Secret::new(self.0.expose().chars().filter(|c| !c.is_whitespace()).collect())
    }
}

/// The first answer of a route that counts requests.
async fn within(
    call: Call,
    class: pace::Class,
    answer: impl AsyncFnOnce(Call) -> Outcome,
) -> Outcome {
    call.app.pace.admit(class, call.peer?)?;
    answer(call).await
}
