//! What the findings add up to, and the proof that the answer was written down first.
//!
//! A command enters through one method of [`authenticator::Authenticator`] and leaves as
//! [`attempt::Audited`]; nothing else can be turned into an answer. Read [`login`] first, then `proof`:
//! the other commands are variations of them.
//!
//! * [`device`]: which device speaks, and what it has proved.
//! * [`limits`]: how often one may try.
//! * [`evidence`]: what a peer offered, whatever the command was called.
//! * [`examination`]: evidence and record in, findings out; always all of them, always the same work.
//! * [`decision`]: findings in, decision out.
//! * [`words`]: what a peer may be told of a decision.
//! * [`grant`]: what a decision changes, in one transaction with its audit row.
//! * [`receipt`]: what a service can verify of a login by itself.
//!
//! No sockets, no files, no SQL.

pub mod admin;
mod admission;
mod aftermath;
pub mod attempt;
pub mod audit_log;
pub mod authenticator;
pub mod compute;
pub mod confirm;
pub mod decision;
pub mod device;
mod devices;
pub mod entropy;
pub mod error;
pub mod evidence;
pub mod examination;
pub mod faces;
pub mod grant;
pub mod hashing;
pub mod limits;
pub mod login;
pub mod lost;
pub mod noise;
pub mod profile;
mod proof;
pub mod qr;
pub mod receipt;
pub mod received;
pub mod recover;
pub mod register;
mod rules;
pub mod source;
pub mod undecided;
pub mod words;
