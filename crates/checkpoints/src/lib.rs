//! Signed checkpoints of the audit log, and the places outside this machine that they are sent to,
//! so that a change of the log can be seen.
//!
//! | to see | read |
//! |---|---|
//! | when the log is signed | [`signer`] |
//! | what is signed and sent | `publisher` |
//! | which keys sign, and where they are stored | `keys`, `epoch_file`, `first_key`, `key_file` |
//! | which checkpoints the next epoch key depends on | `chain` |
//! | the places that checkpoints are sent to | [`sink`] |
//! | what happens while a place cannot be reached | `outlet` |
//! | which places are behind | `progress` |
//! | why only a tree that grew is signed | `last_signed` |
//! | what a start compares the database with | `rollback` |
//! | how far each place was read before, and what it had | `read_so_far` |
//! | which checkpoints an operator has given up | `given_up` |
//! | how the manifest of a backup is signed | `manifest` |
//! | which of many checkpoints is the largest | `largest` |
//! | which of them the database contradicts | `claims` |
//!
//! The tree of the log is the store's: this crate reads its size and root.

mod chain;
mod claims;
mod entropy;
mod epoch_file;
mod exported;
mod first_key;
mod given_up;
mod key_file;
mod keys;
mod largest;
mod last_signed;
mod manifest;
mod outlet;
mod progress;
mod publisher;
mod read_so_far;
mod rollback;
pub mod signer;
pub mod sink;

pub use claims::Claims;
pub use epoch_file::{EpochError, EpochFile};
pub use exported::Exported;
pub use first_key::{take_first_keys, untaken_first_keys};
pub use given_up::{GivenUp, accepted_detail};
pub use key_file::KeyFileError;
pub use keys::{erasure_signer, public_key};
pub use largest::{Largest, Seen};
pub use last_signed::last_signed_file;
pub use manifest::{is_manifest_signed, sign_manifest};
pub use progress::{Behind, SinkProgress};
pub use publisher::{Publisher, PublisherError, PublisherSettings, SignError};
pub use rollback::{OnRollback, RollbackError, lost};
