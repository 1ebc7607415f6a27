//! `/forward-auth/enter`: makes a check token of the session of this origin, puts it into a cookie that
//! the services of the domain see, and sends the person back.

use super::{html, sign_in, target::Target};
use crate::{
    call::Call,
    cookies::Cookie,
    problem::Problem,
    query::{self, Kind, Parameter},
    response::{self, Response},
    route::Outcome,
};
use fourauth_daemon::settings::Origin;
use fourauth_protocol::{
    code::Code,
    command::{Authorise, Command, ExchangeToken},
    secret::Secret,
};
use hyper::{StatusCode, header::LOCATION};
use serde_json::Value;

const PATH: &str = "/forward-auth/enter";

static PARAMETERS: [Parameter; 2] =
    [Parameter { name: "to", kind: Kind::Text }, Parameter { name: "bounced", kind: Kind::Flag }];

/// The address that leads a person back to a target.
pub(super) fn address(origin: &Origin, target: &Target) -> String {
    format!("{origin}{}", path(target))
}

/// The same within this origin.
pub(super) fn path(target: &Target) -> String {
    format!("{PATH}?to={}", target.encoded())
}

pub(super) async fn enter(call: Call) -> Outcome {
    let services = call.services()?;
    let values = query::read(call.query.as_deref(), &PARAMETERS)?;
    let value = |name| values.iter().find(|(it, _)| *it == name).map(|(_, value)| value);
    let is_bounced = value("bounced") == Some(&Value::Bool(true));
    let to = value("to").and_then(Value::as_str).unwrap_or_default();
    let target = Target::of(to.to_owned(), &services.settings.config);
    let target = target.ok_or_else(|| Problem::bad("This is not a page of a service."))?;
    let Some(token) = Cookie::Session.read(&call.headers) else {
        // The way here began at another site, so a browser has kept the cookie back.
        let again = format!("{}&bounced=true", path(&target));
        return Ok(if is_bounced { to_sign_in(&target) } else { html::bounce(&again) });
    };
    let Some(session) = live_session(&call, token).await? else {
        let mut response = to_sign_in(&target);
        Cookie::Session.clear(&mut response);
        return Ok(response);
    };
    let exchange = ExchangeToken::new(session.token.clone(), services.audience.clone());
    let answer = call.send(Command::ExchangeToken(exchange)).await?;
    let check_token = answer.body.token.ok_or_else(Problem::incomplete)?;
    let mut response = redirect(target.as_str());
    if session.is_renewed {
        Cookie::Session.set(&mut response, session.token.expose());
    }
    Cookie::Visit.set_for(&mut response, check_token.expose(), services.domain());
    Ok(response)
}

/// A session that may be used now.
struct Session {
    token: Secret<String>,
    is_renewed: bool,
}

/// The session of a token, renewed if it is due. `None` if it has ended.
async fn live_session(call: &Call, token: String) -> Result<Option<Session>, Problem> {
    let authorise = Command::Authorise(Authorise::new(token.clone()));
    let answer = call.app.upstream.send(call.peer?, authorise).await?;
    match answer.code {
        Code::Ok => {
            let is_renewed = answer.body.token.is_some();
            let token = answer.body.token.unwrap_or_else(|| Secret::new(token));
            Ok(Some(Session { token, is_renewed }))
        }
        Code::SignedOut => Ok(None),
        _ => Err(Problem::of_answer(answer)),
    }
}

fn to_sign_in(target: &Target) -> Response {
    redirect(&sign_in::path(Some(target)))
}

fn redirect(location: &str) -> Response {
    let mut response = response::whole(StatusCode::FOUND, "text/plain; charset=utf-8", "");
    response.headers_mut().insert(LOCATION, response::value(location));
    response
}
