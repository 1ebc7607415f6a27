//! The commands, one file each.

pub mod admin;
pub mod audit;
pub mod config;
pub mod device;
pub mod gateway;
pub mod healthcheck;
pub mod import;
pub mod key;
pub mod models;
pub mod outbox;
pub mod session;
pub mod time;
pub mod user;
