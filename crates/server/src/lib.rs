//! The composition root: sockets, TLS, configuration, and nothing that decides.
//!
//! The path of a request, top to bottom: [`listener`] accepts and shakes hands, [`session`] receives
//! commands over a [`connection`], [`dispatch`] hands each to `fourauth-auth`, and [`reply`] is what
//! may be sent back. [`server`] puts it together; [`first_run`] makes what is missing; [`local`] is what an administrator
//! does on the machine itself.

mod caps;
pub mod certificate;
pub mod channel;
mod chores;
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
pub mod local;
pub mod logging;
pub mod models;
pub mod open_files;
mod parts;
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
