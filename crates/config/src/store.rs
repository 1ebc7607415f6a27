//! `[store]`

use super::StoreUrl;
use serde::{Deserialize, Serialize};

/// The database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// `sqlite:PATH` or `postgres://…`. Default: `sqlite:<data_dir>/fourauth.db`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<StoreUrl>,
    /// Largest size of the database, in MiB; 0 means no limit. Above it, commands that can wait are
    /// refused, and no row is deleted. Disks differ too much for another default.
    pub max_mib: u32,
}
