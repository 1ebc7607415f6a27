//! Trusted time: what everything that depends on the clock asks instead of the operating system.
//!
//! A background task samples several NTP servers, keeps what more than half of them agree on, and
//! counts on from there by the boot clock. [`Timekeeper::read`](Clock::read) is arithmetic on the
//! last agreement: it never waits and never touches the network, so no client can cause a query.
//!
//! | to see | read |
//! |---|---|
//! | what a reading says | `clock` |
//! | how servers outvote a liar | `quorum` |
//! | how time is counted between agreements | `anchor` |
//! | when time is trusted, doubted or refused | `trust` |
//! | what an operator may accept | `trust::operator` |
//! | the same as a table of situations | `simulation::table`, `simulation::matrix` (tests) |
//! | which answers of a server are dropped | `sample`, `source` |
//! | when servers are asked | `schedule`, `task` |
//!
//! `quorum`, `anchor`, `sample`, `schedule` and `trust` have no IO and read no clock.
//!
//! **Invariant**: while more than half of the configured servers are honest, a reading in
//! [`State::Synced`] or [`State::Holdover`] is within [`Reading::error_ms`] of UTC.
//!
//! It does not judge clients: the ±120 s check of a login lives with the factors.

mod anchor;
mod clock;
mod dispute;
mod event;
#[cfg(test)]
mod liars;
mod manual;
mod quorum;
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
