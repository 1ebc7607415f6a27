//! The place of one connection: what it takes of the server, and what its source answers for.

use crate::{
    caps::Newcomer,
    conduct::{Conduct, Offence},
    crowd::{Common, Entry},
    in_flight::Frame,
    roster::Id,
    sources::Sources,
};
use fourauth_auth::source::Source;
use fourauth_protocol::device::DeviceId;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{sync::OwnedSemaphorePermit, time::Instant};
use tokio_util::sync::CancellationToken;

/// The place of one connection, given back when dropped.
#[derive(Debug)]
pub struct Place {
    sources: Arc<Sources>,
    id: Id,
    source: Source,
    is_shared: bool,
    /// Whether penalties meet it.
    is_answerable: bool,
    /// Whether nothing well-formed has come yet.
    is_startup: AtomicBool,
    evicted: CancellationToken,
    common: Common,
}

/// A command that is being decided. Its connection counts as idle again once this is dropped.
#[must_use]
#[derive(Debug)]
pub struct Deciding {
    sources: Arc<Sources>,
    id: Id,
}

impl Place {
    pub(crate) fn new(
        sources: Arc<Sources>,
        newcomer: Newcomer,
        is_answerable: bool,
        entry: Entry,
    ) -> Self {
        let Newcomer { source, is_shared, .. } = newcomer;
        let Entry { id, evicted, common } = entry;
        let is_startup = AtomicBool::new(true);
        Self { sources, id, source, is_shared, is_answerable, is_startup, evicted, common }
    }

    /// A frame that begins now, to count what it holds.
    #[must_use]
    pub fn frame(&self, now: Instant) -> Frame {
        self.common.budget.frame(now)
    }

    /// Waits until it is this connection's turn to have a command decided: of one source only so
    /// many are at the same time, so that it cannot keep all others waiting.
    ///
    /// `None` is as good: the queue is never closed.
    pub async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.common.turns).acquire_owned().await.ok()
    }

    /// Cancelled once another connection takes its place. What is being decided is answered first.
    #[must_use]
    pub fn evicted(&self) -> CancellationToken {
        self.evicted.clone()
    }

    /// Says that a frame has begun.
    pub fn begin(&self) {
        self.sources.crowd().begin(self.id, Instant::now());
    }

    /// Says that a command is being decided, until what is returned is dropped.
    pub fn decide(&self) -> Deciding {
        self.sources.crowd().decide(self.id, true, Instant::now());
        Deciding { sources: Arc::clone(&self.sources), id: self.id }
    }

    /// Says that its peer has proved to be this device of an account.
    pub fn prove_device(&self, device: DeviceId) {
        self.sources.prove(self.id, device, Instant::now());
    }

    /// Says that something well-formed has come. Once is enough.
    pub fn settle(&self) {
        if self.is_startup.swap(false, Ordering::Relaxed) {
            self.sources.crowd().settle(self.id);
        }
    }

    /// Whether nothing well-formed has come yet.
    #[must_use]
    pub fn is_startup(&self) -> bool {
        self.is_startup.load(Ordering::Relaxed)
    }

    /// Whether its address identifies no one.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Remembers how its source behaved.
    pub fn note(&self, conduct: Conduct) {
        match conduct {
            Conduct::Neutral => {}
            Conduct::Offence(offence) => self.penalise(offence),
            Conduct::Proof => self.forgive(),
        }
    }

    /// Holds an offence against its source.
    pub fn penalise(&self, offence: Offence) {
        if self.is_answerable
            && self.sources.penalties().penalise(self.source, offence, Instant::now())
        {
            tracing::warn!(source = %self.source, ?offence, "a source has to stay away");
        }
    }

    /// Forgives its source what has not led to a penalty yet.
    pub fn forgive(&self) {
        if self.is_answerable {
            self.sources.penalties().forgive(self.source, Instant::now());
        }
    }

    /// How long its source has to stay away, if it has to.
    #[must_use]
    pub fn penalty(&self) -> Option<Duration> {
        let remaining = || self.sources.penalties().remaining(self.source, Instant::now());
        self.is_answerable.then(remaining).flatten()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Its connection is being torn down by what its peer sent.
        if std::thread::panicking() {
            self.penalise(Offence::Crash);
        }
        self.sources.crowd().leave(self.id);
    }
}

impl Drop for Deciding {
    fn drop(&mut self) {
        self.sources.crowd().decide(self.id, false, Instant::now());
    }
}
