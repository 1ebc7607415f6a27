//! Which spans go to a collector: those on this list, with the fields on this list.
//!
//! A collector keeps what it gets for a long time and shows it to many people. So a span with one
//! field that is not on the list is not sent at all, and neither are log lines. These spans are for
//! collectors only and change no log line.

use tracing::Metadata;

/// The spans, by the crate that makes them.
const SPANS: [(&str, &str); 5] = [
    ("fourauth_gateway", "http"),
    ("fourauth_server", "command"),
    ("fourauth_auth", "hash"),
    ("fourauth_auth", "face"),
    ("fourauth_auth", "write"),
];

/// The field with the kind of a command that was decided.
pub(crate) const ACTION: &str = "fourauth.action";

/// The fields. Their values are words of the source code, numbers of commands, ids of requests, and
/// names of gateways.
const FIELDS: [&str; 12] = [
    ACTION,
    "fourauth.command",
    "fourauth.door",
    "fourauth.outcome",
    "fourauth.request_id",
    "fourauth.via",
    "http.request.method",
    "http.response.status_code",
    "http.route",
    // These three set the kind, the name and the status of a span.
    "otel.kind",
    "otel.name",
    "otel.status_code",
];

/// True for a span that may be sent.
pub(crate) fn is_traced(metadata: &Metadata<'_>) -> bool {
    let place = metadata.target().split("::").next().unwrap_or_default();
    metadata.is_span()
        && SPANS.contains(&(place, metadata.name()))
        && metadata.fields().iter().all(|field| FIELDS.contains(&field.name()))
}
