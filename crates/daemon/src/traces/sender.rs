//! The background task: takes spans from the queue and posts them in batches.
//!
//! A batch that the collector does not take is lost; it is not sent again. The client follows no
//! redirect and uses no proxy from the environment.

use super::losses::{BETWEEN_REPORTS, Losses, Report, Reporter};
use crate::settings::Collector;
use opentelemetry_proto::{
    tonic::collector::trace::v1::ExportTraceServiceRequest,
    transform::{
        common::tonic::ResourceAttributesWithSchema,
        trace::tonic::group_spans_by_resource_and_scope,
    },
};
use opentelemetry_sdk::{Resource, trace::SpanData};
use prost::Message as _;
use reqwest::{Client, Url, header::CONTENT_TYPE, redirect::Policy};
use std::{error::Error as _, future::pending, mem, time::Duration};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout, timeout_at},
};

/// Most spans in one request.
const BATCH: usize = 512;

/// Time that the first span of a batch waits for others.
const GATHERING: Duration = Duration::from_secs(1);

/// Longest wait for the collector. Then the batch is lost, and the next one is sent.
const ANSWER: Duration = Duration::from_secs(5);

/// The state of the task.
#[derive(Debug)]
pub(super) struct Sender {
    client: Client,
    url: Url,
    resource: ResourceAttributesWithSchema,
    spans: mpsc::Receiver<SpanData>,
    reporter: Reporter,
}

impl Sender {
    pub(super) fn new(
        collector: &Collector,
        resource: &Resource,
        spans: mpsc::Receiver<SpanData>,
        losses: Losses,
    ) -> Result<Self, String> {
        let url = collector.place().clone();
        let client = Client::builder().redirect(Policy::none()).no_proxy().timeout(ANSWER);
        // A plain connection to this machine needs no authorities, so none are loaded.
        let is_plain = url.scheme() == "http";
        let client = if is_plain { client.tls_certs_only([]) } else { client.https_only(true) };
        let client = client.build().map_err(reason)?;
        let (resource, reporter) = (resource.into(), Reporter::new(losses));
        Ok(Self { client, url, resource, spans, reporter })
    }

    /// Sends spans until `end` is dropped, and then those that are left.
    pub(super) async fn run(mut self, mut end: oneshot::Receiver<()>) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                biased;
                _ = &mut end => break,
                () = self.gather(&mut batch) => {}
            }
            self.send(&mut batch).await;
            log(self.reporter.report(Instant::now()));
        }
        self.spans.close();
        loop {
            let room = BATCH.saturating_sub(batch.len());
            self.spans.recv_many(&mut batch, room).await;
            if batch.is_empty() {
                break;
            }
            self.send(&mut batch).await;
        }
        log(self.reporter.last_report());
    }

    /// Waits for a span, and a second for others. Gives up after a while, so that losses are
    /// reported. May be cancelled.
    async fn gather(&mut self, batch: &mut Vec<SpanData>) {
        match timeout(BETWEEN_REPORTS, self.spans.recv()).await {
            Ok(Some(span)) => batch.push(span),
            // No span can come: the end is near.
            Ok(None) => pending().await,
            Err(_) => return,
        }
        let until = Instant::now() + GATHERING;
        while let Some(room) = BATCH.checked_sub(batch.len()).filter(|room| *room > 0) {
            match timeout_at(until, self.spans.recv_many(batch, room)).await {
                Ok(received) if received > 0 => {}
                Ok(_) | Err(_) => return,
            }
        }
    }

    async fn send(&mut self, batch: &mut Vec<SpanData>) {
        let spans = batch.len() as u64;
        if spans == 0 {
            return;
        }
        let batch = mem::replace(batch, Vec::with_capacity(BATCH));
        let resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        let body = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
        if let Err(reason) = self.post(body).await {
            self.reporter.not_taken(spans, reason);
        }
    }

    /// Reads only the status of the answer.
    async fn post(&self, body: Vec<u8>) -> Result<(), String> {
        let request = self.client.post(self.url.clone()).body(body);
        let request = request.header(CONTENT_TYPE, "application/x-protobuf");
        let status = request.send().await.map_err(reason)?.status();
        if status.is_success() { Ok(()) } else { Err(format!("the collector answers {status}")) }
    }
}

fn log(report: Option<Report>) {
    if let Some(Report { spans, reason }) = report {
        tracing::warn!(spans, reason, "spans were lost on the way to the collector");
    }
}

/// The error and its causes, without the URL, which may contain a secret.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut reason = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        reason = format!("{reason}: {error}");
        cause = error.source();
    }
    reason
}
