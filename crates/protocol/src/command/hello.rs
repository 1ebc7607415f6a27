//! 190: get the server's version, limits and requirements.

use serde::{Deserialize, Serialize};

/// Gets the server's version, limits and requirements. It needs no authentication and reveals
/// nothing about accounts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Hello {}
