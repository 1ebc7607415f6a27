//! All metrics of a server, as Prometheus reads them.
//!
//! Commands are counted by `fourauth-auth`, where their rows are written. This module adds what the
//! server itself knows. docs/OPERATIONS.md has the table of names, and a test compares the two.

mod census;
mod time;

use crate::{limits::sources::Sources, monitor::Monitor, vitals::Vitals};
use fourauth_metrics::{Exposition, Kind};
use std::time::Duration;

impl Vitals {
    /// Every metric, in the Prometheus text format 0.0.4. The numbers that need the database are at
    /// most as old as the reading before this one, or 15 s.
    #[must_use]
    pub fn metrics(&self) -> String {
        let mut exposition = Exposition::default();
        let Self { context, sources, timekeeper, monitor } = self;
        let reading = context.clock.read();
        write_build(&mut exposition);
        context.authenticator.metrics().write(&mut exposition);
        context.authenticator.compute().write_metrics(&mut exposition);
        write_connections(sources, &mut exposition);
        time::write(reading, timekeeper.as_deref(), &mut exposition);
        write_sinks(monitor, &mut exposition);
        census::write(&monitor.latest(), monitor.certificate(), reading.now, &mut exposition);
        exposition.into_text()
    }
}

fn write_build(exposition: &mut Exposition) {
    let help = "The version of this server. The value is always 1.";
    let version = ("version", env!("CARGO_PKG_VERSION"));
    exposition.family("fourauth_build_info", Kind::Gauge, help).sample(&[version], 1_u64);
}

fn write_connections(sources: &Sources, exposition: &mut Exposition) {
    let counts = sources.counts();
    exposition.single(
        "fourauth_open_connections",
        Kind::Gauge,
        "Open connections, also those that are being closed.",
        counts.open,
    );
    exposition.single(
        "fourauth_silent_connections",
        Kind::Gauge,
        "Open connections that have sent no command yet.",
        counts.startups,
    );
    exposition
        .family(
            "fourauth_dropped_connections_total",
            Kind::Counter,
            "Connections that were evicted to make room, or refused because there was none.",
        )
        .sample(&[("reason", "evicted")], counts.dropped.evicted)
        .sample(&[("reason", "refused")], counts.dropped.refused);
}

fn write_sinks(monitor: &Monitor, exposition: &mut Exposition) {
    let behind = monitor.sinks().behind();
    let longest = behind.iter().map(|sink| sink.since).max().unwrap_or(Duration::ZERO);
    exposition.single(
        "fourauth_checkpoint_sinks",
        Kind::Gauge,
        "Configured sinks for checkpoints of the audit log.",
        monitor.sinks().sinks(),
    );
    exposition.single(
        "fourauth_checkpoint_sinks_behind",
        Kind::Gauge,
        "Sinks that lack the newest checkpoint.",
        behind.len(),
    );
    exposition.single(
        "fourauth_checkpoint_sink_lag_seconds",
        Kind::Gauge,
        "How long the sink that is furthest behind has lacked a checkpoint; 0 if none is behind.",
        longest,
    );
    exposition.single(
        "fourauth_courier_senders",
        Kind::Gauge,
        "Configured ways to send notices: mail and text messages. Without one, notices wait.",
        monitor.senders(),
    );
}
