//! Turns findings into decisions, and commits the audit row before the answer is sent.
//!
//! A command enters through one method of [`authenticator::Authenticator`] and leaves as
//! [`attempt::Audited`]; no other type can be turned into an answer. Read `command/login.rs` first,
//! then `command/proof.rs`. The other commands are variations.
//!
//! * [`received`]: what is known about a command before it is examined; [`origin`]: its peer.
//! * [`device`]: the device that a peer claims to use, and what it has proved.
//! * [`grant`]: what a peer gets after one of two steps and quotes with the next.
//! * [`limits`]: rate limits for attempts; `admission` applies them.
//! * [`policy`]: which factors a command needs.
//! * `offered`: the factors that a peer sent, in one form for all commands.
//! * `examine`: the offered factors and the record in, an `examination` out. Every check runs, at
//!   the same cost.
//! * [`decision`]: findings in, decision out.
//! * [`delivery`]: the messages with codes that can be sent to an owner.
//! * [`attempt`]: the change that a decision makes, in one transaction with its audit row, and the
//!   answer.
//! * [`challenge`]: what a person is asked to do before the camera.
//! * [`tokens`]: tokens of sessions, and how the store knows them.
//! * [`looked_up`]: what a token lets its holder read, which has no audit row of its own.
//! * [`answer`]: the answer of each command.
//! * `receipt`: a signed statement about a login that a service can verify offline.
//!
//! No sockets, no files, no SQL.

pub mod action;
mod admission;
pub mod answer;
pub mod attempt;
pub mod authenticator;
pub mod challenge;
mod check_token;
pub mod command;
pub mod compute;
mod conflict;
pub mod decision;
pub mod delivery;
pub mod device;
pub mod entropy;
pub mod error;
mod examination;
mod examine;
pub mod faces;
pub mod grant;
pub mod hashing;
mod jwt;
pub mod limits;
pub mod looked_up;
mod mac_key;
pub mod metrics;
mod not_granted;
mod notice;
mod offered;
pub mod origin;
pub mod policy;
pub mod profile;
pub mod provisioning;
mod qr;
mod receipt;
pub mod receipt_key;
pub mod received;
mod recent;
pub mod recovery_codes;
pub mod rejected_frames;
mod rules;
mod session_proof;
pub mod source;
pub mod tokens;
mod verified;
