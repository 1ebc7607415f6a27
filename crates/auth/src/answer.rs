//! The answers of granted commands.
//!
//! Each command has a struct of its own, beside the method that decides it. Only when an audited
//! outcome becomes an answer of the protocol, its fields are put into the body that all commands
//! share.

use fourauth_protocol::answer::AnswerBody;

/// The answer of one kind of command.
pub trait CommandAnswer {
    /// The text for people, if it is not the same after every success of the command.
    fn text(&self) -> Option<&'static str> {
        None
    }

    /// The fields on the wire.
    fn into_body(self) -> AnswerBody;
}

/// A command whose success is the whole answer.
impl CommandAnswer for () {
    fn into_body(self) -> AnswerBody {
        AnswerBody::default()
    }
}
