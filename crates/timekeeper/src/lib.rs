//! Trusted time. The server reads its clock from here instead of from the operating system.
//!
//! A background task samples several NTP servers, accepts the time that more than half of them
//! agree on, and counts from there by the boot clock. [`Timekeeper::read`](Clock::read) is
//! arithmetic on the last accepted time. It never waits and sends nothing, so no client can cause a
//! query.
//!
//! | to see | read |
//! |---|---|
//! | the content of a reading | `clock` |
//! | how servers outvote a liar | `quorum` |
//! | how time is counted between rounds | `anchor` |
//! | when time is trusted or refused | `trust` |
//! | what an operator may accept | `trust::operator` |
//! | these rules as a table of situations | `simulation::table`, `simulation::matrix` (tests) |
//! | which answers of a server are dropped | `sample`, `source` |
//! | when servers are queried | `schedule`, `task` |
//!
//! `quorum`, `anchor`, `sample`, `schedule` and `trust` have no IO and read no clock.
//!
//! **Invariant**: while more than half of the configured servers are honest, a reading in
//! [`State::Synced`] or [`State::Holdover`] is within [`Reading::error_ms`] of UTC.
//!
//! The ±120 s check of a client's clock at login is not here but with the factors.

mod anchor;
mod clock;
mod dispute;
mod event;
#[cfg(test)]
mod liars;
mod manual;
mod quorum;
mod relay;
mod sample;
mod schedule;
mod settings;
#[cfg(any(test, feature = "simulation"))]
pub mod simulation;
mod source;
mod status;
mod task;
mod timekeeper;
mod trust;
mod wall;

pub use clock::{Clock, Reading, State};
pub use event::{Event, NotAccepted, Refusal};
pub use manual::ManualClock;
pub use sample::Loss;
pub use settings::{Past, Profile, Settings};
pub use status::{ServerStatus, Status, Verdict};
pub use timekeeper::Timekeeper;
