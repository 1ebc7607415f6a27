//! `/console/change`: the question before a change, with a reason and a one-time code, and the change.

mod what;

use super::{
    fresh::{Asks, Fresh},
    invite::invited_page,
    visit::{Part, Refused, Visit},
};
use crate::{
    call::Call,
    compat::Digits,
    portal::{Camera, Words, rendered as page, see},
    problem::Problem,
    query::{self, Kind, Parameter},
    response::Response,
    route::Outcome,
};
use askama::Template;
use fourauth_protocol::{answer::Erasure, command::Reason, username::Username};
use hyper::StatusCode;
use serde::Deserialize;
use what::{Change, What};

static PARAMETERS: [Parameter; 3] = [
    Parameter { name: "username", kind: Kind::Text },
    Parameter { name: "what", kind: Kind::Text },
    Parameter { name: "which", kind: Kind::Text },
];

/// A form that confirms a change.
#[derive(Deserialize)]
struct Confirmed {
    username: Username,
    what: What,
    #[serde(default)]
    which: String,
    reason: String,
    /// The name once more, for an erasure.
    #[serde(default)]
    again: String,
    #[serde(default)]
    otp: Option<Digits>,
    #[serde(default)]
    proof: String,
}

#[derive(Template)]
#[template(path = "console/change.html")]
struct ChangePage<'a> {
    words: Words<'a>,
    part: Part,
    complaint: Option<String>,
    button: &'static str,
    help: &'static str,
    change: &'a Change,
    back: String,
    reason: &'a str,
    asks: Asks,
}

#[derive(Template)]
#[template(path = "console/erased.html")]
struct ErasedPage<'a> {
    words: Words<'a>,
    part: Part,
    name: &'a str,
    rows: String,
    recorded_by: String,
}

/// How the question is asked.
struct Asked<'a> {
    status: StatusCode,
    complaint: Option<String>,
    reason: &'a str,
    /// True to ask for a code although the browser has a proof, which has expired.
    asks_again: bool,
}

pub(super) async fn question(call: Call) -> Outcome {
    let visit = match Visit::of(&call).await? {
        Ok(visit) => visit,
        Err(response) => return Ok(response),
    };
    let values = query::read(call.query.as_deref(), &PARAMETERS)?;
    let object = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let change: Change = serde_json::from_value(serde_json::Value::Object(object))
        .map_err(|_| Problem::not_found())?;
    let (status, complaint) = (StatusCode::OK, None);
    let asked = Asked { status, complaint, reason: "", asks_again: false };
    Ok(visit.kept(ask(&visit, &change, asked).await?))
}

pub(super) async fn carry_out(call: Call) -> Outcome {
    call.check_origin()?;
    let Confirmed { username, what, which, reason: text, again, otp, proof } = call.read()?;
    let change = Change { username, what, which };
    let visit = match Visit::of(&call).await? {
        Ok(visit) => visit,
        Err(response) => return Ok(response),
    };
    let reason = match checked(&change, &text, &again) {
        Ok(reason) => reason,
        Err(key) => {
            let (status, complaint) = (StatusCode::BAD_REQUEST, Some(visit.words.say(key)));
            let asked = Asked { status, complaint, reason: text.trim(), asks_again: false };
            return ask(&visit, &change, asked).await;
        }
    };
    let fresh = match Fresh::of(&visit, otp, &proof).await? {
        Ok(fresh) => fresh,
        Err(refused) => {
            let (status, complaint) = (refused.status, Some(refused.complaint));
            let asked = Asked { status, complaint, reason: reason.as_str(), asks_again: true };
            return ask(&visit, &change, asked).await;
        }
    };
    let mut response = changed(&visit, &change, &fresh, &reason).await?;
    fresh.keep(&mut response);
    Ok(visit.kept(response))
}

/// The reason of a form, or the key of the text about what is wrong in it.
fn checked(change: &Change, reason: &str, again: &str) -> Result<Reason, &'static str> {
    let is_confirmed = || Username::parse(again.trim()).is_ok_and(|it| it == change.username);
    if change.what == What::Erase && !is_confirmed() {
        return Err("change-again-wrong");
    }
    Reason::parse(reason).map_err(|_| "change-reason-missing")
}

/// Carries the change out, and answers with the page that shows it.
async fn changed(visit: &Visit<'_>, change: &Change, fresh: &Fresh, reason: &Reason) -> Outcome {
    let command = match change.command(fresh.session.clone(), reason.clone()) {
        Ok(command) => command,
        Err(key) => {
            let (status, complaint) = (StatusCode::BAD_REQUEST, Some(visit.words.say(key)));
            let asked = Asked { status, complaint, reason: reason.as_str(), asks_again: false };
            return ask(visit, change, asked).await;
        }
    };
    match visit.ask(command).await? {
        Ok(answer) if change.what == What::InviteAgain => {
            invited_page(visit, change.username.as_str(), &answer)
        }
        Ok(answer) => match answer.body.erasure {
            Some(erasure) => erased(visit, change, &erasure),
            None => Ok(see(&change.back())),
        },
        Err(Refused::Page(response)) => Ok(response),
        Err(Refused::ProofNeeded) => {
            let complaint = Some(visit.words.say("change-code-needed"));
            let (status, reason) = (StatusCode::UNAUTHORIZED, reason.as_str());
            ask(visit, change, Asked { status, complaint, reason, asks_again: true }).await
        }
    }
}

fn erased(visit: &Visit<'_>, change: &Change, erasure: &Erasure) -> Outcome {
    let recorded_by = erasure.recorded_by.iter().map(ToString::to_string);
    let erased = ErasedPage {
        words: visit.words,
        part: Part::People,
        name: change.username.as_str(),
        rows: erasure.rows.to_string(),
        recorded_by: recorded_by.collect::<Vec<_>>().join(", "),
    };
    page(StatusCode::OK, &erased, Camera::Forbidden)
}

async fn ask(visit: &Visit<'_>, change: &Change, asked: Asked<'_>) -> Result<Response, Problem> {
    let Asked { status, complaint, reason, asks_again } = asked;
    let asks = if asks_again { Asks::code(visit).await? } else { Asks::of(visit).await? };
    let (button, help) = change.what.texts();
    let back = change.back();
    let part = if back == Part::Outbox.path() { Part::Outbox } else { Part::People };
    let (words, button) = (visit.words, button);
    let question = ChangePage { words, part, complaint, button, help, change, back, reason, asks };
    page(status, &question, Camera::Forbidden)
}
