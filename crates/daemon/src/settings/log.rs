//! `[log]`

use super::Collector;
use serde::{Deserialize, Serialize};

/// The text log, on standard error, and traces. The audit log is in the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// Format of the lines.
    pub format: LogFormat,
    /// Which lines are written, in the syntax of `tracing_subscriber::EnvFilter`.
    pub filter: String,
    /// The collector that gets spans. `None` sends none.
    pub otlp_endpoint: Option<Collector>,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info".into(), otlp_endpoint: None }
    }
}

/// Format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line, for machines.
    Json,
}
