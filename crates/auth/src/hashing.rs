//! Password hashing on the compute pool. Each thread keeps its own working memory.

use crate::{
    compute::{Compute, Overload, Requester},
    entropy,
};
use fourauth_factors::{
    Finding,
    password::{self, Cost, Hash, Memory, NotAHash, Pepper},
    password_rule::NewPassword,
};
use fourauth_protocol::secret::Secret;
use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tracing::{Instrument as _, Span};

thread_local! {
    /// 19 MiB per thread, kept for the lifetime of the thread.
    static MEMORY: RefCell<Memory> = RefCell::default();
}

/// Hashes passwords and compares them with hashes.
#[derive(Debug, Clone)]
pub struct Hasher {
    compute: Compute,
    cost: Cost,
    pepper: Arc<Pepper>,
    hashes: Arc<AtomicU64>,
}

impl Hasher {
    /// Creates a hasher that makes new hashes at `cost`.
    ///
    /// # Errors
    ///
    /// [`NotAHash`] if Argon2 does not accept `cost`.
    pub fn new(compute: Compute, cost: Cost, pepper: Pepper) -> Result<Self, NotAHash> {
        let cost = cost.checked()?;
        Ok(Self { compute, cost, pepper: Arc::new(pepper), hashes: Arc::default() })
    }

    /// The pool that it uses.
    pub(crate) const fn compute(&self) -> &Compute {
        &self.compute
    }

    /// Compares a password with a hash.
    ///
    /// # Errors
    ///
    /// [`Overload`] if nothing was compared.
    pub(crate) async fn check(
        &self,
        hash: Hash,
        offered: Secret<String>,
        by: Requester,
    ) -> Result<Finding, Overload> {
        let pepper = Arc::clone(&self.pepper);
        self.hashes.fetch_add(1, Ordering::Relaxed);
        let check = move || with_memory(|memory| password::check(&hash, &offered, &pepper, memory));
        self.compute.run(by, check).instrument(span()).await
    }

    /// Returns the index of the hash that matches the password. Every hash is compared, and `by` is
    /// charged for all of them as one job.
    ///
    /// # Errors
    ///
    /// [`Overload`] if nothing was compared.
    pub(crate) async fn find(
        &self,
        hashes: Vec<Hash>,
        offered: Secret<String>,
        by: Requester,
    ) -> Result<Option<usize>, Overload> {
        let pepper = Arc::clone(&self.pepper);
        self.hashes.fetch_add(hashes.len() as u64, Ordering::Relaxed);
        let findings = move || {
            with_memory(|memory| {
                hashes.iter().map(|hash| password::check(hash, &offered, &pepper, memory)).collect()
            })
        };
        let findings: Vec<Finding> = self.compute.run(by, findings).instrument(span()).await?;
        Ok(findings.iter().position(|finding| finding.is_match()))
    }

    /// Hashes a new password at the configured cost.
    ///
    /// # Errors
    ///
    /// [`Overload`] if nothing was hashed.
    ///
    /// # Panics
    ///
    /// Never: [`Hasher::new`] has checked the cost.
    pub async fn create(&self, password: NewPassword, by: Requester) -> Result<Hash, Overload> {
        let pepper = Arc::clone(&self.pepper);
        let cost = self.cost;
        let salt = entropy::bytes();
        self.hashes.fetch_add(1, Ordering::Relaxed);
        self.compute
            .run(by, move || {
                with_memory(|memory| Hash::create(&password, salt, cost, &pepper, memory))
                    .expect("the cost has been checked")
            })
            .instrument(span())
            .await
    }

    /// True if a hash does not have the configured cost and should be replaced when its password
    /// is next verified.
    #[must_use]
    pub(crate) fn is_outdated(&self, hash: &Hash) -> bool {
        hash.is_outdated(self.cost)
    }

    /// Number of hashes made or compared since the server started.
    #[must_use]
    pub(crate) fn hashes(&self) -> u64 {
        self.hashes.load(Ordering::Relaxed)
    }
}

/// The wait for a thread and the hash, for traces.
fn span() -> Span {
    tracing::info_span!("hash")
}

fn with_memory<T>(work: impl FnOnce(&mut Memory) -> T) -> T {
    MEMORY.with_borrow_mut(work)
}
