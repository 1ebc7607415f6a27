//! A quorum time that was refused, or that needs a confirmation.

use crate::{
    anchor::{Anchor, STEP_MS},
    event::Refusal,
    wall::BootMillis,
};

/// Shortest time between a refused quorum and the one that confirms it, in milliseconds.
const CONFIRMATION_MS: i64 = 60_000;

/// A quorum time that was refused.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dispute {
    pub(crate) since: BootMillis,
    pub(crate) offered: Anchor,
    pub(crate) why: Refusal,
}

impl Dispute {
    /// True if `offered` is the same time at `boot`.
    pub(crate) fn is_repeated_by(&self, offered: &Anchor, boot: BootMillis) -> bool {
        let reach = self.offered.joint_error_at(offered, boot).max(STEP_MS);
        self.offered.step_to(offered, boot).saturating_abs() <= reach
    }

    /// True if `offered` is the same time, and comes long enough afterwards.
    pub(crate) fn is_confirmed_by(&self, offered: &Anchor, boot: BootMillis) -> bool {
        boot.millis_since(self.since) >= CONFIRMATION_MS && self.is_repeated_by(offered, boot)
    }
}
