//! The server: sockets, TLS and configuration. It makes no authentication decisions.
//!
//! The path of a request: `listener` accepts a connection and performs the handshake, `session`
//! receives commands over a `connection`, `decide` and `dispatch` pass each to `fourauth-auth`, and
//! `reply` holds the answer. [`text`] serves the text protocol in the same way. [`server`] assembles the parts, [`first_run`] creates missing files.

pub mod certificate;
mod channel;
mod connection;
pub mod data_folder;
mod deadlines;
mod decide;
mod dispatch;
pub mod first_run;
pub mod gateway;
mod handshake;
pub mod health;
pub mod limits;
mod listener;
mod metrics;
pub mod models;
mod monitor;
pub mod parts;
pub mod proxy;
pub mod receipt_key;
mod reply;
mod run_log;
pub mod server;
mod session;
pub mod shared_disk;
pub mod tasks;
pub mod text;
mod timer;
pub mod vitals;
