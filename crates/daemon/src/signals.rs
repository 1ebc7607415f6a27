//! The signals that an operator sends to a program that serves.

use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGHUP, SIGINT and SIGTERM. From [`install`](Self::install) on, none of them kills the process.
#[derive(Debug)]
pub struct Signals {
    hangup: Signal,
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Begins to receive them.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    ///
    /// # Panics
    ///
    /// If it is called outside a tokio runtime.
    pub fn install() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Calls `reload` on each SIGHUP; returns on SIGINT or SIGTERM.
    pub async fn wait_for_stop(&mut self, reload: impl AsyncFn()) {
        loop {
            tokio::select! {
                _ = self.hangup.recv() => reload().await,
                () = stop(&mut self.interrupt, &mut self.terminate) => return,
            }
        }
    }

    /// Returns on SIGINT or SIGTERM.
    pub async fn stop(&mut self) {
        stop(&mut self.interrupt, &mut self.terminate).await;
    }
}

/// Returns when either of two signals arrives. Cancelling it loses no signal.
async fn stop(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}
