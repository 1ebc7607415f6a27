//! Text messages. Another provider is one more file with an implementation of [`SmsSender`].

use crate::failure::Reason;
use fourauth_protocol::contact::Phone;
use fourauth_store::BoxFuture;
use std::fmt;

/// A text message.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    /// The recipient.
    pub to: &'a Phone,
    /// The text.
    pub body: &'a str,
    /// Names the notice. A provider that recognises repeated requests can use it.
    pub id: &'a str,
}

/// Sends text messages.
///
/// The caller cancels an attempt that takes too long, by dropping the future.
pub trait SmsSender: fmt::Debug + Send + Sync {
    /// Sends a text. `Ok` once the provider has accepted it.
    ///
    /// # Errors
    ///
    /// The reason, which decides whether it is sent again.
    fn send<'a>(&'a self, text: &'a Text<'a>) -> BoxFuture<'a, Result<(), Reason>>;
}
