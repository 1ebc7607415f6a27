//! `/sign-out`: ends the session of a browser.

use super::{
    complaint,
    page::{Camera, page},
    words::Words,
};
use crate::{call::Call, cookies::Cookie, response::Response, route::Outcome, status};
use askama::Template;
use fourauth_protocol::{
    code::Code,
    command::{Command, EndSession},
    secret::Secret,
};
use hyper::StatusCode;

#[derive(Template)]
#[template(path = "sign_out.html")]
struct SignOut<'a> {
    words: Words<'a>,
    title: &'static str,
    complaint: Option<String>,
    text: Option<&'static str>,
    button: Option<&'static str>,
}

/// The question before the session ends. A link of another page must not end it.
pub(super) fn question(call: &Call) -> Outcome {
    let question = SignOut {
        words: call.words()?,
        title: "sign-out-title",
        complaint: None,
        text: Some("sign-out-question"),
        button: Some("sign-out-title"),
    };
    page(StatusCode::OK, &question, Camera::Forbidden)
}

pub(super) async fn out(call: Call) -> Outcome {
    call.check_origin()?;
    let words = call.words()?;
    let mut text = "signed-out-all";
    if let Some(token) = Cookie::Session.read(&call.headers) {
        let end = Command::EndSession(EndSession::new(Secret::new(token)));
        let answer = call.app.upstream.send(call.peer?, end).await?;
        match answer.code {
            Code::Ok => {}
            // It has ended, or it is bound to another address, where it goes on.
            Code::SignedOut => text = "signed-out-here",
            // The browser keeps the session, so that a person can try again.
            _ => {
                let reason = complaint::of(&answer, &words);
                let still_in = SignOut {
                    words,
                    title: "still-in-title",
                    complaint: Some(words.say_with("still-in", "reason", &reason)),
                    text: None,
                    button: Some("try-again"),
                };
                return page(status::of(answer.code), &still_in, Camera::Forbidden);
            }
        }
    }
    let done = SignOut {
        words,
        title: "signed-out-title",
        complaint: None,
        text: Some(text),
        button: None,
    };
    let mut response = page(StatusCode::OK, &done, Camera::Forbidden)?;
    forget(&call, &mut response);
    Ok(response)
}

/// Removes every cookie of the session.
fn forget(call: &Call, response: &mut Response) {
    Cookie::Session.clear(response);
    Cookie::Mfa.clear(response);
    Cookie::Proof.clear(response);
    if let Some(services) = &call.app.services {
        Cookie::Visit.clear_for(response, services.domain());
    }
}
