//! Accounts, sealed secrets, sessions and the audit log. One set of queries, two databases.
//!
//! The schema uses the column types that SQLite and PostgreSQL share (`BIGINT`, `TEXT`,
//! `BLOB`/`BYTEA`) and numbered `$n` parameters, which both accept. A query that needs more than
//! that is a sign that logic is drifting into SQL.
//!
//! | to see | read |
//! |---|---|
//! | what an attempt is checked against | `subject` |
//! | how attempts in vain are counted | `failures` |
//! | how what limits turned away is counted | `refusals` |
//! | how of two racing attempts one wins | `factor` |
//! | what a server that starts again knows about the time | `clock` |
//! | what shows that no row was changed | `evidence` |
//! | how a name goes from the log | `erasure` |
//! | how many writes share one wait for the disk | `writer` |
//! | how a secret is bound to its row and column | `seal` |
//! | which key seals, and how keys are changed | `sealing`, `rotation` |
//! | what a wrong key leads to | `key_check`, `keyring` |
//! | that there are two databases | `driver`, and nowhere else |
//!
//! **Invariant**: nothing is answered before it is durable, a job is wholly written or not at all,
//! and no secret is in the database but sealed or hashed.
//!
//! It decides nothing: whether an attempt succeeds is `fourauth-auth`'s business.

mod account;
mod admin;
mod audit;
mod clock;
mod consent;
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
