//! The slot of one connection: its share of the server's resources, and the offences of its source.

use crate::limits::{
    caps::NewConnection,
    conduct::Offence,
    in_flight::{Budget, Frame},
    last_use::LastUse,
    open_connections::{Common, Entry, Full},
    roster::Id,
    source_limits::SourceLimits,
    sources::Sources,
};
use fourauth_auth::source::Source;
use fourauth_protocol::device::DeviceId;
use std::{
    net::{IpAddr, Ipv4Addr},
    ops::Deref,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The slot of one connection. Dropping it frees the slot.
#[derive(Debug)]
pub(crate) struct ConnectionSlot {
    limits: SourceLimits,
    id: Id,
    /// True until the first well-formed command.
    is_startup: AtomicBool,
    evicted: CancellationToken,
    /// The byte budget for its frames.
    budget: Budget,
    used: LastUse,
}

/// A command that is being decided. Its connection counts as idle again once this is dropped.
#[must_use]
#[derive(Debug)]
pub(crate) struct Deciding(Activity);

/// One connection among the open ones.
#[derive(Debug)]
pub(crate) struct Activity {
    sources: Arc<Sources>,
    id: Id,
    used: LastUse,
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

    /// The slot of a connection inside this process. It counts towards no bound and is never
    /// evicted.
    pub(crate) fn inside(self: &Arc<Self>) -> ConnectionSlot {
        let source = Source::from(IpAddr::from(Ipv4Addr::LOCALHOST));
        let newcomer = NewConnection { source, is_shared: true, is_penalised: false };
        let entry = Entry::outside_the_bounds(self.gateway_budget());
        ConnectionSlot::new(Arc::clone(self), newcomer, false, entry)
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
        let Entry { id, evicted, used, common: Common { budget, turns } } = entry;
        let limits = SourceLimits { sources, source, is_shared, is_answerable, turns };
        Self { limits, id, is_startup: AtomicBool::new(true), evicted, budget, used }
    }

    /// How full the byte budget of all sources is, in percent.
    #[must_use]
    pub(crate) fn fullness(&self) -> u32 {
        self.budget.fullness()
    }

    /// Begins a frame in the byte budget of its source.
    #[must_use]
    pub(crate) fn frame(&self, now: Instant) -> Frame {
        self.budget.frame(now)
    }

    /// Cancelled when the connection is evicted. A command that is being decided is answered first.
    #[must_use]
    pub(crate) fn evicted(&self) -> CancellationToken {
        self.evicted.clone()
    }

    /// Records that a frame has begun.
    pub(crate) fn begin(&self) {
        self.limits.sources.connections().begin(self.id, Instant::now());
    }

    /// Records that a command is being decided, until the returned guard is dropped.
    pub(crate) fn decide(&self) -> Deciding {
        self.activity().decide()
    }

    /// Marks the connection as used, while the connection itself is borrowed.
    pub(crate) fn activity(&self) -> Activity {
        let (sources, used) = (Arc::clone(&self.limits.sources), self.used.clone());
        Activity { sources, id: self.id, used }
    }

    /// Records that the peer has proved to be this device of an account.
    pub(crate) fn prove_device(&self, device: DeviceId) {
        self.limits.sources.prove(self.id, device, Instant::now());
    }

    /// Records that a well-formed command has arrived. Only the first call has an effect.
    pub(crate) fn settle(&self) {
        if self.is_startup.swap(false, Ordering::Relaxed) {
            self.limits.sources.connections().settle(self.id);
        }
    }

    /// True until the first well-formed command.
    #[must_use]
    pub(crate) fn is_startup(&self) -> bool {
        self.is_startup.load(Ordering::Relaxed)
    }

    /// Makes this the slot of a gateway: its frames are never dropped for those of others.
    pub(crate) fn become_gateway(&mut self) {
        self.budget = self.limits.sources.gateway_budget();
    }
}

impl Activity {
    /// Records that a command is being decided, until the returned guard is dropped.
    fn decide(self) -> Deciding {
        self.sources.connections().decide(self.id, true, Instant::now());
        Deciding(self)
    }

    /// Runs the decision of a command. If it has to wait for anything, the connection counts as one
    /// with a command that is being decided. Otherwise it only counts as used now, which takes no
    /// lock.
    pub(crate) async fn busy_while<T>(self, mut deciding: Pin<&mut impl Future<Output = T>>) -> T {
        let used = self.used.clone();
        tokio::select! {
            biased;
            decided = &mut deciding => {
                used.now();
                decided
            }
            _busy = async { self.decide() } => deciding.await,
        }
    }
}

impl Deref for ConnectionSlot {
    type Target = SourceLimits;

    fn deref(&self) -> &SourceLimits {
        &self.limits
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        // Input of the peer caused the panic.
        if std::thread::panicking() {
            self.penalise(Offence::Crash);
        }
        self.limits.sources.connections().leave(self.id);
    }
}

impl Drop for Deciding {
    fn drop(&mut self) {
        let Activity { sources, id, .. } = &self.0;
        sources.connections().decide(*id, false, Instant::now());
    }
}
