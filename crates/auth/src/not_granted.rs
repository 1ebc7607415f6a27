//! The two reasons why a step of a command does not grant it.
//!
//! Steps between the first check and the verdict return `Result<T, NotGranted>`, so that one `?`
//! stops at a denial and at an error. [`decided`] separates the two before the attempt is concluded.

use crate::{compute::Overload, decision::Denial, error::Error, limits::Limited};
use fourauth_store as store;

/// The reason why a step does not grant the command.
#[derive(Debug)]
pub(crate) enum NotGranted {
    /// The command is denied, which is a decision.
    Denied(Denial),
    /// The command could not be decided.
    Undecided(Error),
}

/// Separates a denial, which is a decision, from an error.
///
/// # Errors
///
/// [`Error`] if the command could not be decided.
pub(crate) fn decided<T>(step: Result<T, NotGranted>) -> Result<Result<T, Denial>, Error> {
    match step {
        Ok(value) => Ok(Ok(value)),
        Err(NotGranted::Denied(denial)) => Ok(Err(denial)),
        Err(NotGranted::Undecided(error)) => Err(error),
    }
}

impl From<Denial> for NotGranted {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

impl From<Limited> for NotGranted {
    fn from(limited: Limited) -> Self {
        Self::Denied(Denial::Limited(limited))
    }
}

impl From<Error> for NotGranted {
    fn from(error: Error) -> Self {
        Self::Undecided(error)
    }
}

impl From<store::Error> for NotGranted {
    fn from(error: store::Error) -> Self {
        Self::Undecided(error.into())
    }
}

impl From<Overload> for NotGranted {
    fn from(error: Overload) -> Self {
        Self::Undecided(error.into())
    }
}
