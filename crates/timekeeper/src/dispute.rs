//! A time the servers agree on and we do not believe, or not yet.

use crate::{
    anchor::{Anchor, STEP_MS},
    event::Refusal,
    wall::BootMillis,
};

/// How long after a disputed agreement a second one confirms it, in milliseconds.
const CONFIRMATION_MS: i64 = 60_000;

/// An agreement of servers that was not believed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dispute {
    pub(crate) since: BootMillis,
    pub(crate) offered: Anchor,
    pub(crate) why: Refusal,
}

impl Dispute {
    /// Whether `offered` says the same at `boot`.
    pub(crate) fn is_repeated_by(&self, offered: &Anchor, boot: BootMillis) -> bool {
        let reach = self.offered.joint_error_at(offered, boot).max(STEP_MS);
        self.offered.step_to(offered, boot).saturating_abs() <= reach
    }

    /// Whether `offered` says the same long enough after it.
    pub(crate) fn is_confirmed_by(&self, offered: &Anchor, boot: BootMillis) -> bool {
        boot.millis_since(self.since) >= CONFIRMATION_MS && self.is_repeated_by(offered, boot)
    }
}
