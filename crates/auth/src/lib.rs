//! Turns findings into decisions, and commits the audit row before the answer is sent.
//!
//! A command enters through one method of [`authenticator::Authenticator`] and leaves as
//! [`attempt::Audited`]; no other type can be turned into an answer. Read [`login`] first, then
//! `proof`: the other commands are variations of them.
//!
//! * [`device`]: the device that a peer claims to use, and what it has proved.
//! * [`limits`]: rate limits for attempts.
//! * [`offered`]: the factors that a peer sent, in one form for all commands.
//! * [`examination`]: evidence and record in, findings out. Every check runs, at the same cost.
//! * [`decision`]: findings in, decision out.
//! * [`messages`]: the text and code that a peer receives for a decision.
//! * [`grant`]: the change that a decision makes, in one transaction with its audit row.
//! * [`receipt`]: a signed statement about a login that a service can verify offline.
//!
//! No sockets, no files, no SQL.

pub mod admin;
mod admission;
pub mod attempt;
pub mod audit_log;
pub mod authenticator;
pub mod compute;
pub mod confirm;
pub mod conflict;
pub mod decision;
pub mod device;
mod devices;
pub mod entropy;
pub mod error;
pub mod examination;
pub mod faces;
pub mod grant;
pub mod hashing;
pub mod limits;
pub mod login;
pub mod messages;
pub mod offered;
pub mod profile;
mod proof;
pub mod qr;
pub mod receipt;
pub mod received;
pub mod recover;
pub mod register;
pub mod rejected_frames;
mod rules;
pub mod source;
mod tally_change;
pub mod undecided;
