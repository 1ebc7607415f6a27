//! The way to the server: one gateway's connection for all requests, opened again when it has
//! ended.

use fourauth_client::{Error, GatewayConnection};
use fourauth_protocol::{answer::Answer, command::Command};
use std::{fmt, net::IpAddr, pin::Pin, sync::Arc, time::Duration};
use tokio::{sync::Mutex, time::Instant};

/// Time after a failure to connect in which no further attempt is made. Without it, each of a
/// thousand requests would wait for an attempt of its own.
const PAUSE: Duration = Duration::from_secs(1);

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
    failed: Option<(Instant, String)>,
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
        Ok(self.connection().await?.send(peer, command).await?)
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
        if let Some((at, error)) = state.failed.as_ref().filter(|(at, _)| at.elapsed() < PAUSE) {
            tracing::debug!(since = ?at.elapsed(), "no further attempt to connect yet");
            return Err(Failure::Unreachable(error.clone()));
        }
        match self.dial.dial().await {
            Ok(connection) => {
                let connection = Arc::new(connection);
                state.connection = Some(Arc::clone(&connection));
                state.failed = None;
                Ok(connection)
            }
            Err(error) => {
                state.failed = Some((Instant::now(), error.clone()));
                Err(Failure::Unreachable(error))
            }
        }
    }
}
