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
    /// How large the database may become, in MiB; 0 sets no limit. Beyond it commands that can wait
    /// are refused, and no row is dropped. Disks differ too much for another default.
    pub max_mib: u32,
}
