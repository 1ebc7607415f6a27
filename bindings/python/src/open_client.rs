//! An open client: it waits for the server while other threads of Python run.

use crate::error::raised;
use fourauth_client::protocol::{
    answer::Answer, command::Command, mac_address::MacAddress, username::Username,
};
use fourauth_client::{Client, Error};
use pyo3::{exceptions::PyRuntimeError, prelude::*};
use std::{fmt, io, mem, process, time::Duration};
use tokio::{
    runtime::{Builder, Runtime},
    select,
    time::interval,
};

/// How often a waiting thread looks for signals, so that Ctrl-C ends a wait.
const TICK: Duration = Duration::from_millis(50);

/// The client and its runtime. Any thread may use it, also several at once.
pub(crate) struct OpenClient {
    /// There until drop takes it.
    parts: Option<(Client, Runtime)>,
    /// The first address of the server, for the texts of exceptions.
    address: String,
    /// The process that made it. A child of that process shares its sockets and must not use them.
    process: u32,
}

impl OpenClient {
    pub(crate) fn new(client: Client, address: String) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self { parts: Some((client, runtime)), address, process: process::id() })
    }

    /// Sends a command, with a device proof for `sender` in front of it if there is one, and waits for
    /// the answer.
    ///
    /// # Errors
    ///
    /// An exception of the client; `RuntimeError` in a child of the process that made the client;
    /// and the exception of a signal handler, for example `KeyboardInterrupt`. After the last one
    /// the command may have been decided.
    pub(crate) fn ask_as(
        &self,
        py: Python<'_>,
        sender: Option<(Username, MacAddress)>,
        command: Command,
    ) -> PyResult<Answer> {
        self.wait_for(py, async |client| match sender {
            Some((username, mac)) => client.send_as(&username, mac, command).await,
            None => client.send(command).await,
        })
    }

    /// Runs `work` to its end, without the interpreter lock.
    ///
    /// # Errors
    ///
    /// As [`OpenClient::ask_as`].
    pub(crate) fn wait_for<T: Send>(
        &self,
        py: Python<'_>,
        work: impl AsyncFnOnce(Client) -> Result<T, Error> + Send,
    ) -> PyResult<T> {
        let Some((client, runtime)) = self.parts.as_ref().filter(|_| !self.is_foreign()) else {
            return Err(PyRuntimeError::new_err("make a client after the fork, not before it"));
        };
        let done = py.detach(|| runtime.block_on(interruptible(work(client.clone()))));
        done?.map_err(|error| raised(&error, Some(&self.address)))
    }

    fn is_foreign(&self) -> bool {
        process::id() != self.process
    }
}

impl Drop for OpenClient {
    /// Waits for nothing. In a child of the process that made it, it is left alone: closing a socket
    /// there would also remove it from the event queue of the parent.
    fn drop(&mut self) {
        match self.parts.take() {
            Some(parts) if self.is_foreign() => mem::forget(parts),
            Some((client, runtime)) => {
                drop(client);
                runtime.shutdown_background();
            }
            None => {}
        }
    }
}

impl fmt::Debug for OpenClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenClient").field("process", &self.process).finish_non_exhaustive()
    }
}

#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the method has the lifetime of one value, and the closure is for any"
)]
/// Waits for `work`, and ends early with the exception that a signal handler raises.
async fn interruptible<T>(work: impl Future<Output = T>) -> PyResult<T> {
    tokio::pin!(work);
    let mut ticks = interval(TICK);
    loop {
        select! {
            biased;
            done = &mut work => return Ok(done),
            _ = ticks.tick() => Python::attach(|py| py.check_signals())?,
        }
    }
}
