//! The console: the pages on which administrators see and change accounts, read the audit log and see the
//! state of the server.
//!
//! ```text
//! visit      the session of a request, and what the server refuses it
//! people     /console: a search, and one account
//! change     the confirmation of a change, with a reason and a one-time code (186)
//! fresh      the one-time code before a change
//! invite     an invitation, with its link
//! outbox     the messages to people
//! audit      the log: filters, the proof of a row, export
//! tail       new rows of the log as they come (248)
//! state      the state of the server, with a chart
//! ```
//!
//! Nothing is decided here: each page sends a command with the token of the browser, and the server says
//! whether this session may use the console.

mod audit;
mod change;
mod chart;
mod fresh;
mod invite;
mod outbox;
mod people;
mod state;
mod tail;
mod visit;

pub(crate) use tail::Tail;

use crate::{
    portal::{form, page},
    route::{Route, Takes},
    settings::Resource::Console,
};

/// Where the console begins.
pub(crate) const START: &str = "/console";

pub(crate) static ROUTES: [Route; 12] = [
    page(Console, START, |call| Box::pin(people::list(call))),
    page(Console, "/console/person", |call| Box::pin(people::show(call))),
    page(Console, "/console/change", |call| Box::pin(change::question(call))),
    form(Console, "/console/change", Takes::Form, |call| Box::pin(change::carry_out(call))),
    page(Console, "/console/invite", |call| Box::pin(invite::form(call))),
    form(Console, "/console/invite", Takes::Form, |call| Box::pin(invite::invite(call))),
    page(Console, "/console/outbox", |call| Box::pin(outbox::show(call))),
    page(Console, "/console/audit", |call| Box::pin(audit::show(call))),
    page(Console, "/console/audit/events", |call| Box::pin(tail::events(call))),
    page(Console, "/console/audit/export", |call| Box::pin(audit::export(call))),
    page(Console, "/console/audit/{id}", |call| Box::pin(audit::proof(call))),
    page(Console, "/console/state", |call| Box::pin(state::show(call))),
];
