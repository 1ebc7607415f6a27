//! What an operator may accept: a time that was refused, or the end of the bar of `strict`.

use super::{Base, LastRound, SYNCED_ERROR_MS, Trust, behind, by_wall};
use crate::{
    event::{Event, NotAccepted},
    settings::Profile,
    wall::Moment,
};

/// How far an offer may have moved since the operator saw it, in milliseconds. Two that are as near
/// to each other are the same time.
const SAME_OFFER_MS: i64 = SYNCED_ERROR_MS;

impl Trust {
    /// How far an operator would move the time by accepting, in milliseconds; `None` if there is
    /// nothing to accept.
    ///
    /// What the servers agree on, if that was refused; else the system clock, if they never agreed
    /// on anything and `secure` goes by it; else nothing but an end of the bar. While `strict` has
    /// not heard its servers there is nothing that an operator could vouch for.
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

    /// An operator vouches for what was offered. The floor and the bar yield to it.
    ///
    /// # Errors
    ///
    /// [`NotAccepted`] unless `offer_ms` is what is offered now; nothing has changed then.
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
        if let Base::System(anchor) | Base::Quorum(anchor) = self.base {
            self.floor = behind(anchor, now.boot);
        }
        let by_ms = self.utc_at(now).millis_since(before);
        let mut events = vec![Event::Stepped { by_ms, by_operator: true }];
        self.report(now, &mut events);
        Ok(events)
    }
}
