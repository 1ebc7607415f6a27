//! The span of a command for a collector: which kind of command, how it came, how it ended.
//!
//! A collector is not a place for anything about a person, so there is no name and no address here.
//! The list of fields is in `crates/daemon/src/spans.rs`.

use crate::reply::Reply;
use fourauth_auth::received::Received;
use fourauth_protocol::command::Command;
use tracing::{Span, field::Empty};

/// The span of one command, from its turn to its reply.
pub(super) struct CommandSpan(Span);

impl CommandSpan {
    pub(super) fn open(received: &Received, command: &Command) -> Self {
        Self(tracing::info_span!(
            "command",
            otel.kind = "server",
            otel.status_code = Empty,
            fourauth.command = command.code(),
            fourauth.request_id = %received.id,
            fourauth.door = received.door.name(),
            fourauth.via = received.origin.via.as_ref().map(tracing::field::display),
            fourauth.action = Empty,
            fourauth.outcome = Empty,
        ))
    }

    /// The parent of the spans of its steps.
    pub(super) fn span(&self) -> Span {
        self.0.clone()
    }

    /// Records the outcome.
    pub(super) fn close(self, reply: &Reply) {
        let Self(span) = self;
        if let Some(action) = reply.action() {
            span.record("fourauth.action", action.as_str());
        }
        span.record("fourauth.outcome", outcome(reply));
        if reply.is_unavailable() {
            span.record("otel.status_code", "ERROR");
        }
    }
}

/// The outcome, in the words of the metrics.
fn outcome(reply: &Reply) -> &'static str {
    if reply.is_unavailable() {
        "undecided"
    } else if reply.is_granted() {
        "granted"
    } else {
        "denied"
    }
}
