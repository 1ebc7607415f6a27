//! Sends notices from the outbox to the owners of accounts, by mail or text message.
//!
//! | to see | read |
//! |---|---|
//! | how a notice is sent, retried and given up | `courier` |
//! | when it is retried | `backoff` |
//! | how many messages a person may get | `quota` |
//! | how an event becomes a text | `render` |
//! | what a mail consists of | `mail` |
//! | how a mail reaches a relay | `relay` |
//! | what another provider of text messages implements | `sms` |
//!
//! The texts are in the folder `locales` of the repository, the templates in `templates` of this
//! crate.
//!
//! **Invariant**: no request waits for this crate. An attempt is counted in the database before it
//! begins, and no text of a peer reaches the database, a header or a log.

mod backoff;
mod cleartext;
mod courier;
mod entropy;
mod failure;
mod folder;
mod mail;
mod quota;
mod relay;
mod render;
mod route;
mod senders;
mod sms;
mod twilio;

pub use courier::{Courier, Round, unique};
pub use failure::Reason;
pub use mail::{Letter, Outgoing};
pub use quota::{Limit, Quotas};
pub use render::{NotATemplate, Rendered, Renderer};
pub use route::{MailRoute, NotARoute, Security, SmsRoute};
pub use senders::{Account, MailSettings, NotASender, Senders, SmsSettings};
pub use sms::{SmsSender, Text};

use fourauth_protocol::time::UnixMillis;
use std::time::Duration;

/// The settings of a courier.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The name in the lease: that of this server, and of no other process that runs at the same
    /// time. A process that is restarted under the same name need not wait for the lease to end.
    pub owner: String,
    /// Attempts until a notice is given up.
    pub attempts: u32,
    /// Longest time of one attempt.
    pub deadline: Duration,
    /// The limits of messages.
    pub quotas: Quotas,
}

/// An instant that is `duration` later.
pub(crate) fn later(now: UnixMillis, duration: Duration) -> UnixMillis {
    now.saturating_add_ms(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}

/// An instant that is `duration` earlier.
pub(crate) fn earlier(now: UnixMillis, duration: Duration) -> UnixMillis {
    now.saturating_add_ms(i64::try_from(duration.as_millis()).map_or(i64::MIN, i64::wrapping_neg))
}
