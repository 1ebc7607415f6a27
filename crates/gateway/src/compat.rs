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
mod shapes;
mod texts;

pub(crate) use pace::Pace;

use crate::{
    call::Call,
    route::{Handler, Outcome, Route, Takes, Work},
    settings::Resource,
    shape::Shape,
};
use fourauth_protocol::secret::Secret;
use hyper::Method;
use serde::Deserialize;

pub(crate) static ROUTES: [Route; 9] = [
    post("/register", shapes::REGISTER, |call| Box::pin(account::register(call))),
    post("/login", shapes::LOGIN, |call| Box::pin(account::login(call))),
    post("/enable-mfa", shapes::ENABLE_MFA, |call| Box::pin(account::enable_mfa(call))),
    post("/verify-mfa", shapes::VERIFY_MFA, |call| Box::pin(account::verify_mfa(call))),
    Route {
        method: Method::POST,
        path: "/logout",
        resource: Resource::Compat,
        body: Takes::Anything,
        work: Work::Described(|call| Box::pin(account::logout(call)), shapes::LOGOUT),
    },
    post("/forgot-password", shapes::FORGOT, |call| Box::pin(password::forgot(call))),
    post("/validate-otp", shapes::VALIDATE, |call| Box::pin(password::validate(call))),
    post("/reset-password", shapes::RESET, |call| Box::pin(password::reset(call))),
    Route {
        method: Method::GET,
        path: "/.well-known/jwks.json",
        resource: Resource::Compat,
        body: Takes::Nothing,
        work: Work::Described(|call| Box::pin(keys::published(call)), shapes::KEYS),
    },
];

const fn post(path: &'static str, shape: Shape, handler: Handler) -> Route {
    let (method, resource, body) = (Method::POST, Resource::Compat, Takes::Json);
    Route { method, path, resource, body, work: Work::Described(handler, shape) }
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
