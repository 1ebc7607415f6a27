//! Counters and histograms, and the text that Prometheus reads. Nothing here knows what is counted.
//!
//! The crates `metrics` and `metrics-exporter-prometheus` are not used, for three reasons. Their
//! macros write to one recorder of the process, and several servers run in one test process. Their
//! labels are any text, so a name or an address could become one. And a counter here is one atomic
//! addition, without the lookup of a key. What is left for this crate is the text format, which is
//! short.
//!
//! **Invariant**: no IO, no clock, no global state. The names and values of labels are `'static`: text
//! of a peer has another lifetime, so it cannot become a label.

mod counter;
mod exposition;
mod histogram;

pub use counter::Counter;
pub use exposition::{Exposition, Family, Kind, Label, Value};
pub use histogram::{Bounds, Histogram};
