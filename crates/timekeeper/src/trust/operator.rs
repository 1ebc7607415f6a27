//! Offers that an operator may accept: a refused time, or the end of the wait of `strict`.

use super::{Base, LastRound, SYNCED_ERROR_MS, Trust, behind, by_wall};
use crate::{
    event::{Event, NotAccepted},
    settings::Profile,
    wall::Moment,
};

/// Largest difference between two offers that count as the same, in milliseconds.
const SAME_OFFER_MS: i64 = SYNCED_ERROR_MS;

impl Trust {
    /// How far the time would move if an operator accepted, in milliseconds; `None` if no time is
    /// offered.
    ///
    /// A refused quorum is offered first. Otherwise `secure` offers the system clock if there was
    /// no quorum yet, and `strict` offers the end of its wait if there was one.
    pub(super) fn offer_ms(&self, now: Moment) -> Option<i64> {
        if let Some(dispute) = self.dispute {
            return Some(self.step_to(&dispute.offered, now));
        }
        match (self.base, self.profile) {
            (Base::Quorum(_), Profile::Strict) => self.barred.then_some(0),
            (Base::Quorum(_), Profile::Secure)
            | (Base::System(_) | Base::Nothing, Profile::Strict) => None,
            (Base::Nothing, Profile::Secure) => Some(0),
            (Base::System(_), Profile::Secure) => {
                let by_ms = now.wall.millis_since(self.utc_at(now));
                (by_ms.saturating_abs() > SYNCED_ERROR_MS).then_some(by_ms)
            }
        }
    }

    /// Accepts the offered time in the name of an operator. Moves the floor and ends the wait.
    ///
    /// # Errors
    ///
    /// [`NotAccepted`] if `offer_ms` is not the current offer. Nothing is changed then.
    pub(crate) fn accept(&mut self, offer_ms: i64, now: Moment) -> Result<Vec<Event>, NotAccepted> {
        let offered = self.offer_ms(now).ok_or(NotAccepted::NothingOffered)?;
        if offered.saturating_sub(offer_ms).saturating_abs() > SAME_OFFER_MS {
            return Err(NotAccepted::OfferChanged);
        }
        let before = self.utc_at(now);
        match (self.dispute.take(), self.base) {
            (Some(dispute), _) => {
                self.base = Base::Quorum(dispute.offered);
                if self.last_round == LastRound::Refused {
                    self.last_round = LastRound::Agreed;
                }
            }
            (None, Base::Quorum(_)) => {}
            (None, Base::System(_) | Base::Nothing) => self.base = Base::System(by_wall(now)),
        }
        self.barred = false;
        self.moved = None;
        if let Base::System(anchor) | Base::Quorum(anchor) = self.base {
            self.floor = behind(anchor, now.boot);
        }
        let by_ms = self.utc_at(now).millis_since(before);
        let mut events = vec![Event::Stepped { by_ms, by_operator: true }];
        self.report(now, &mut events);
        Ok(events)
    }
}
