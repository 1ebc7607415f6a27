//! `/console/outbox`: the messages to people, with what went wrong. No code and no address is shown.

use super::visit::{Part, Visit, encoded, person};
use crate::{
    call::Call,
    portal::{Camera, Words, rendered as page, shown},
    query::{self, Kind, Parameter},
    route::Outcome,
};
use askama::Template;
use fourauth_protocol::{
    answer::MessageRow,
    command::{Command, ListMessages},
};
use hyper::StatusCode;

static PARAMETERS: [Parameter; 1] = [Parameter { name: "show", kind: Kind::Text }];

/// Messages on the page.
const AT_ONCE: u32 = 200;

#[derive(Template)]
#[template(path = "console/outbox.html")]
struct OutboxPage<'a> {
    words: Words<'a>,
    part: Part,
    shows_all: bool,
    messages: Vec<MessageCard>,
}

/// One message.
struct MessageCard {
    number: i64,
    name: String,
    path: String,
    encoded: String,
    event: String,
    at: String,
    /// The key of the text about its state.
    state: &'static str,
    is_given_up: bool,
    state_at: Option<String>,
    attempts: u32,
    error: Option<String>,
}

impl MessageCard {
    fn of(row: MessageRow) -> Self {
        let is_given_up = row.state == "given_up";
        Self {
            number: row.message,
            path: person(&row.username),
            encoded: encoded(&row.username),
            name: row.username,
            event: row.event,
            at: shown(row.at),
            state: match row.state.as_str() {
                "sent" => "outbox-sent",
                "waiting" => "outbox-waiting",
                _ => "outbox-given-up",
            },
            is_given_up,
            state_at: row.state_at.map(shown),
            attempts: row.attempts,
            error: row.last_error,
        }
    }
}

pub(super) async fn show(call: Call) -> Outcome {
    let visit = match Visit::of(&call).await? {
        Ok(visit) => visit,
        Err(response) => return Ok(response),
    };
    let values = query::read(call.query.as_deref(), &PARAMETERS)?;
    let shows_all = query::text(&values, "show") == "all";
    let list = if shows_all { ListMessages::all } else { ListMessages::open };
    let list = list(visit.console()).limit(AT_ONCE);
    let messages = match visit.ask(Command::ListMessages(list)).await? {
        Ok(answer) => answer.body.messages.unwrap_or_default(),
        Err(refused) => return Ok(refused.page()),
    };
    let messages = messages.into_iter().map(MessageCard::of).collect();
    let outbox = OutboxPage { words: visit.words, part: Part::Outbox, shows_all, messages };
    Ok(visit.kept(page(StatusCode::OK, &outbox, Camera::Forbidden)?))
}
