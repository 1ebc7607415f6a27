//! A stand-in for a collector of OpenTelemetry, on loopback.

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use fourauth_daemon::settings;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, common::v1::any_value::Value,
    resource::v1::Resource, trace::v1::Span,
};
use prost::Message as _;
use std::{collections::BTreeMap, future::pending, net::SocketAddr, time::Duration};
use tokio::{
    net::TcpListener,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::timeout,
};

/// How long a test waits for spans.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long a server may send nothing before a test believes that it has sent everything.
const PAUSE: Duration = Duration::from_secs(5);

/// A collector that keeps what it gets.
pub(crate) struct Collector {
    address: SocketAddr,
    received: UnboundedReceiver<Vec<u8>>,
    /// Everything that it has got.
    pub(crate) bytes: Vec<u8>,
    pub(crate) spans: Vec<Received>,
}

/// A span as a collector sees it.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) service: String,
    pub(crate) span: Span,
    pub(crate) fields: BTreeMap<String, String>,
}

impl Collector {
    /// A collector that takes spans.
    pub(crate) async fn start() -> Self {
        async fn take(
            State(bodies): State<UnboundedSender<Vec<u8>>>,
            headers: HeaderMap,
            body: Bytes,
        ) {
            assert_eq!(headers["content-type"], "application/x-protobuf");
            let _test_has_ended = bodies.send(body.into());
        }
        let (bodies, received) = unbounded_channel();
        Self::serve(Router::new().route("/v1/traces", post(take)).with_state(bodies), received)
            .await
    }

    /// A collector that reads spans and never answers.
    pub(crate) async fn hanging() -> Self {
        async fn take(State(bodies): State<UnboundedSender<Vec<u8>>>, body: Bytes) {
            let _test_has_ended = bodies.send(body.into());
            pending::<()>().await;
        }
        let (bodies, received) = unbounded_channel();
        Self::serve(Router::new().route("/v1/traces", post(take)).with_state(bodies), received)
            .await
    }

    async fn serve(routes: Router, received: UnboundedReceiver<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, routes).into_future());
        Self { address, received, bytes: Vec::new(), spans: Vec::new() }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1/traces", self.address)
    }

    pub(crate) fn endpoint(&self) -> settings::Collector {
        self.url().parse().unwrap()
    }

    /// Waits for one request.
    pub(crate) async fn receive(&mut self) {
        let body = timeout(PATIENCE, self.received.recv()).await.expect("spans").unwrap();
        self.note(&body);
    }

    /// Takes the requests that have arrived.
    pub(crate) fn drain(&mut self) {
        while let Ok(body) = self.received.try_recv() {
            self.note(&body);
        }
    }

    /// Takes what arrives until nothing more comes.
    pub(crate) async fn gather(&mut self) {
        while let Ok(Some(body)) = timeout(PAUSE, self.received.recv()).await {
            self.note(&body);
        }
    }

    /// True if the span of a login with this outcome is there.
    pub(crate) fn has_login(&self, outcome: &str) -> bool {
        self.named("login").iter().any(|it| it.fields["fourauth.outcome"] == outcome)
    }

    /// Waits until a span is there.
    pub(crate) async fn until(&mut self, is_it: impl Fn(&Received) -> bool) {
        while !self.spans.iter().any(&is_it) {
            self.receive().await;
        }
    }

    fn note(&mut self, body: &[u8]) {
        let request = ExportTraceServiceRequest::decode(body).expect("an OTLP request");
        for of_service in request.resource_spans {
            let service = service(&of_service.resource.unwrap());
            let spans = of_service.scope_spans.into_iter().flat_map(|scope| scope.spans);
            self.spans.extend(spans.map(|span| Received::new(service.clone(), span)));
        }
        self.bytes.extend_from_slice(body);
    }

    /// The spans with this name.
    pub(crate) fn named(&self, name: &str) -> Vec<&Received> {
        self.spans.iter().filter(|it| it.span.name == name).collect()
    }
}

fn service(resource: &Resource) -> String {
    let name = resource.attributes.iter().find(|it| it.key == "service.name").unwrap();
    text(name.value.as_ref().unwrap().value.as_ref().unwrap())
}

impl Received {
    fn new(service: String, span: Span) -> Self {
        let field = |(key, value): (String, Option<Value>)| (key, text(&value.unwrap()));
        let pairs = span.attributes.iter().map(|it| (it.key.clone(), it.value.clone()));
        let fields = pairs.map(|(key, value)| field((key, value.unwrap().value))).collect();
        Self { service, span, fields }
    }

    /// The spans of `all` that are part of this one.
    pub(crate) fn steps<'a>(&self, all: &'a [Self]) -> Vec<&'a str> {
        let is_step = |it: &&Self| it.span.parent_span_id == self.span.span_id;
        let mut names: Vec<_> = all.iter().filter(is_step).map(|it| &*it.span.name).collect();
        names.sort_unstable();
        names
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => panic!("a field is {other:?}"),
    }
}
