//! Accounts, sealed secrets, sessions and the audit log. One set of queries, two databases.
//!
//! The schema uses the column types that SQLite and PostgreSQL share (`BIGINT`, `TEXT`,
//! `BLOB`/`BYTEA`) and numbered `$n` parameters, which both accept. A query that needs more than
//! that is a sign that logic is drifting into SQL. Every function that reads or writes returns
//! [`Error`] when the database fails.
//!
//! | to see | read |
//! |---|---|
//! | the record that an attempt is checked against | `subject` |
//! | how failed attempts are counted | `failures` |
//! | how refusals by rate limits are counted | `refusals` |
//! | how one of two racing attempts wins | `factor` |
//! | what a restarted server knows about the time | `clock` |
//! | how a changed audit row is detected | `evidence` |
//! | how a name is erased from the log | `erasure` |
//! | how several writes share one sync to disk | `writer` |
//! | how a secret is bound to its row and column | `seal` |
//! | which key seals, and how keys are rotated | `sealing`, `rotation` |
//! | how a wrong key is detected | `key_check`, `keyring` |
//! | how the two databases differ | `driver`, the only module that knows |
//!
//! **Invariant**: a write is durable before it is answered, a job is written completely or not
//! written, and every secret in the database is sealed or hashed.
//!
//! This crate makes no decisions: `fourauth-auth` decides if an attempt succeeds.

mod account;
mod admin;
mod audit;
mod clock;
mod consent;
pub mod custody;
mod device;
mod driver;
mod entropy;
mod erasure;
mod error;
mod evidence;
mod factor;
mod failures;
mod history;
mod job;
mod key_check;
mod keyring;
mod lane;
mod location;
mod notice;
mod opening;
mod place;
pub mod private_file;
mod recovery;
mod refusals;
#[cfg(feature = "faults")]
mod rig;
mod rotation;
mod run;
mod seal;
mod sealing;
mod session;
mod store;
mod subject;
mod tx;
mod visible;
mod writer;

pub use account::{AccountId, Added, MAX_PAGE, NewUser, UserSummary};
pub use admin::Admin;
pub use audit::{AuditEntry, AuditId, AuditQuery, MAX_ROWS};
pub use clock::{Alarm, ClockPast, ClockReport};
pub use consent::{Consented, Held, NewConsent};
pub use device::{Bound, BoundBy, Device, KnownDevice, MAX_DEVICES, NewDevice};
pub use erasure::Remains;
pub use error::{Cause, Error, OpenError};
pub use evidence::{
    ACCEPT_ROLLBACK, AcceptedRollback, EvidenceRow, InclusionProof, LogSnapshot, MAX_EVIDENCE,
    Rollback, SignedCheckpoint, TreeHead,
};
pub use factor::NewFace;
pub use failures::{Failure, Keep};
pub use futures_util::future::BoxFuture;
pub use history::ForeignEntry;
pub use key_check::holds_data;
pub use keyring::{KEY_BYTES, Keyring, KeyringError, KeyringLock, RANDOM_BYTES};
pub use lane::{Lane, Tallies, Tally, Target};
pub use location::{Location, NotALocation};
pub use notice::{Notice, Waiting};
pub use opening::Opened;
pub use place::Place;
pub use recovery::{Factor, Settling};
pub use refusals::Refusal;
#[cfg(feature = "faults")]
pub use rig::Rig;
pub use rotation::{KeyState, KeySummary, NotRetired, Resealed};
pub use run::Run;
pub use session::{NewSession, Session, TokenHash};
pub use store::Store;
pub use subject::{Decoy, Seeking, Standing, Subject};
pub use tx::Tx;
