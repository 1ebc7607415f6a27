//! The text log on standard error, as text or JSON, and traces to a collector.

use crate::{
    settings::{LogConfig, LogFormat},
    spans,
    traces::Traces,
};
use std::io::{IsTerminal as _, stderr};
use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::{FilterExt as _, ParseError, filter_fn},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

/// Libraries that log the data they handle. They log only warnings and errors, regardless of the
/// configured filter.
const RESTRICTED: [&str; 4] = ["rustls", "tokio_rustls", "sqlx", "tract"];

/// The log, which has started.
#[must_use = "the last spans are sent at its end"]
#[derive(Debug)]
pub struct Logging {
    traces: Option<Traces>,
}

/// Why logging cannot start.
#[derive(Debug, thiserror::Error)]
pub enum NotStarted {
    /// `log.filter` is not a valid filter.
    #[error(transparent)]
    Filter(#[from] ParseError),
    /// There is no TLS for the collector.
    #[error("log.otlp_endpoint: cannot use TLS ({0})")]
    Traces(String),
}

/// Starts logging for the life of the process. `service` is its name in traces.
///
/// # Errors
///
/// [`NotStarted`] if a setting cannot work.
///
/// # Panics
///
/// Outside a tokio runtime, if there is a collector.
pub fn start(config: &LogConfig, service: &'static str) -> Result<Logging, NotStarted> {
    let filter = EnvFilter::try_new(&config.filter)?;
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal() && config.format == LogFormat::Text);
    let lines = match config.format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    let collector = config.otlp_endpoint.as_ref();
    let traces = collector.map(|collector| Traces::start(collector, service)).transpose();
    let traces = traces.map_err(NotStarted::Traces)?;
    let in_lines = filter.and(filter_fn(|metadata| !spans::is_traced(metadata)));
    // Without a collector these spans are not even made. They are a part of the cost of a quick command.
    let has_collector = traces.is_some();
    let is_wanted = move |metadata: &Metadata<'_>| {
        may_be_shown(metadata) && (has_collector || !spans::is_traced(metadata))
    };
    tracing_subscriber::registry()
        .with(lines.with_filter(in_lines))
        .with(traces.as_ref().map(Traces::layer))
        .with(filter_fn(is_wanted))
        .init();
    Ok(Logging { traces })
}

impl Logging {
    /// Sends the last spans. Waits at most two seconds for the collector. The log goes on.
    pub async fn finish(self) {
        if let Some(traces) = self.traces {
            traces.finish().await;
        }
    }
}

fn may_be_shown(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::WARN
        || !RESTRICTED.iter().any(|library| metadata.target().starts_with(library))
}
