//! The Prometheus text format, version 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use crate::{counter::Counter, histogram::Histogram};
use std::{
    fmt::{self, Write as _},
    time::Duration,
};

/// A label: its name and its value. Both are `'static`, so that no text of a peer can be a value.
pub type Label = (&'static str, &'static str);

/// The kind of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Durations in buckets.
    Histogram,
}

/// The value of a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// A whole number.
    Count(u64),
    /// Any number.
    Number(f64),
}

/// The text of all metrics.
#[derive(Debug, Default)]
pub struct Exposition(String);

/// The samples of one metric.
#[derive(Debug)]
pub struct Family<'a> {
    name: &'static str,
    text: &'a mut String,
}

impl Exposition {
    /// The media type of the text, for the header `Content-Type`.
    pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

    /// Begins a metric. All its samples must be added before the next metric begins, which the borrow
    /// ensures. `help` is one line.
    pub fn family(&mut self, name: &'static str, kind: Kind, help: &'static str) -> Family<'_> {
        let text = &mut self.0;
        let help = help.replace('\\', r"\\").replace('\n', r"\n");
        write(text, format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
        Family { name, text }
    }

    /// A metric with one sample and without labels.
    pub fn single(
        &mut self,
        name: &'static str,
        kind: Kind,
        help: &'static str,
        value: impl Into<Value>,
    ) {
        self.family(name, kind, help).sample(&[], value);
    }

    /// The text.
    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }
}

impl Family<'_> {
    /// Adds a sample.
    pub fn sample(&mut self, labels: &[Label], value: impl Into<Value>) -> &mut Self {
        self.line("", labels, None, value.into());
        self
    }

    /// Adds the buckets, the sum and the count of a histogram, in seconds.
    pub fn histogram(&mut self, labels: &[Label], histogram: &Histogram) -> &mut Self {
        let mut count = 0;
        for (bound, below) in histogram.cumulative() {
            let bound = bound.map_or(f64::INFINITY, |bound| bound.as_secs_f64());
            self.line("_bucket", labels, Some(bound), Value::Count(below));
            count = below;
        }
        self.line("_sum", labels, None, histogram.sum().into());
        // The number in the last bucket, so that the two agree while observations are added.
        self.line("_count", labels, None, Value::Count(count));
        self
    }

    fn line(&mut self, suffix: &str, labels: &[Label], bound: Option<f64>, value: Value) {
        let pairs = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
        let bound = bound.map(|bound| format!("le=\"{}\"", Value::Number(bound)));
        let pairs: Vec<String> = pairs.chain(bound).collect();
        let labels =
            if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) };
        write(self.text, format_args!("{}{suffix}{labels} {value}\n", self.name));
    }
}

fn write(text: &mut String, line: fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    let _infallible = text.write_fmt(line);
}

fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        })
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Number(number) if *number == f64::INFINITY => f.write_str("+Inf"),
            Self::Number(number) if *number == f64::NEG_INFINITY => f.write_str("-Inf"),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<usize> for Value {
    fn from(count: usize) -> Self {
        Self::Count(count as u64)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Count(flag.into())
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

/// In seconds.
impl From<Duration> for Value {
    fn from(duration: Duration) -> Self {
        Self::Number(duration.as_secs_f64())
    }
}

impl From<&Counter> for Value {
    fn from(counter: &Counter) -> Self {
        Self::Count(counter.value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::Bounds;

    #[test]
    fn a_metric_has_help_type_and_samples_in_this_order() {
        let mut exposition = Exposition::default();
        exposition
            .family("a_total", Kind::Counter, "Things that\nhappened.")
            .sample(&[("way", "in"), ("end", r#"a "b\"#)], 7_u64)
            .sample(&[], 0.5);
        assert_eq!(
            exposition.into_text(),
            "# HELP a_total Things that\\nhappened.\n# TYPE a_total counter\n\
             a_total{way=\"in\",end=\"a \\\"b\\\\\"} 7\na_total 0.5\n"
        );
    }

    #[test]
    fn a_histogram_ends_in_an_infinite_bucket_sum_and_count() {
        const BOUNDS: Bounds = &[Duration::from_millis(5)];
        let histogram = Histogram::new(BOUNDS);
        histogram.observe(Duration::from_millis(4));
        histogram.observe(Duration::from_secs(2));
        let mut exposition = Exposition::default();
        exposition.family("t_seconds", Kind::Histogram, "Time.").histogram(&[], &histogram);
        assert_eq!(
            exposition.into_text(),
            "# HELP t_seconds Time.\n# TYPE t_seconds histogram\n\
             t_seconds_bucket{le=\"0.005\"} 1\nt_seconds_bucket{le=\"+Inf\"} 2\n\
             t_seconds_sum 2.004\nt_seconds_count 2\n"
        );
    }
}
