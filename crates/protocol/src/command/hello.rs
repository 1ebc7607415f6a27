//! 190: what does this server speak and want?

use serde::{Deserialize, Serialize};

/// Asks for versions, limits and requirements. Needs no proof and tells nothing about accounts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Hello {}
