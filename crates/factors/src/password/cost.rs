//! How much work a hash is.

use super::{NotAHash, TAG_BYTES};
use argon2::Params;

/// Dearest parameters that a hash may have: about half a second. A hostile row must not be able to
/// name days.
const MAX_COST: Cost = Cost { memory_kib: 256 * 1024, passes: 8 };

/// How much work one check costs. The same for every account, including those that do not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over that memory.
    pub passes: u32,
}

/// 19 MiB and two passes with one lane: OWASP's recommendation, about 25 ms of one core.
impl Default for Cost {
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, passes: 2 }
    }
}

impl Cost {
    /// The same cost, if hashes can be made and later checked at it.
    ///
    /// # Errors
    ///
    /// [`NotAHash`] if it is outside what RFC 9106 §3.1 allows, or so dear that [`Hash::parse`](super::Hash::parse)
    /// would refuse the result.
    pub fn checked(self) -> Result<Self, NotAHash> {
        let affordable = self.memory_kib <= MAX_COST.memory_kib && self.passes <= MAX_COST.passes;
        if affordable { self.params().map(|_| self) } else { Err(NotAHash) }
    }

    pub(super) fn params(self) -> Result<Params, NotAHash> {
        Params::new(self.memory_kib, self.passes, 1, Some(TAG_BYTES)).map_err(|_| NotAHash)
    }
}
