//! The HTTP side of fourauth: it translates requests into commands and decides nothing.
//!
//! The path of a request: `listener` accepts a connection and gives it a slot (`shares`),
//! `connection` speaks TLS and HTTP on it, `serve` finds the request's route in `routes` and makes
//! the answer whole, `body` reads what the route allows, and [`upstream`] sends the command to the
//! server with the address of the `peer`. `status` turns the server's answer into one of HTTP.
//!
//! [`program`] is a gateway on a machine of its own; `fourauthd` runs one inside its own process.
//!
//! No crate that decides or stores is among its dependencies, so it can run on a machine that holds
//! no secret.

mod activity;
mod body;
mod call;
mod compat;
mod connection;
mod console;
mod cookies;
mod entropy;
mod form;
mod forward_auth;
mod gateway;
mod limits;
mod line_ends;
mod listener;
mod multipart;
#[cfg(test)]
mod openapi;
mod peer;
mod percent;
mod portal;
mod problem;
pub mod program;
mod query;
mod response;
mod route;
mod router;
mod routes;
mod serve;
mod settings;
mod shape;
mod shares;
mod source;
mod status;
mod translation;
pub mod upstream;
pub mod vitals;

pub use connection::ALPN;
pub use gateway::{Clock, Gateway, Parts, StartError};
pub use portal::{TextsOf, texts};
pub use settings::{Brand, ListenerSettings, Resource, Settings};
