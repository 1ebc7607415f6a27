//! `/forward-auth`: whether a proxy may pass a request to another service, and which person sent it.
//!
//! ```text
//! original   the request that the proxy describes in X-Forwarded-*
//! rules      what the settings demand for it: nothing, a session, or a refusal
//! recent     the answer to the same token a moment ago, or
//! 130        the server's answer to the check token in the cookie
//! identity   the headers about the person, on every answer that lets a request pass
//! ```
//!
//! A person without a check token is sent to [`entry`], which makes one of the session of this origin, and
//! from there to the portal's sign-in if there is no session. The rules and the groups are the only thing that this
//! crate decides. They are the operator's, so they are settings.

mod entry;
mod html;
mod identity;
mod original;
mod recent;
mod rules;
mod target;

use crate::{
    call::Call,
    cookies::{Cookie, Doubled},
    problem::Problem,
    response,
    route::{Handler, Outcome, Route, Takes, Work},
    settings::{ForwardAuth, Resource},
};
use fourauth_daemon::settings::Domain;
use fourauth_protocol::{
    audience::Audience,
    code::Code,
    command::{Authorise, Command},
    level::Level,
    secret::Secret,
    token::CHECK_PREFIX,
};
use hyper::{Method, StatusCode, header::LOCATION};
use identity::Identity;
use original::Original;
use recent::{Question, Recent};
use rules::Demand;
use std::{net::IpAddr, sync::Arc};
use tokio::time::Instant;

pub(crate) use entry::path as entry_path;
pub(crate) use target::Target;

pub(crate) static ROUTES: [Route; 2] = [
    get("/forward-auth", |call| Box::pin(check(call))),
    get("/forward-auth/enter", |call| Box::pin(entry::enter(call))),
];

const fn get(path: &'static str, handler: Handler) -> Route {
    let (method, resource) = (Method::GET, Resource::ForwardAuth);
    Route { method, path, resource, body: Takes::Nothing, work: Work::Own(handler) }
}

/// The services that a gateway answers for.
#[derive(Debug)]
pub(crate) struct Services {
    settings: ForwardAuth,
    /// The name of all services of the domain, which check tokens are for.
    audience: Audience,
    recent: Recent,
}

impl Services {
    /// The services of these settings.
    ///
    /// # Panics
    ///
    /// Never: a domain is a text that an audience can have.
    pub(crate) fn new(settings: ForwardAuth) -> Self {
        let domain = settings.config.domain.as_str();
        let audience = Audience::parse(&format!("forward-auth:{domain}"));
        let audience = audience.expect("a domain is printable and short");
        Self { settings, audience, recent: Recent::default() }
    }

    /// The page of a service that an address leads to. `None` if it leads elsewhere.
    pub(crate) fn target(&self, url: String) -> Option<Target> {
        Target::of(url, &self.settings.config)
    }

    /// The domain of the services, which see the cookie with a check token.
    pub(crate) const fn domain(&self) -> &Domain {
        &self.settings.config.domain
    }
}

impl Call {
    /// The services of this gateway, if any are configured. Otherwise the routes do not exist.
    fn services(&self) -> Result<&Services, Problem> {
        self.app.services.as_ref().ok_or_else(Problem::not_found)
    }
}

/// How a proxy learns where to send a person. nginx cannot pass a redirect on: it takes 401 only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Redirect {
    Status,
    Header,
}

impl Redirect {
    fn of(call: &Call) -> Self {
        if call.query.as_deref() == Some("redirect=header") { Self::Header } else { Self::Status }
    }
}

