//! The text log on standard error, as text or JSON.

use crate::settings::{LogConfig, LogFormat};
use std::io::{IsTerminal as _, stderr};
use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::{ParseError, filter_fn},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

/// Libraries that log the data they handle. They log only warnings and errors, regardless of the
/// configured filter.
const RESTRICTED: [&str; 4] = ["rustls", "tokio_rustls", "sqlx", "tract"];

/// Starts logging for the life of the process.
///
/// # Errors
///
/// Fails if `log.filter` is not a valid filter.
pub fn start(config: &LogConfig) -> Result<(), ParseError> {
    let filter = EnvFilter::try_new(&config.filter)?;
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal() && config.format == LogFormat::Text);
    let lines = match config.format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    let restricted = filter_fn(may_be_shown);
    tracing_subscriber::registry().with(lines.with_filter(filter)).with(restricted).init();
    Ok(())
}

fn may_be_shown(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::WARN
        || !RESTRICTED.iter().any(|library| metadata.target().starts_with(library))
}
