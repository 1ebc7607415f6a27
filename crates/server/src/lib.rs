//! The server: sockets, TLS and configuration. It makes no authentication decisions.
//!
//! The path of a request: [`listener`] accepts a connection and performs the handshake, [`session`]
//! receives commands over a [`connection`], [`dispatch`] passes each to `fourauth-auth`, and
//! [`reply`] holds the answer. [`server`] assembles the parts, [`first_run`] creates missing files.

mod caps;
pub mod certificate;
pub mod channel;
pub mod chores;
pub mod conduct;
pub mod connection;
pub mod crowd;
pub mod data_folder;
pub mod deadlines;
pub mod dispatch;
pub mod first_run;
pub mod foreign;
pub mod handshake;
pub mod hygiene;
pub mod in_flight;
pub mod listener;
pub mod logging;
pub mod models;
pub mod open_files;
pub mod parts;
pub mod penalties;
pub mod place;
mod protection;
pub mod proxy;
mod punctual;
pub mod receipt_key;
pub mod reply;
mod roster;
mod run_log;
pub mod server;
pub mod session;
pub mod sources;
pub mod tls;
