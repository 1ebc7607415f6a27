//! `/sign-in/more`: a page of a service needs a higher level than the session has. The page says which of the
//! factors that are missing a person can add, and leads back to the service.
//!
//! A sign-in asks for everything that an account has, so a session lacks what the account lacks, or what
//! still settles. Nothing is proved here.

use super::{
    page::{Camera, page},
    see,
    session::Session,
    sign_in,
    words::Words,
};
use crate::{
    call::Call,
    forward_auth::{self, Target},
    query::{self, Kind, Parameter},
    route::Outcome,
};
use askama::Template;
use fourauth_protocol::level::Level;
use hyper::StatusCode;

const PATH: &str = "/sign-in/more";

static PARAMETERS: [Parameter; 2] =
    [Parameter { name: "to", kind: Kind::Text }, Parameter { name: "level", kind: Kind::Number }];

#[derive(Template)]
#[template(path = "more.html")]
struct MorePage<'a> {
    words: Words<'a>,
    has: String,
    needs: String,
    /// The address of the page that enrols a face, if the account may be without one.
    face: Option<String>,
    sign_in: String,
}

/// The address of the page, for a person on the way to a target.
pub(crate) fn path(target: &Target, level: Option<Level>) -> String {
    let level = level.map(|level| format!("&level={level}")).unwrap_or_default();
    format!("{PATH}?to={}{level}", target.encoded())
}

pub(super) async fn form(call: Call) -> Outcome {
    let values = query::read(call.query.as_deref(), &PARAMETERS)?;
    let target = sign_in::target(&call, query::text(&values, "to").to_owned())?;
    let number = values.iter().find(|(name, _)| *name == "level").and_then(|(_, it)| it.as_u64());
    let needs = number.and_then(|it| u8::try_from(it).ok()).and_then(Level::from_number);
    let sign_in = sign_in::path(target.as_ref());
    let Some(session) = Session::of(&call).await? else { return Ok(see(&sign_in)) };
    let has = session.body.level;
    let (Some(target), Some(needs)) = (target, needs) else { return Ok(see("/account")) };
    if has >= Some(needs) {
        return Ok(see(&forward_auth::entry_path(&target)));
    }
    let more = MorePage {
        words: call.words()?,
        has: has.map_or(0, Level::number).to_string(),
        needs: needs.number().to_string(),
        // With an authenticator, a face and the key of this browser are what is missing.
        face: (has == Some(Level::Two)).then(|| format!("/account/face?to={}", target.encoded())),
        sign_in,
    };
    let mut response = page(StatusCode::OK, &more, Camera::Forbidden)?;
    session.keep(&mut response);
    Ok(response)
}
