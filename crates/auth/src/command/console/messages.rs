//! 246 and 254: the messages to people, as an administrator sees them. Their codes and addresses stay here.

use super::{Request, accounts::because};
use crate::{
    action::Action,
    answer::CommandAnswer,
    attempt::{Audited, console::ConsoleAct},
    authenticator::Authenticator,
    decision::Denial,
    error::Error,
    received::Received,
};
use fourauth_protocol::{
    answer::{AnswerBody, MessageRow},
    command::{ChangeMessage, ListMessages, MessageChange},
    username::Username,
};
use fourauth_store::{DeliveryState, Listed, OutboxEntry};

/// Number of messages returned if the command does not specify one.
const DEFAULT_MESSAGES: u32 = 50;

/// Most messages that are returned.
const MOST_MESSAGES: u32 = 200;

/// The answer to 246.
#[derive(Debug)]
pub struct Messages(pub Vec<MessageRow>);

impl CommandAnswer for Messages {
    fn into_body(self) -> AnswerBody {
        let mut body = AnswerBody::default();
        body.messages = Some(self.0);
        body
    }
}

impl Authenticator {
    /// 246: lists the messages to people.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn list_messages(
        &self,
        received: Received,
        list: ListMessages,
    ) -> Result<Audited<Messages>, Error> {
        let ListMessages { session, all, limit, .. } = list;
        let limit = limit.unwrap_or(DEFAULT_MESSAGES).min(MOST_MESSAGES);
        let (listed, detail) =
            if all { (Listed::All, "all".to_owned()) } else { (Listed::Open, String::new()) };
        let request = Request { detail, ..Request::reading(Action::ListMessages) };
        self.as_console(request, received, session, async |_| {
            let entries = self.store.outbox(listed, limit).await?;
            let rows = entries.into_iter().map(row).collect();
            Ok((ConsoleAct::Nothing, Messages(rows)))
        })
        .await
    }

    /// 254: sends a message again, or deletes it.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn change_message(
        &self,
        received: Received,
        change: ChangeMessage,
    ) -> Result<Audited<()>, Error> {
        let ChangeMessage { session, message, change, reason, .. } = change;
        // Only for the row: an erasure has to find the rows of an account by its name.
        let entry = self.store.outbox_entry(message).await?;
        let about = entry.as_ref().and_then(|entry| Username::parse(&entry.username).ok());
        let event = entry.as_ref().map_or("unknown", |entry| entry.event.word());
        let detail =
            format!("message={message} event={event} change={change} {}", because(&reason));
        let request = Request::changing(Action::ChangeMessage, about.as_ref(), detail);
        self.as_console(request, received, session, async |_| {
            let act = match change {
                _ if entry.is_none() => return Err(Denial::NoSuchMessage.into()),
                MessageChange::Resend => ConsoleAct::ResendMessage(message),
                MessageChange::Drop => ConsoleAct::DropMessage(message),
                _ => return Err(Denial::NotOffered.into()),
            };
            Ok((act, ()))
        })
        .await
    }
}

fn row(entry: OutboxEntry) -> MessageRow {
    let (state, state_at) = match entry.state {
        DeliveryState::Waiting(until) => ("waiting", Some(until).filter(|until| until.0 > 0)),
        DeliveryState::Sent(at) => ("sent", Some(at)),
        DeliveryState::Dead => ("given_up", None),
    };
    MessageRow {
        message: entry.id,
        event: entry.event.word().to_owned(),
        username: entry.username,
        at: entry.created,
        state: state.to_owned(),
        state_at,
        attempts: entry.attempts,
        last_error: entry.last_error,
    }
}
