//! How busy the pool is, for operators.

use super::{Compute, Overload};
use fourauth_metrics::{Bounds, Counter, Exposition, Histogram, Kind};
use std::time::Duration;

/// The buckets of waits: a free thread takes a job at once, and `compute.deadline_ms` is 5 s.
const WAITS: Bounds = &[
    Duration::from_millis(1),
    Duration::from_millis(10),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
];

/// Counts about all jobs since the start.
#[derive(Debug)]
pub(super) struct Load {
    /// From the queue to a thread.
    pub(super) waits: Histogram,
    full: Counter,
    late: Counter,
    panicked: Counter,
}

impl Default for Load {
    fn default() -> Self {
        let waits = Histogram::new(WAITS);
        let (full, late, panicked) = Default::default();
        Self { waits, full, late, panicked }
    }
}

impl Load {
    /// Counts a job without a result.
    pub(super) fn lose(&self, why: Overload) {
        let counter = match why {
            Overload::QueueFull => &self.full,
            Overload::Late => &self.late,
            Overload::Panicked => &self.panicked,
        };
        counter.increment();
    }
}

impl Compute {
    /// Writes the length of the queue, the running jobs, the waits and the jobs without a result.
    pub fn write_metrics(&self, exposition: &mut Exposition) {
        let (waiting, running) = self.jobs.lock().jobs();
        let load = &self.jobs.load;
        exposition.single(
            "fourauth_compute_threads",
            Kind::Gauge,
            "Threads that hash passwords and examine pictures.",
            self.threads.current_num_threads(),
        );
        exposition.single(
            "fourauth_compute_queue_jobs",
            Kind::Gauge,
            "Jobs that wait for such a thread.",
            waiting,
        );
        exposition.single(
            "fourauth_compute_running_jobs",
            Kind::Gauge,
            "Jobs that such a thread runs.",
            running,
        );
        exposition
            .family(
                "fourauth_compute_wait_seconds",
                Kind::Histogram,
                "Time that jobs waited for a thread.",
            )
            .histogram(&[], &load.waits);
        exposition
            .family(
                "fourauth_compute_lost_jobs_total",
                Kind::Counter,
                "Jobs without a result, by reason.",
            )
            .sample(&[("reason", "queue_full")], &load.full)
            .sample(&[("reason", "late")], &load.late)
            .sample(&[("reason", "panicked")], &load.panicked);
    }
}
