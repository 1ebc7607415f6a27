//! 154: begin a face challenge.

use crate::username::Username;
use serde::{Deserialize, Serialize};

/// Begins a face challenge for a command about this account. The server draws two or three steps, which
/// the person does before the camera within 30 seconds.
///
/// The answer does not depend on whether the account exists.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct BeginFaceChallenge {
    /// The account that the answer will be for.
    pub username: Username,
}

impl BeginFaceChallenge {
    /// A challenge for this account.
    #[must_use]
    pub const fn new(username: Username) -> Self {
        Self { username }
    }
}
