//! The way to the server: one gateway's connection for all requests, opened again when it has
//! ended.

use fourauth_client::{Error, GatewayConnection};
use fourauth_protocol::{answer::Answer, command::Command, envelope::Envelope};
use std::{fmt, net::IpAddr, pin::Pin, sync::Arc, time::Duration};
use tokio::{sync::Mutex, time::Instant};

/// Time after a failure to connect in which no further attempt is made. Without it, each of a
/// thousand requests would wait for an attempt of its own.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Each further failure doubles that time, up to this. A server that refuses a gateway writes an audit
/// row for each attempt, and one that has returned is found so soon.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// A future without a name.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Opens a gateway's connection to the server.
pub trait Dial: Send + Sync {
    /// Opens a connection, or says why it cannot.
    fn dial(&self) -> Pending<'_, Result<GatewayConnection, String>>;
}

/// The way to the server.
pub struct Upstream {
    dial: Box<dyn Dial>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    connection: Option<Arc<GatewayConnection>>,
    failed: Option<Failed>,
}

/// The last attempts to connect. Every one failed.
struct Failed {
    error: String,
    /// No attempt is made before.
    until: Instant,
    pause: Duration,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// There is no connection to the server. Nothing was sent.
    #[error("cannot reach the server: {0}")]
    Unreachable(String),
    /// The connection gave no answer. The error says whether the command may have been decided.
    #[error(transparent)]
    Lost(#[from] Error),
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").finish_non_exhaustive()
    }
}

impl Upstream {
    /// The way that `dial` opens. The first request opens it.
    #[must_use]
    pub fn new(dial: impl Dial + 'static) -> Arc<Self> {
        Arc::new(Self { dial: Box::new(dial), state: Mutex::default() })
    }

    /// Sends one command of the peer, and waits for the answer, which may be a denial.
    ///
    /// # Errors
    ///
    /// [`Failure`] if there is no answer.
    pub async fn send(&self, peer: IpAddr, command: Command) -> Result<Answer, Failure> {
        self.send_enclosed(peer.into(), command).await
    }

    /// As [`send`](Self::send), for a command in an envelope.
    ///
    /// # Errors
    ///
    /// [`Failure`] if there is no answer.
    pub async fn send_enclosed(&self, of: Envelope, command: Command) -> Result<Answer, Failure> {
        Ok(self.connection().await?.send_enclosed(of, command).await?)
    }

    /// 190, for the gateway itself: the server answers, and knows this gateway.
    ///
    /// # Errors
    ///
    /// [`Failure`] if there is no answer.
    pub async fn hello(&self) -> Result<Answer, Failure> {
        Ok(self.connection().await?.hello().await?)
    }

    /// 192, for the gateway itself: the public keys that verify tokens.
    ///
    /// # Errors
    ///
    /// [`Failure`] if there is no answer.
    pub async fn keys(&self) -> Result<Answer, Failure> {
        Ok(self.connection().await?.keys().await?)
    }

    /// The open connection, or a new one.
    async fn connection(&self) -> Result<Arc<GatewayConnection>, Failure> {
        let mut state = self.state.lock().await;
        if let Some(open) = state.connection.as_ref().filter(|it| it.is_open()) {
            return Ok(Arc::clone(open));
        }
        state.connection = None;
        if let Some(failed) = state.failed.as_ref().filter(|it| Instant::now() < it.until) {
            return Err(Failure::Unreachable(failed.error.clone()));
        }
        match self.dial.dial().await {
            Ok(connection) => {
                let connection = Arc::new(connection);
                state.connection = Some(Arc::clone(&connection));
                state.failed = None;
                Ok(connection)
            }
            Err(error) => {
                tracing::warn!(%error, "cannot reach the server");
                state.failed = Some(Failed::again(state.failed.take(), error.clone()));
                Err(Failure::Unreachable(error))
            }
        }
    }
}

impl Failed {
    /// One more failure, after `earlier` ones.
    fn again(earlier: Option<Self>, error: String) -> Self {
        let pause = earlier.map_or(FIRST_PAUSE, |it| (it.pause * 2).min(LONGEST_PAUSE));
        Self { error, until: Instant::now() + pause, pause }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A server that is not there, and a count of the attempts to reach it.
    struct Gone(Arc<AtomicUsize>);

    impl Dial for Gone {
        fn dial(&self) -> Pending<'_, Result<GatewayConnection, String>> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Box::pin(async { Err("it is gone".to_owned()) })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_to_connect_become_rare_and_never_end() {
        let attempts = Arc::new(AtomicUsize::new(0));
        let upstream = Upstream::new(Gone(Arc::clone(&attempts)));
        let mut at = Vec::new();
        for second in 0..40 {
            for _ in 0..100 {
                let before = attempts.load(Ordering::Relaxed);
                assert!(matches!(upstream.hello().await, Err(Failure::Unreachable(_))));
                if attempts.load(Ordering::Relaxed) > before {
                    at.push(second);
                }
            }
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(at, [0, 1, 3, 7, 15, 23, 31, 39]);
    }
}
