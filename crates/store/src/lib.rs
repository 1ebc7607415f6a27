//! Accounts, sealed secrets, sessions and the audit log. One set of queries, two databases.
//!
//! The schema uses the column types that SQLite and PostgreSQL share (`BIGINT`, `TEXT`,
//! `BLOB`/`BYTEA`) and numbered `$n` parameters, which both accept. A query that needs more than
//! that is a sign that logic is drifting into SQL. Every function that reads or writes returns
//! [`Error`] when the database fails.
//!
//! | to see | read |
//! |---|---|
//! | the record that an attempt is checked against | `account::record`, `account::subject` |
//! | how one of two racing attempts wins | `account::factor` |
//! | how a grant is used once | `account::grant` |
//! | how a passcode is made and spent | `account::passcode` |
//! | how one server delivers each notice | `account::delivery` |
//! | how a name of an earlier version gets its one spelling | `account::spelling` |
//! | how failed attempts are counted | `limits::failures` |
//! | how requests that anybody may send are paced | `limits::pace` |
//! | how refusals are counted | `limits::refusals` |
//! | how the time survives a restart | `clock` |
//! | what proves that no row was changed | `audit::evidence` |
//! | how a name is erased from the log | `audit::erasure` |
//! | how many writes share one wait for the disk | `engine::writer` |
//! | whether writes fail | `engine::writes` |
//! | how a secret is bound to its row and column | `keys::seal` |
//! | which key seals, and how keys are changed | `keys::sealing`, `keys::rotation` |
//! | how a wrong keyring is noticed | `keys::key_check`, `keys::keyring` |
//! | the two databases | `engine::driver`, and no other module |
//!
//! Every function that reads or writes returns [`Error`] if the database fails. Its documentation names
//! only other errors.
//!
//! **Invariant**: a write is durable before it is answered, a job is written completely or not
//! written, and every secret in the database is sealed or hashed.
//!
//! This crate makes no decisions: `fourauth-auth` decides if an attempt succeeds.

#![expect(
    clippy::missing_errors_doc,
    reason = "every function that reads or writes returns `Error` if the database fails; a \
              documented error is another one"
)]

mod account;
mod admin;
mod audit;
mod census;
mod clock;
mod engine;
mod entropy;
mod error;
mod gateway;
mod keys;
mod limits;
mod run;
mod start;
mod store;
mod visible;

pub use account::bound_session::{BoundRenewal, SessionBinding};
pub use account::consent::{Consented, Held, NewConsent};
pub use account::console::{AccountSearch, AttemptCount};
pub use account::decoy::{Decoy, SealedDecoy};
pub use account::delivery::{Channel, Deliveries, Destination, Due, HeldBack, Lease, Sort};
pub use account::device::{Bound, BoundBy, Device, MAX_DEVICES, NewDevice, derived_name};
pub use account::device_request::{Asked, DeviceRequest, RequestPace};
pub use account::erasure::ErasedName;
pub use account::event::{Event, EventContext, EventDevice, OtherEvent, PasscodeNumber};
pub use account::factor::NewFace;
pub use account::grant::{GrantHolder, GrantId, OpenGrant};
pub use account::groups::Groups;
pub use account::id::AccountId;
pub use account::invitation::OpenInvitation;
pub use account::known_device::KnownDevice;
pub use account::login_location::LoginLocation;
pub use account::methods::Methods;
pub use account::notice::{Notice, Recipient, Waiting};
pub use account::outbox::{DeliveryState, Listed, NO_ADDRESS, OutboxEntry};
pub use account::outdated_faces::FaceCount;
pub use account::passcode::{NewPasscode, PasscodeMac, PasscodeWindow, StoredPasscode};
pub use account::raised_session::RaisedSession;
pub use account::record::{Enrolled, Seeking, Standing, Subject, TotpStage};
pub use account::recovery::{Factor, Settling};
pub use account::reset::{NewResetCode, ResetCodeMac, ResetRecord, StoredResetCode};
pub use account::session::{FamilyId, MasterToken, NewSession, Renewal, Session, SessionSummary};
pub use account::session_use::SessionUse;
pub use account::spelling::{Collision, Respelled, Shared};
pub use account::user::{Added, FIRST_VERSION, MAX_PAGE, NewUser, UserSummary};
pub use admin::Admin;
pub use audit::backups::{BACKUP_CREATE, BACKUP_VERIFY, Backups};
pub use audit::entry::{AuditEntry, AuditId};
pub use audit::erasure::{ErasedBy, ErasedRows};
pub use audit::evidence::{
    ACCEPT_ROLLBACK, AcceptedRollback, EvidenceRow, InclusionProof, LogSnapshot, MAX_EVIDENCE,
    Rollback, SignedCheckpoint, TreeHead,
};
pub use audit::history::ForeignEntry;
pub use audit::query::{AuditQuery, MAX_ROWS};
pub use census::{Census, MOST_COUNTED_SESSIONS, OutboxCensus};
pub use clock::{Alarm, ClockPast, ClockReport};
pub use engine::driver::Remains;
pub use engine::location::{Location, NotALocation};
pub use engine::tx::Tx;
#[cfg(feature = "faults")]
pub use engine::vfs_override::VfsOverride;
pub use engine::writes::WriteFailure;
pub use error::{Cause, Error, OpenError};
pub use futures_util::future::BoxFuture;
pub use gateway::Gateway;
pub use keys::key_check::holds_data;
pub use keys::keyring::{KEY_BYTES, Keyring, KeyringError, KeyringLock, RANDOM_BYTES};
pub use keys::rotation::{KeyState, KeySummary, NotRetired, Resealed};
pub use keys::seal_report::SealReport;
pub use limits::failures::{Failure, Keep};
pub use limits::lane::{Lane, Tallies, Tally, Target};
pub use limits::pace::{RequestedBy, Window};
pub use limits::refusal::{NOT_COMMANDS, Refusal};
pub use run::Run;
pub use store::Store;
