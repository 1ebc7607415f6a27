//! `[time]`

use serde::{Deserialize, Serialize};

/// Trusted time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TimeConfig {
    /// NTP servers, queried in the background. More than half must agree, so four servers tolerate
    /// a wrong one. With an empty list, the system clock is trusted.
    pub servers: Vec<String>,
}

impl Default for TimeConfig {
    fn default() -> Self {
        // The pool is documented for 4Auth.
        Self { servers: (0..4).map(|index| format!("{index}.pool.ntp.org")).collect() }
    }
}
