//! The metrics that need the database or the checks.

use crate::monitor::Known;
use fourauth_daemon::tls::{Certificate, Validity};
use fourauth_metrics::{Exposition, Kind, Label};
use fourauth_protocol::time::UnixMillis;
use fourauth_store::Census;
use std::time::Duration;

/// Writes the last results. Before the first count the metrics have no sample.
pub(super) fn write(
    known: &Known,
    certificate: &Certificate,
    now: UnixMillis,
    exposition: &mut Exposition,
) {
    let mut family = exposition.family(
        "fourauth_check_state",
        Kind::Gauge,
        "Health checks: 0 is ok, 1 a warning, 2 a failure.",
    );
    for check in known.health.iter().flat_map(|health| health.checks()) {
        family.sample(&[("check", check.subject.as_str())], check.condition.severity());
    }
    let until = Validity::of(&certificate.leaf()).ok().map(|validity| validity.until);
    let expiry = until.map(|until| until.seconds().max(0).unsigned_abs());
    let mut gauge = Gauges { exposition };
    gauge.one(
        "fourauth_certificate_expiry_timestamp_seconds",
        "When the certificate expires, in Unix time.",
        expiry,
    );
    gauge.one(
        "fourauth_outdated_faces",
        "Accounts with a face of another model pack than the one in use; counted each hour until 0.",
        known.faces.map(|count| count.outdated),
    );
    let census = known.census.as_ref();
    gauge.one(
        "fourauth_count_age_seconds",
        "Age of the numbers that are counted in the database: sessions, notices, sizes, checkpoints.",
        census.map(|(_, at)| at.elapsed()),
    );
    write_census(census.map(|(census, _)| census), now, &mut gauge);
}

/// Adds gauges. The value of each may not be known.
struct Gauges<'a> {
    exposition: &'a mut Exposition,
}

impl Gauges<'_> {
    fn one(
        &mut self,
        name: &'static str,
        help: &'static str,
        value: Option<impl Into<fourauth_metrics::Value>>,
    ) {
        let samples = value.map(|value| (&[][..], value)).into_iter();
        self.some(name, help, samples);
    }

    fn some<'l, V: Into<fourauth_metrics::Value>>(
        &mut self,
        name: &'static str,
        help: &'static str,
        samples: impl IntoIterator<Item = (&'l [Label], V)>,
    ) {
        let mut family = self.exposition.family(name, Kind::Gauge, help);
        for (labels, value) in samples {
            family.sample(labels, value);
        }
    }
}

fn write_census(census: Option<&Census>, now: UnixMillis, gauge: &mut Gauges<'_>) {
    gauge.one(
        "fourauth_open_sessions",
        "Sessions that have not ended, at most 100000.",
        census.map(|census| census.sessions),
    );
    write_outbox(census, now, gauge);
    gauge.one(
        "fourauth_database_size_bytes",
        "Size of the data, as store.max_mib limits it.",
        census.map(|census| census.bytes),
    );
    gauge.one(
        "fourauth_audit_rows",
        "Rows in the tree of the audit log.",
        census.map(|census| census.audit_rows),
    );
    let checkpoint = census.and_then(|census| census.checkpoint);
    gauge.one(
        "fourauth_checkpoint_rows",
        "Rows of the audit log that the newest checkpoint covers.",
        checkpoint.map(|(rows, _)| rows),
    );
    gauge.one(
        "fourauth_checkpoint_age_seconds",
        "Age of the newest checkpoint. None is signed while the audit log does not grow.",
        checkpoint.map(|(_, at)| age(at, now)),
    );
}

fn write_outbox(census: Option<&Census>, now: UnixMillis, gauge: &mut Gauges<'_>) {
    let outbox = census.map(|census| census.outbox);
    let states = outbox.map(|outbox| {
        [
            (&[("state", "waiting")][..], outbox.waiting),
            (&[("state", "dead")][..], outbox.dead),
            (&[("state", "without_address")][..], outbox.without_address),
            (&[("state", "sent")][..], outbox.sent),
        ]
    });
    gauge.some(
        "fourauth_outbox_notices",
        "Notices in the outbox by the state of their delivery. They are deleted after 30 days.",
        states.into_iter().flatten(),
    );
    let oldest = |at: UnixMillis| age(at, now);
    gauge.one(
        "fourauth_outbox_oldest_waiting_seconds",
        "Age of the notice that has waited longest; 0 if none waits.",
        outbox.map(|outbox| outbox.oldest_waiting.map_or(Duration::ZERO, oldest)),
    );
}

/// Zero for a time that is ahead, as after a restored backup.
fn age(at: UnixMillis, now: UnixMillis) -> Duration {
    Duration::from_millis(u64::try_from(now.millis_since(at)).unwrap_or_default())
}
