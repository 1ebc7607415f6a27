//! Clocks, medians and lines.

use rustix::time::{ClockId, clock_gettime};

/// The cost of one exchange.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// Processor time of the server's process, in microseconds.
    cpu_us: f64,
    /// Exchanges of all clients in a second.
    per_second: f64,
    /// The part of its core that the server's process used.
    busy: f64,
}

impl Sample {
    /// The cost of one of `count` exchanges that took this time together.
    pub(crate) fn new(cpu_us: f64, wall_us: f64, count: usize) -> Self {
        let count = f64::from(u32::try_from(count).expect("a sample is short"));
        Self { cpu_us: cpu_us / count, per_second: count * 1e6 / wall_us, busy: cpu_us / wall_us }
    }
}

/// The median cost of one kind of exchange.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) what: &'static str,
    pub(crate) sample: Sample,
}

impl Cost {
    pub(crate) fn print(self) -> Self {
        let Sample { cpu_us, per_second, busy } = self.sample;
        let busy = busy * 100.0;
        println!(
            "  {:32} {cpu_us:8.2} µs  {per_second:8.0} per second  core {busy:3.0} % busy",
            self.what
        );
        self
    }
}

/// How one cost compares with another.
pub(crate) struct Ratio {
    what: &'static str,
    of: &'static str,
    value: f64,
}

impl Ratio {
    /// The cost of `base` divided by that of `other`, in processor time of the server.
    pub(crate) fn of_cost(base: &Cost, other: &Cost) -> Self {
        let ratio = base.sample.cpu_us / other.sample.cpu_us;
        Self { what: other.what, of: "processor time", value: ratio }
    }

    /// The throughput of `other` divided by that of `base`.
    pub(crate) fn of_throughput(base: &Cost, other: &Cost) -> Self {
        let ratio = other.sample.per_second / base.sample.per_second;
        Self { what: other.what, of: "throughput", value: ratio }
    }

    /// Prints the ratio without a limit.
    pub(crate) fn state(&self) {
        println!("  {}: ratio {:.3} in {}", self.what, self.value, self.of);
    }

    /// Prints the ratio, and if it is within its lower bound.
    pub(crate) fn print(&self, limit: f64) {
        let verdict = if self.value >= limit { "within" } else { "BEYOND" };
        println!(
            "  {}: ratio {:.3} in {}, {verdict} the limit of {limit:.2}",
            self.what, self.value, self.of
        );
    }
}

/// The sample with the median processor time.
pub(crate) fn median(samples: &[Sample]) -> Sample {
    let mut samples = samples.to_vec();
    samples.sort_by(|one, other| one.cpu_us.total_cmp(&other.cpu_us));
    samples[samples.len() / 2]
}

/// Processor time of this process, all threads, in microseconds.
pub(crate) fn cpu_us() -> f64 {
    read(ClockId::ProcessCPUTime)
}

/// Time since an arbitrary instant, in microseconds.
pub(crate) fn elapsed_us() -> f64 {
    read(ClockId::Monotonic)
}

fn read(clock: ClockId) -> f64 {
    let now = clock_gettime(clock);
    #[expect(clippy::cast_precision_loss, reason = "a machine runs for years at most")]
    let (seconds, nanos) = (now.tv_sec as f64, now.tv_nsec as f64);
    seconds * 1e6 + nanos / 1e3
}
