//! Password hashes, on the compute pool, with memory that each thread keeps.

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

thread_local! {
    /// 19 MiB a thread, for as long as the thread lives.
    static MEMORY: RefCell<Memory> = RefCell::default();
}

/// Hashes passwords.
#[derive(Debug, Clone)]
pub struct Hasher {
    compute: Compute,
    cost: Cost,
    pepper: Arc<Pepper>,
    hashes: Arc<AtomicU64>,
}

impl Hasher {
    /// A hasher that makes hashes of `cost`.
    ///
    /// # Errors
    ///
    /// [`NotAHash`] if no hash can be made at that cost.
    pub fn new(compute: Compute, cost: Cost, pepper: Pepper) -> Result<Self, NotAHash> {
        let cost = cost.checked()?;
        Ok(Self { compute, cost, pepper: Arc::new(pepper), hashes: Arc::default() })
    }

    /// Compares a password with a hash.
    ///
    /// # Errors
    ///
    /// [`Overload`] if nothing was compared.
    pub async fn check(
        &self,
        hash: Hash,
        offered: Secret<String>,
        by: Requester,
    ) -> Result<Finding, Overload> {
        let pepper = Arc::clone(&self.pepper);
        self.hashes.fetch_add(1, Ordering::Relaxed);
        let check = move || with_memory(|memory| password::check(&hash, &offered, &pepper, memory));
        self.compute.run(by, check).await
    }

    /// Which of `hashes` the password fits. All are tried, whichever fits, in one job that costs its
    /// source as much as all of them.
    ///
    /// # Errors
    ///
    /// [`Overload`] if nothing was compared.
    pub async fn find(
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
        let findings: Vec<Finding> = self.compute.run(by, findings).await?;
        Ok(findings.iter().position(|finding| finding.is_match()))
    }

    /// Hashes a new password at today's cost.
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
            .await
    }

    /// Whether a hash should be made anew when its password is next seen.
    #[must_use]
    pub fn is_outdated(&self, hash: &Hash) -> bool {
        hash.is_outdated(self.cost)
    }

    /// Hashes made or compared since start.
    #[must_use]
    pub fn hashes(&self) -> u64 {
        self.hashes.load(Ordering::Relaxed)
    }
}

fn with_memory<T>(work: impl FnOnce(&mut Memory) -> T) -> T {
    MEMORY.with_borrow_mut(work)
}
