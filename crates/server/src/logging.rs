//! The text log: on standard error, as text or JSON.

use crate::config::{LogConfig, LogFormat};
use tracing_subscriber::{EnvFilter, filter::ParseError};

/// Lines of libraries that would show what passes through them: rustls and sqlx at `trace` print
/// bytes and statements. They stay at `warn` whatever the filter says.
const QUIET: [&str; 5] =
    ["rustls=warn", "tokio_rustls=warn", "sqlx=warn", "h2=warn", "tract_core=warn"];

/// Starts logging for the life of the process.
///
/// # Errors
///
/// If the filter is not one.
pub fn start(config: &LogConfig) -> Result<(), ParseError> {
    let mut filter = EnvFilter::try_new(&config.filter)?;
    for directive in QUIET {
        filter = filter.add_directive(directive.parse()?);
    }
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().init(),
    }
    Ok(())
}
