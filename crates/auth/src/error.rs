//! Why a command could not be decided. A denial is not an error: it is a decision.

use crate::compute::Overload;
use fourauth_protocol::code::Code;
use fourauth_store as store;

/// Everything that can keep the server from deciding.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed or timed out.
    #[error("the store failed")]
    Store(#[from] store::Error),
    /// There was no time or no room to compute.
    #[error("no verdict was computed")]
    Overload(#[from] Overload),
    /// The networks gave no usable answer, which is not the picture's fault.
    #[error("a picture could not be examined")]
    Unexamined,
    /// The database is as large as it may be, and what was asked can wait.
    #[error("the database has reached its limit")]
    NoRoom,
}

/// The only place where an error becomes something a peer can see.
impl From<&Error> for Code {
    fn from(error: &Error) -> Self {
        match error {
            Error::Store(_) | Error::Overload(_) | Error::Unexamined | Error::NoRoom => {
                Self::Unavailable
            }
        }
    }
}
