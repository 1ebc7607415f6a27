//! A client for programs without an async runtime.
//!
//! [`Client`] has the methods of [`Connection`](crate::Connection), one for each command, and each
//! of them waits for its answer. It can be cloned and used from any thread, also from several at
//! once: each command has a connection of its own while it waits.
//!
//! ```no_run
//! use fourauth_client::{
//!     Fingerprint, Outcome, ServerAddress, Trust,
//!     blocking::Client,
//!     protocol::{command::Login, username::Username},
//! };
//!
//! let pin = Fingerprint::parse(&std::fs::read_to_string("fourauthd.pin")?)?;
//! let client = Client::new(ServerAddress::parse("auth.example.org:65432")?, Trust::Pin(pin))?;
//! let login = Login::new(Username::parse("alice")?, "violet-Ox-42".to_owned());
//! match client.login(login)? {
//!     Outcome::Granted(session) => println!("logged in until {:?}", session.expires_at),
//!     Outcome::Refused(refusal) => println!("{} ({:?})", refusal.message, refusal.code),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Inside an async runtime
//!
//! The methods may be called there and do not panic. The calling thread waits, and so do the other
//! tasks of that thread. An async program uses [`crate::Client`], or calls these methods in
//! `tokio::task::spawn_blocking`.

mod session;

pub use session::Session;

use crate::{
    address::ServerAddress, error::Error, identity::Identity, outcome::Outcome, trust::Trust,
};
use fourauth_protocol::{
    answer::Answer,
    command::{Command, Login},
};
use std::{fmt, io, panic::resume_unwind, sync::Arc, thread};
use tokio::runtime::{self, Handle, Runtime};

/// Connects to a server and waits for its answers. Cheap to clone; clones share idle connections,
/// TLS sessions and one runtime. It starts no thread of its own, except for the lookup of names.
///
/// It keeps connections open between commands and never repeats a command, like
/// [`crate::Client`].
#[derive(Clone)]
pub struct Client {
    client: crate::Client,
    runtime: Arc<Own>,
}

impl Client {
    /// A client with the default limits and TLS 1.3 only. For other options, see
    /// [`Builder::build_blocking`](crate::Builder::build_blocking).
    ///
    /// # Errors
    ///
    /// Those of [`Builder::build_blocking`](crate::Builder::build_blocking).
    pub fn new(server: ServerAddress, trust: Trust) -> io::Result<Self> {
        crate::Client::builder(server, trust).build_blocking()
    }

    /// Uses `client` on a runtime of its own. No other client may share its connections.
    pub(crate) fn over(client: crate::Client) -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { client, runtime: Arc::new(Own(Some(runtime))) })
    }

    /// Adds the identity of this device. On each connection its proof goes in front of the first
    /// command that names an account and a device.
    #[must_use]
    pub fn with_identity(self, identity: impl Into<Arc<Identity>>) -> Self {
        Self { client: self.client.with_identity(identity), ..self }
    }

    /// The addresses, in the order in which they were given.
    #[must_use]
    pub fn servers(&self) -> &[ServerAddress] {
        self.client.servers()
    }

    /// Sends one command on a connection that is open or new, and waits for the answer, which may
    /// be a denial.
    ///
    /// # Errors
    ///
    /// Those of [`crate::Client::send`], and [`Error::Connect`] if the operating system has no more
    /// threads for a call inside an async runtime.
    pub fn send(&self, command: Command) -> Result<Answer, Error> {
        self.wait_for(|client| async move { client.send(command).await })
    }

    /// True if the server accepts the login: 4Auth's `login()`, for programs that need no more.
    ///
    /// # Errors
    ///
    /// Those of [`Client::send`]. Only an answer of the trusted server gives `true`.
    pub fn login_once(&self, login: Login) -> Result<bool, Error> {
        self.login(login).map(|outcome| Outcome::is_granted(&outcome))
    }

    /// Runs `work` to its end on the client's own runtime.
    pub(crate) fn wait_for<'a, T: Send, F>(
        &'a self,
        work: impl FnOnce(&'a crate::Client) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        let work = work(&self.client);
        if Handle::try_current().is_err() {
            return self.runtime.block_on(work);
        }
        // A thread that belongs to a runtime must not enter another one.
        thread::scope(|scope| {
            let thread = thread::Builder::new()
                .spawn_scoped(scope, || self.runtime.block_on(work))
                .map_err(Error::Connect)?;
            thread.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("blocking::Client").field(&self.client).finish()
    }
}

/// The runtime of a client. It is there until drop takes it.
struct Own(Option<Runtime>);

impl Own {
    fn block_on<F: Future>(&self, work: F) -> F::Output {
        self.0.as_ref().expect("it is taken by drop only").block_on(work)
    }
}

impl Drop for Own {
    /// Waits for nothing: inside an async runtime, dropping a runtime would panic.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
