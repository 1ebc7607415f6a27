//! The slot of one connection: its share of the server's resources, and the offences of its source.

use crate::limits::{
    caps::NewConnection,
    conduct::{Conduct, Offence},
    in_flight::Frame,
    open_connections::{Common, Entry, Full},
    roster::Id,
    sources::Sources,
};
use fourauth_auth::source::Source;
use fourauth_protocol::device::DeviceId;
use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{sync::OwnedSemaphorePermit, time::Instant};
use tokio_util::sync::CancellationToken;

/// The slot of one connection. Dropping it frees the slot.
#[derive(Debug)]
pub(crate) struct ConnectionSlot {
    sources: Arc<Sources>,
    id: Id,
    source: Source,
    is_shared: bool,
    /// True if penalties apply to its address.
    is_answerable: bool,
    /// True until the first well-formed command.
    is_startup: AtomicBool,
    evicted: CancellationToken,
    common: Common,
}

/// A command that is being decided. Its connection counts as idle again once this is dropped.
#[must_use]
#[derive(Debug)]
pub(crate) struct Deciding {
    sources: Arc<Sources>,
    id: Id,
}

impl Sources {
    /// Takes a slot for a new connection. If none is free, evicts the longest idle connection that
    /// no proven device protects: one of the same source if that has reached its bound, otherwise
    /// one of the source or site with most connections.
    ///
    /// # Errors
    ///
    /// [`Full`] if too many evicted connections are still closing. The peer gets no answer, because
    /// that would cost a handshake.
    pub(crate) fn admit(
        self: &Arc<Self>,
        address: IpAddr,
        now: Instant,
    ) -> Result<ConnectionSlot, Full> {
        let (newcomer, is_answerable) = self.newcomer(address, now);
        let entry = self.enter(&newcomer, now)?;
        Ok(ConnectionSlot::new(Arc::clone(self), newcomer, is_answerable, entry))
    }
}

impl ConnectionSlot {
    fn new(
        sources: Arc<Sources>,
        newcomer: NewConnection,
        is_answerable: bool,
        entry: Entry,
    ) -> Self {
        let NewConnection { source, is_shared, .. } = newcomer;
        let Entry { id, evicted, common } = entry;
        let is_startup = AtomicBool::new(true);
        Self { sources, id, source, is_shared, is_answerable, is_startup, evicted, common }
    }

    /// Begins a frame in the byte budget of its source.
    #[must_use]
    pub(crate) fn frame(&self, now: Instant) -> Frame {
        self.common.budget.frame(now)
    }

    /// Waits for a permit to have a command decided. Each source has a fixed number of permits, so
    /// that it cannot delay all others.
    ///
    /// Never returns `None`, because the semaphore is never closed.
    pub(crate) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.common.turns).acquire_owned().await.ok()
    }

    /// Cancelled when the connection is evicted. A command that is being decided is answered first.
    #[must_use]
    pub(crate) fn evicted(&self) -> CancellationToken {
        self.evicted.clone()
    }

    /// Records that a frame has begun.
    pub(crate) fn begin(&self) {
        self.sources.connections().begin(self.id, Instant::now());
    }

    /// Records that a command is being decided, until the returned guard is dropped.
    pub(crate) fn decide(&self) -> Deciding {
        self.sources.connections().decide(self.id, true, Instant::now());
        Deciding { sources: Arc::clone(&self.sources), id: self.id }
    }

    /// Records that the peer has proved to be this device of an account.
    pub(crate) fn prove_device(&self, device: DeviceId) {
        self.sources.prove(self.id, device, Instant::now());
    }

    /// Records that a well-formed command has arrived. Only the first call has an effect.
    pub(crate) fn settle(&self) {
        if self.is_startup.swap(false, Ordering::Relaxed) {
            self.sources.connections().settle(self.id);
        }
    }

    /// True until the first well-formed command.
    #[must_use]
    pub(crate) fn is_startup(&self) -> bool {
        self.is_startup.load(Ordering::Relaxed)
    }

    /// True if many clients share its address.
    #[must_use]
    pub(crate) const fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Records the conduct of its source.
    pub(crate) fn note(&self, conduct: Conduct) {
        match conduct {
            Conduct::Neutral => {}
            Conduct::Offence(offence) => self.penalise(offence),
            Conduct::Proof => self.forgive(),
        }
    }

    /// Adds an offence to the penalty of its source.
    pub(crate) fn penalise(&self, offence: Offence) {
        if self.is_answerable
            && self.sources.penalties().penalise(self.source, offence, Instant::now())
        {
            tracing::warn!(source = %self.source, ?offence, "source blocked");
        }
    }

    /// Clears the penalty of its source, unless it is enforced.
    pub(crate) fn forgive(&self) {
        if self.is_answerable {
            self.sources.penalties().forgive(self.source, Instant::now());
        }
    }

    /// How long its source is blocked, or `None` if it is not.
    #[must_use]
    pub(crate) fn penalty(&self) -> Option<Duration> {
        let remaining = || self.sources.penalties().remaining(self.source, Instant::now());
        self.is_answerable.then(remaining).flatten()
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        // Input of the peer caused the panic.
        if std::thread::panicking() {
            self.penalise(Offence::Crash);
        }
        self.sources.connections().leave(self.id);
    }
}

impl Drop for Deciding {
    fn drop(&mut self) {
        self.sources.connections().decide(self.id, false, Instant::now());
    }
}
