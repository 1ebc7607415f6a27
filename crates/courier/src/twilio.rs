//! Text messages through Twilio's REST API:
//! <https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource>.
//!
//! No redirect is followed and no proxy of the environment is used. The body of an answer is not
//! read.

use crate::{
    failure::Reason,
    sms::{SmsSender, Text},
};
use fourauth_protocol::secret::Secret;
use fourauth_store::BoxFuture;
use reqwest::{Client, StatusCode, Url, redirect::Policy};
use std::fmt;

/// The prefix of the id of a messaging service, which chooses the sender itself.
const SERVICE: &str = "MG";

/// An account with Twilio.
pub(crate) struct Twilio {
    client: Client,
    messages: Url,
    account: Secret<String>,
    token: Secret<String>,
    from: String,
}

impl Twilio {
    /// `None` if the account's id cannot be a part of the URL, or TLS is not available.
    pub(crate) fn new(
        base: &Url,
        account: Secret<String>,
        token: Secret<String>,
        from: String,
    ) -> Option<Self> {
        let id = account.expose();
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        let messages = base.join(&format!("/2010-04-01/Accounts/{id}/Messages.json")).ok()?;
        let client = Client::builder().redirect(Policy::none()).no_proxy().build().ok()?;
        Some(Self { client, messages, account, token, from })
    }

    async fn post(&self, text: &Text<'_>) -> Result<(), Reason> {
        let from = if self.from.starts_with(SERVICE) { "MessagingServiceSid" } else { "From" };
        let form = [("To", text.to.as_str()), (from, &self.from), ("Body", text.body)];
        let request = self
            .client
            .post(self.messages.clone())
            .basic_auth(self.account.expose(), Some(self.token.expose()))
            .form(&form);
        match request.send().await {
            Ok(answer) => judge(answer.status()),
            Err(error) if error.is_connect() => Err(Reason::Unreachable),
            Err(_) => Err(Reason::Interrupted),
        }
    }
}

/// What a status says about the message.
fn judge(status: StatusCode) -> Result<(), Reason> {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Reason::Login),
        StatusCode::TOO_MANY_REQUESTS => Err(Reason::Unreachable),
        status if status.is_success() => Ok(()),
        status if status.is_server_error() => Err(Reason::Unreachable),
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => Err(Reason::Refused),
        // A redirect, or a URL that is not Twilio's.
        _ => Err(Reason::Unreachable),
    }
}

impl SmsSender for Twilio {
    fn send<'a>(&'a self, text: &'a Text<'a>) -> BoxFuture<'a, Result<(), Reason>> {
        Box::pin(self.post(text))
    }
}

/// Shows no credentials.
impl fmt::Debug for Twilio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Twilio").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_its_consequence() {
        for (status, expected) in [
            (201, Ok(())),
            (302, Err(Reason::Unreachable)),
            (400, Err(Reason::Refused)),
            (401, Err(Reason::Login)),
            (404, Err(Reason::Unreachable)),
            (429, Err(Reason::Unreachable)),
            (503, Err(Reason::Unreachable)),
        ] {
            assert_eq!(judge(StatusCode::from_u16(status).unwrap()), expected, "{status}");
        }
    }
}
