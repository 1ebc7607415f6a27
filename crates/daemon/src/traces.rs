//! Sends the spans of `spans.rs` to a collector, by OTLP over HTTP, in a background task.
//!
//! A span that ends is put into a queue. If the queue is full, the span is lost: no command ever
//! waits for a collector, and none fails because of one.

mod losses;
mod sender;

use crate::{
    settings::Collector,
    spans::{self, ACTION},
};
use losses::Losses;
use opentelemetry::{Context, KeyValue, trace::TracerProvider as _};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{Sampler, SdkTracer, SdkTracerProvider, Span, SpanData, SpanLimits, SpanProcessor},
};
use sender::Sender;
use std::time::Duration;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{Layer, filter::filter_fn, registry::LookupSpan};

/// Spans that may wait: those of some five hundred logins, in about a mebibyte.
const QUEUE: usize = 2048;

/// Longest wait for the collector when the program ends.
const LAST_SPANS: Duration = Duration::from_secs(2);

/// Sends spans to a collector. If it is dropped, the task sends what it has and ends.
#[derive(Debug)]
pub struct Traces {
    tracer: SdkTracer,
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Traces {
    /// Starts the task. `service` is the name of the program in every trace.
    ///
    /// # Errors
    ///
    /// The reason why this machine offers no TLS, if the collector needs it.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn start(collector: &Collector, service: &'static str) -> Result<Self, String> {
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        // The empty builder reads no variable of the environment.
        let resource =
            Resource::builder_empty().with_service_name(service).with_attribute(version).build();
        let losses = Losses::default();
        let (queue, spans) = mpsc::channel(QUEUE);
        let sender = Sender::new(collector, &resource, spans, losses.clone())?;
        let tracer = SdkTracerProvider::builder()
            // The builder has read variables for these three, which must have no effect.
            .with_resource(resource)
            .with_sampler(Sampler::AlwaysOn)
            .with_span_limits(SpanLimits::default())
            .with_span_processor(Queue { spans: queue, losses })
            .build()
            .tracer("fourauth");
        let (end, ended) = oneshot::channel();
        let task = tokio::spawn(sender.run(ended));
        Ok(Self { tracer, end, task })
    }

    /// Takes the spans. It takes no log line, and adds no field.
    #[must_use]
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.tracer.clone())
            .with_location(false)
            .with_threads(false)
            .with_level(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false)
            .with_filter(filter_fn(spans::is_traced).with_max_level_hint(LevelFilter::INFO))
    }

    /// Sends the spans in the queue, and ends the task. Waits at most two seconds.
    pub async fn finish(self) {
        let Self { end, mut task, .. } = self;
        drop(end);
        if timeout(LAST_SPANS, &mut task).await.is_err() {
            tracing::warn!("the collector did not take the last spans in time");
            task.abort();
            let _aborted = task.await;
        }
    }
}

/// The span of a command with the name of its action, which is known only when it is decided. By
/// then `tracing` cannot change the name any more.
fn named_after_its_action(span: SpanData) -> SpanData {
    let action = span.attributes.iter().find(|field| field.key.as_str() == ACTION);
    match action.map(|field| field.value.to_string()) {
        Some(action) => SpanData { name: action.into(), ..span },
        None => span,
    }
}

/// The end of the queue at which commands put their spans.
#[derive(Debug)]
struct Queue {
    spans: mpsc::Sender<SpanData>,
    losses: Losses,
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        let span = named_after_its_action(span);
        if self.spans.try_send(span).is_err() {
            self.losses.count(1);
        }
    }

    /// [`Traces::finish`] does this.
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    /// [`Traces::finish`] does this.
    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
