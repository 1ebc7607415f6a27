//! How a running server is, for a task that does not have the server: its health, and with `metrics`
//! its numbers.
//!
//! It keeps no server running: after the server has stopped, it tells what was known last. Which
//! peers may read it is not decided here.

use crate::{dispatch::Context, health::Health, limits::sources::Sources, monitor::Monitor};
use fourauth_timekeeper::Timekeeper;
use std::sync::Arc;

/// How a server is. Clones tell the same.
#[derive(Debug, Clone)]
pub struct Vitals {
    pub(crate) context: Arc<Context>,
    pub(crate) sources: Arc<Sources>,
    /// `None` if the server's clock was given to it.
    pub(crate) timekeeper: Option<Arc<Timekeeper>>,
    pub(crate) monitor: Arc<Monitor>,
}

impl Vitals {
    /// The health of the server, at most a second old. Takes two seconds at most, also if the database
    /// hangs.
    pub async fn health(&self) -> Arc<Health> {
        self.monitor.health().await
    }
}
