//! `/forward-auth/enter`: makes a check token of the session of this origin, puts it into a cookie that
//! the services of the domain see, and sends the person back.

use super::target::Target;
use crate::{
    call::Call,
    cookies::Cookie,
    portal::{self, Session},
    problem::Problem,
    query::{self, Kind, Parameter},
    response::{self, Response},
    route::Outcome,
};
use fourauth_daemon::settings::Origin;
use fourauth_protocol::{
    command::{Command, ExchangeToken},
    level::Level,
};
use hyper::{StatusCode, header::LOCATION};
use serde_json::Value;

const PATH: &str = "/forward-auth/enter";

static PARAMETERS: [Parameter; 3] = [
    Parameter { name: "to", kind: Kind::Text },
    Parameter { name: "bounced", kind: Kind::Flag },
    Parameter { name: "level", kind: Kind::Number },
];

/// The address that leads a person back to a target, which may need a level that the session has not
/// reached.
pub(super) fn address(origin: &Origin, target: &Target, level: Option<Level>) -> String {
    format!("{origin}{}{}", path(target), of_level(level))
}

/// The level as one more parameter. It only chooses the page that a person sees: the rules decide.
fn of_level(level: Option<Level>) -> String {
    level.map(|level| format!("&level={level}")).unwrap_or_default()
}

/// The same within this origin. A page of this origin needs no cookie of services.
pub(crate) fn path(target: &Target) -> String {
    if let Some(own) = target.own() {
        return own.to_owned();
    }
    format!("{PATH}?to={}", target.encoded())
}

pub(super) async fn enter(call: Call) -> Outcome {
    let services = call.services()?;
    let values = query::read(call.query.as_deref(), &PARAMETERS)?;
    let is_bounced = values.contains(&("bounced", Value::Bool(true)));
    let level = values.iter().find(|(name, _)| *name == "level");
    let level = level.and_then(|(_, value)| u8::try_from(value.as_u64()?).ok());
    let level = level.and_then(Level::from_number);
    let target = services.target(query::text(&values, "to").to_owned());
    let target = target.ok_or_else(|| Problem::bad("This is not a page of a service."))?;
    if Cookie::Session.read(&call.headers).is_none() {
        // The way here began at another site, so a browser has kept the cookie back.
        let again = format!("{}{}&bounced=true", path(&target), of_level(level));
        let bounced = || portal::bounce(call.words()?, &again);
        return if is_bounced { Ok(to_sign_in(&target)) } else { bounced() };
    }
    let Some(session) = Session::of(&call).await? else {
        let mut response = to_sign_in(&target);
        Cookie::Session.clear(&mut response);
        return Ok(response);
    };
    if session.body.level < level {
        let mut response = redirect(&portal::more_path(&target, level));
        session.keep(&mut response);
        return Ok(response);
    }
    let exchange = ExchangeToken::new(session.token.clone(), services.audience.clone());
    let answer = call.send(Command::ExchangeToken(exchange)).await?;
    let check_token = answer.body.token.ok_or_else(Problem::incomplete)?;
    let mut response = redirect(target.as_str());
    session.keep(&mut response);
    Cookie::Visit.set_for(&mut response, check_token.expose(), services.domain());
    Ok(response)
}

fn to_sign_in(target: &Target) -> Response {
    redirect(&portal::sign_in_path(Some(target)))
}

fn redirect(location: &str) -> Response {
    let mut response = response::whole(StatusCode::FOUND, "text/plain; charset=utf-8", "");
    response.headers_mut().insert(LOCATION, response::value(location));
    response
}
