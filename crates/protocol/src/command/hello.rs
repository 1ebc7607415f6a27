//! 190 and 192: get what the server tells everyone.

use serde::{Deserialize, Serialize};

/// Gets the server's version, limits and requirements. It needs no authentication and reveals
/// nothing about accounts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Hello {}

/// Gets the public keys that verify the tokens of sessions.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct GetKeys {}
