//! Cost of a password hash.

use super::{NotAHash, TAG_BYTES};
use argon2::Params;

/// Highest cost of a hash, about half a second. A manipulated row must not be able to ask for days
/// of work.
const MAX_COST: Cost = Cost { memory_kib: 256 * 1024, passes: 8 };

/// The work of one check. It is the same for every account, including unknown ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over that memory.
    pub passes: u32,
}

/// 19 MiB and two passes with one lane: the recommendation of OWASP, about 25 ms on one core.
impl Default for Cost {
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, passes: 2 }
    }
}

impl Cost {
    /// Returns the cost if hashes can be made and later checked with it.
    ///
    /// # Errors
    ///
    /// [`NotAHash`] if it is outside the limits of RFC 9106 §3.1, or so high that
    /// [`Hash::parse`](super::Hash::parse) would refuse the result.
    pub fn checked(self) -> Result<Self, NotAHash> {
        let affordable = self.memory_kib <= MAX_COST.memory_kib && self.passes <= MAX_COST.passes;
        if affordable { self.params().map(|_| self) } else { Err(NotAHash) }
    }

    pub(super) fn params(self) -> Result<Params, NotAHash> {
        Params::new(self.memory_kib, self.passes, 1, Some(TAG_BYTES)).map_err(|_| NotAHash)
    }
}
