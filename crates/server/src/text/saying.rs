//! Writes an answer as one of the documented texts.

use super::message::Form;
use fourauth_protocol::{answer::Answer, secret::Secret};

/// The answer to everything but the use of a token, unless it is granted.
const FALSE: &str = "False";

/// The text for an answer to a message of this form. The text of a denial has no reason, and neither
/// has that of an answer without a decision.
pub(super) fn of(form: Form, answer: &Answer) -> Secret<String> {
    if !answer.is_ok() {
        return denied(form);
    }
    match (form, &answer.body.token) {
        (Form::Redeem, Some(token)) => token.clone(),
        (Form::Use, Some(token)) => Secret::new(format!("renew|{}", token.expose())),
        // The messages of these answers are the documented texts.
        (Form::Request | Form::Use, None) => Secret::new(answer.message.clone()),
        (Form::Request, Some(_)) | (Form::Redeem, None) => denied(form),
    }
}

/// The text of a denial.
pub(super) fn denied(form: Form) -> Secret<String> {
    match form {
        Form::Request | Form::Redeem => refused(),
        Form::Use => Secret::new("unauthorized".to_owned()),
    }
}

/// The answer to a line that is no message.
pub(super) fn refused() -> Secret<String> {
    Secret::new(FALSE.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_protocol::{answer::AnswerBody, code::Code};

    fn granted(message: &str, token: Option<&str>) -> Answer {
        let mut body = AnswerBody::default();
        body.token = token.map(|token| Secret::new(token.to_owned()));
        Answer::ok(message, body)
    }

    #[test]
    fn every_answer_has_its_documented_text() {
        let denied = Answer::error(Code::Denied, "Invalid username or password.");
        let busy = Answer::error(Code::Unavailable, "Server busy.");
        for (form, answer, text) in [
            (Form::Request, &granted("Passcode is sent", None), "Passcode is sent"),
            (Form::Request, &denied, "False"),
            (Form::Redeem, &granted("Session opened.", Some("x_1")), "x_1"),
            (Form::Redeem, &denied, "False"),
            (Form::Redeem, &busy, "False"),
            (Form::Use, &granted("authorized", None), "authorized"),
            (Form::Use, &granted("renew", Some("x_2")), "renew|x_2"),
            (Form::Use, &denied, "unauthorized"),
            (Form::Use, &busy, "unauthorized"),
        ] {
            assert_eq!(of(form, answer).expose(), text, "{form:?}");
        }
    }
}
