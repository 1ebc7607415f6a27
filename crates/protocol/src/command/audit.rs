//! 240: read the audit log, as an administrator.

use crate::secret::{self, Secret};
use serde::{Deserialize, Serialize};

/// Reads rows, newest first. A row must match every filter that is given.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ReadAudit {
    /// An administrator's secret.
    #[serde(serialize_with = "secret::on_the_wire")]
    pub admin_secret: Secret<String>,
    /// Rows with this username, which need not be an account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Rows of this action: `login`, `register`, `recover_totp` and so on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Successes only, or failures only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<bool>,
    /// The one row with this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = i64::MIN, max = i64::MAX)))]
    pub id: Option<i64>,
    /// Rows older than the one with this number: the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = i64::MIN, max = i64::MAX)))]
    pub before_id: Option<i64>,
    /// Maximum number of rows; 50 if absent, never more than 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(max = u32::MAX)))]
    pub limit: Option<u32>,
}

impl ReadAudit {
    /// The newest rows, unfiltered.
    #[must_use]
    pub const fn newest(admin_secret: Secret<String>) -> Self {
        Self {
            admin_secret,
            username: None,
            action: None,
            success: None,
            id: None,
            before_id: None,
            limit: None,
        }
    }
}
