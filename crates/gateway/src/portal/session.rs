//! The session of a browser, by the token in its cookie.

use crate::{call::Call, cookies::Cookie, problem::Problem, response::Response};
use fourauth_protocol::{
    answer::AnswerBody,
    code::Code,
    command::{Authorise, Command},
    secret::Secret,
};

/// A session that may be used now.
#[derive(Debug)]
pub(crate) struct Session {
    /// The token to use from now on.
    pub(crate) token: Secret<String>,
    /// What the server says about it.
    pub(crate) body: AnswerBody,
    is_renewed: bool,
}

impl Session {
    /// The session of the browser, renewed if it is due. `None` if it has none, or if it has ended. The
    /// server hears of one that has ended only once.
    pub(crate) async fn of(call: &Call) -> Result<Option<Self>, Problem> {
        let Some(token) = Cookie::Session.read(&call.headers) else { return Ok(None) };
        let (ended, peer) = (&call.app.ended, call.peer?);
        if ended.contains(&token, peer) {
            return Ok(None);
        }
        let authorise = Command::Authorise(Authorise::new(token.clone()));
        let answer = call.app.upstream.send(peer, authorise).await?;
        match answer.code {
            Code::Ok => {
                let mut body = *answer.body;
                let renewed = body.token.take();
                let is_renewed = renewed.is_some();
                let token = renewed.unwrap_or_else(|| Secret::new(token));
                Ok(Some(Self { token, body, is_renewed }))
            }
            Code::SignedOut => {
                ended.note(&token, peer);
                Ok(None)
            }
            _ => Err(Problem::of_answer(answer)),
        }
    }

    /// Gives the browser the token to use from now on.
    pub(crate) fn keep(&self, response: &mut Response) {
        if self.is_renewed {
            Cookie::Session.set(response, self.token.expose());
        }
    }
}