async fn check(call: Call) -> Outcome {
    let services = call.services()?;
    let original = Original::of(&call)?;
    let (peer, redirect) = (call.peer?, Redirect::of(&call));
    let (level, groups) = match rules::demand(&services.settings.config.rules, &original, peer) {
        Demand::Nothing => return Ok(Identity::unknown().response()),
        Demand::Session { level, groups } => (level, groups),
        Demand::Refusal(reason) => return refused(&original, reason),
    };
    if original.is_forged_by_another_site() {
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "A page of another site sent this."));
    }
    let token = match Cookie::Visit.find(&call.headers) {
        Ok(Some(token)) => token,
        Ok(None) => return send_to_sign_in(services, &original, redirect),
        Err(Doubled) => {
            // A new cookie would be the third.
            let reason =
                "The browser has two cookies of one name. Delete the cookies of this site.";
            return refused(&original, reason);
        }
    };
    match person(&call, services, token, peer, level).await? {
        Answer::Is(identity) if identity.has_one_of(groups) => Ok(identity.response()),
        Answer::Is(_) => refused(&original, "Your account is in none of the groups for this page."),
        Answer::LevelTooLow => send_to_more(services, &original, redirect, level),
        Answer::SignedOut => send_to_sign_in(services, &original, redirect),
    }
}

/// What a check token says.
enum Answer {
    Is(Arc<Identity>),
    LevelTooLow,
    SignedOut,
}

/// The person that a check token stands for, as the server has said less than a second ago or says now.
async fn person(
    call: &Call,
    services: &Services,
    token: String,
    peer: IpAddr,
    level: Option<Level>,
) -> Result<Answer, Problem> {
    // Another token of the person must not be in a cookie that every service sees.
    if !token.starts_with(CHECK_PREFIX) {
        return Ok(Answer::SignedOut);
    }
    let question = Question { token: Secret::new(token), peer, level };
    if let Some(identity) = services.recent.get(&question) {
        return Ok(Answer::Is(identity));
    }
    let asked = Instant::now();
    let mut authorise = Authorise::new(question.token.clone());
    authorise.audience = Some(services.audience.clone());
    authorise.level = level;
    let answer = call.app.upstream.send(peer, Command::Authorise(authorise)).await?;
    match answer.code {
        Code::Ok => {
            let identity = Identity::of(*answer.body).ok_or_else(Problem::incomplete)?;
            let identity = Arc::new(identity);
            services.recent.put(question, Arc::clone(&identity), asked);
            Ok(Answer::Is(identity))
        }
        Code::MoreNeeded => Ok(Answer::LevelTooLow),
        Code::SignedOut => Ok(Answer::SignedOut),
        _ => Err(Problem::of_answer(answer)),
    }
}

/// 403: signing in again would not help.
fn refused(original: &Original, reason: &'static str) -> Outcome {
    if original.is_navigation() {
        return Ok(html::refusal(StatusCode::FORBIDDEN, reason));
    }
    Err(Problem::new(StatusCode::FORBIDDEN, reason))
}

/// 401, or a redirect if a browser shows the answer to a person.
fn send_to_sign_in(services: &Services, original: &Original, redirect: Redirect) -> Outcome {
    let signed_out = || Problem::new(StatusCode::UNAUTHORIZED, "Sign in first.");
    if !original.is_navigation() {
        return Err(signed_out());
    }
    let target = Target::of(original.url(), &services.settings.config).ok_or_else(signed_out)?;
    let location = entry::address(&services.settings.origin, &target, None);
    Ok(redirected(redirect, "Sign in first.", &location))
}

/// 403, or a redirect to the page that says what is missing if a browser shows the answer to a person.
fn send_to_more(
    services: &Services,
    original: &Original,
    redirect: Redirect,
    level: Option<Level>,
) -> Outcome {
    const REASON: &str = "This page needs a login with more factors.";
    let target = Target::of(original.url(), &services.settings.config);
    let Some(target) = target.filter(|_| original.is_navigation()) else {
        return refused(original, REASON);
    };
    let location = entry::address(&services.settings.origin, &target, level);
    Ok(redirected(redirect, REASON, &location))
}

fn redirected(redirect: Redirect, reason: &str, location: &str) -> response::Response {
    let status = match redirect {
        Redirect::Status => StatusCode::FOUND,
        Redirect::Header => StatusCode::UNAUTHORIZED,
    };
    let mut response = html::refusal(status, reason);
    response.headers_mut().insert(LOCATION, response::value(location));
    response
}
