//! Failures that prevent a decision. A denial is not an error: it is a decision.

use crate::compute::Overload;
use fourauth_protocol::code::Code;
use fourauth_store as store;

/// The reason why a command was not decided.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed or timed out.
    #[error("the store failed")]
    Store(#[from] store::Error),
    /// The compute pool was full, too slow, or a job in it failed.
    #[error("a compute job was refused, late or failed")]
    Overload(#[from] Overload),
    /// The neural networks gave no usable output. The picture is not at fault.
    #[error("a picture could not be examined")]
    Unexamined,
    /// The database has reached its size limit, and the command [can wait].
    ///
    /// [can wait]: crate::action::Action::can_wait
    #[error("the database has reached its size limit")]
    DatabaseFull,
    /// No checkpoint covers the row yet. One does within a second.
    #[error("the row is not signed yet")]
    NotSigned,
}

/// The only conversion from an error to a code that a peer sees.
impl From<&Error> for Code {
    fn from(error: &Error) -> Self {
        match error {
            Error::Store(_)
            | Error::Overload(_)
            | Error::Unexamined
            | Error::DatabaseFull
            | Error::NotSigned => Self::Unavailable,
        }
    }
}
