//! Trust: which changes a command may make at once, which have to wait, and which are denied.
//!
//! Only a proven key or a recovery code gives trust. A place (a MAC address at a network source)
//! gives none, because a neighbour can copy it.

use crate::decision::Denial;
use fourauth_protocol::time::UnixMillis;
use fourauth_store::LoginLocation;

/// The facts that trust is based on, for a command with matching factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TrustFacts {
    /// The time from which the proven device is trusted; `None` without a proven device.
    pub(crate) key_trusted_from: Option<UnixMillis>,
    /// True if the command came with a right recovery code.
    pub(crate) has_recovery_code: bool,
    /// The time at which every factor of the account has settled.
    pub(crate) all_settled: UnixMillis,
    /// The time at which the command arrived.
    pub(crate) at: UnixMillis,
    /// How long a new factor or device settles, in milliseconds.
    pub(crate) cooldown_ms: i64,
}

/// The trust in a factor that has just been replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replaced {
    /// It may change other factors at once.
    Trusted,
    /// It may not change other factors before this time.
    Settles(UnixMillis),
}

impl TrustFacts {
    /// True if the command has a recovery code or a trusted key.
    pub(crate) fn is_trusted(&self) -> bool {
        self.has_recovery_code || self.key_trusted_from.is_some_and(|from| from <= self.at)
    }

    /// The time from which a device that this command binds is trusted.
    pub(crate) fn trusts_from(&self) -> UnixMillis {
        if self.is_trusted() { self.at } else { self.at.saturating_add_ms(self.cooldown_ms) }
    }

    /// The time from which the first key of an account is trusted, if a login brings it. An account
    /// that was never used trusts it at once, because there is no earlier user to lock out.
    pub(crate) fn first_key_trusted_from(&self, was_used_before: bool) -> UnixMillis {
        if was_used_before { self.trusts_from() } else { self.at }
    }

    /// True if a login may make its device or place known. It may not if a factor is settling and
    /// the login is not trusted.
    pub(crate) fn is_settled(&self) -> bool {
        self.is_trusted() || self.all_settled <= self.at
    }

    /// Checks that another device may be bound.
    ///
    /// Without a proven key: [`Denial::DeviceKeyNeeded`]. While a factor is settling, without
    /// trust: [`Denial::CoolingDown`].
    pub(crate) fn may_bind(&self) -> Result<(), Denial> {
        match self.key_trusted_from {
            None => Err(Denial::DeviceKeyNeeded),
            Some(_) if !self.is_settled() => Err(self.until(self.all_settled)),
            Some(_) => Ok(()),
        }
    }

    /// Checks that a device may be revoked.
    ///
    /// Without a proven key: [`Denial::DeviceKeyNeeded`]. While that key is not trusted yet:
    /// [`Denial::CoolingDown`].
    pub(crate) fn may_revoke(&self) -> Result<(), Denial> {
        match self.key_trusted_from {
            None => Err(Denial::DeviceKeyNeeded),
            Some(from) if !self.is_trusted() => Err(self.until(from)),
            Some(_) => Ok(()),
        }
    }

    /// Checks that a factor may be replaced, and returns the trust in the new one. The factors that
    /// prove the command have all settled at `used_settled`.
    ///
    /// Without a required recovery code: [`Denial::RecoveryCodeNeeded`]. While a factor that was
    /// used is settling, without trust: [`Denial::CoolingDown`].
    pub(crate) fn may_recover(
        &self,
        used_settled: UnixMillis,
        needs_recovery_code: bool,
    ) -> Result<Replaced, Denial> {
        if needs_recovery_code && !self.has_recovery_code {
            return Err(Denial::RecoveryCodeNeeded);
        }
        if self.is_trusted() {
            return Ok(Replaced::Trusted);
        }
        if used_settled > self.at {
            return Err(self.until(used_settled));
        }
        Ok(Replaced::Settles(self.trusts_from()))
    }

    fn until(&self, instant: UnixMillis) -> Denial {
        Denial::CoolingDown(u64::try_from(instant.0.saturating_sub(self.at.0)).unwrap_or(0))
    }
}

/// The answer that delivered an account's present TOTP secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TotpDelivery {
    /// The time and place that it was sent to.
    pub(crate) sent: Option<(UnixMillis, LoginLocation)>,
    /// True if the secret has been used.
    pub(crate) is_confirmed: bool,
}

/// How long the answer may be repeated, in milliseconds. The old secret has been replaced, so a
/// lost answer would leave the owner without a secret.
const REPEAT_MS: i64 = 60_000;

impl TotpDelivery {
    /// True if the answer may be sent again to `to`. `None` is a peer that cannot be identified.
    pub(crate) fn may_repeat(&self, to: Option<LoginLocation>, at: UnixMillis) -> bool {
        self.sent.is_some_and(|(sent, place)| {
            let passed = at.0.saturating_sub(sent.0);
            !self.is_confirmed && to == Some(place) && (0..REPEAT_MS).contains(&passed)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_795_262_400_000);
    const DAY_MS: i64 = 86_400_000;
    const DAY: u64 = 86_400_000;
    const TOMORROW: UnixMillis = UnixMillis(NOW.0 + DAY_MS);
    const LATER: UnixMillis = UnixMillis(NOW.0 + 1);
    const NEVER: UnixMillis = UnixMillis(0);

    fn trust_facts(key: Option<UnixMillis>, code: bool, settled: UnixMillis) -> TrustFacts {
        TrustFacts {
            key_trusted_from: key,
            has_recovery_code: code,
            all_settled: settled,
            at: NOW,
            cooldown_ms: DAY_MS,
        }
    }

    #[test]
    fn only_a_trusted_key_or_a_recovery_code_gives_trust() {
        for (key, code, trusted) in [
            (None, false, false),
            (None, true, true),
            (Some(NOW), false, true),
            (Some(LATER), false, false),
            (Some(LATER), true, true),
        ] {
            let facts = trust_facts(key, code, NEVER);
            assert_eq!(facts.is_trusted(), trusted, "{facts:?}");
            assert_eq!(facts.trusts_from(), if trusted { NOW } else { TOMORROW }, "{facts:?}");
        }
    }

    #[test]
    fn the_first_key_of_an_account_in_use_waits_a_day() {
        for (key, code, used, from) in [
            (None, false, false, NOW),
            (None, false, true, TOMORROW),
            (None, true, true, NOW),
            (Some(LATER), false, true, TOMORROW),
        ] {
            let facts = trust_facts(key, code, NEVER);
            assert_eq!(facts.first_key_trusted_from(used), from, "{facts:?} {used}");
        }
    }

    #[test]
    fn a_settling_factor_makes_no_device_or_place_known() {
        for (key, code, settled, is_settled) in [
            (None, false, NOW, true),
            (None, false, LATER, false),
            (None, true, LATER, true),
            (Some(LATER), false, LATER, false),
            (Some(NOW), false, LATER, true),
        ] {
            assert_eq!(trust_facts(key, code, settled).is_settled(), is_settled);
        }
    }

    #[test]
    fn only_a_proven_key_binds_another_device() {
        for (key, code, settled, outcome) in [
            (None, false, NEVER, Err(Denial::DeviceKeyNeeded)),
            (None, true, NEVER, Err(Denial::DeviceKeyNeeded)),
            (Some(NOW), false, NEVER, Ok(())),
            (Some(NOW), false, TOMORROW, Ok(())),
            (Some(LATER), false, NOW, Ok(())),
            (Some(LATER), false, TOMORROW, Err(Denial::CoolingDown(DAY))),
        ] {
            assert_eq!(trust_facts(key, code, settled).may_bind(), outcome, "{key:?} {code}");
        }
    }

    #[test]
    fn a_device_is_revoked_only_with_a_proven_and_trusted_key() {
        for (key, code, outcome) in [
            (None, false, Err(Denial::DeviceKeyNeeded)),
            (None, true, Err(Denial::DeviceKeyNeeded)),
            (Some(NOW), false, Ok(())),
            (Some(TOMORROW), false, Err(Denial::CoolingDown(DAY))),
            (Some(TOMORROW), true, Ok(())),
        ] {
            assert_eq!(trust_facts(key, code, TOMORROW).may_revoke(), outcome, "{key:?} {code}");
        }
    }

    #[test]
    fn a_settling_factor_replaces_no_other_without_trust() {
        let settles = Ok(Replaced::Settles(TOMORROW));
        let waits = Err(Denial::CoolingDown(DAY));
        let needed = Err(Denial::RecoveryCodeNeeded);
        for (key, code, used_settled, needs_code, outcome) in [
            (None, false, NOW, false, settles),
            (None, false, TOMORROW, false, waits),
            (None, false, NOW, true, needed),
            (None, true, TOMORROW, false, Ok(Replaced::Trusted)),
            (None, true, TOMORROW, true, Ok(Replaced::Trusted)),
            (Some(LATER), false, NOW, false, settles),
            (Some(LATER), false, TOMORROW, false, waits),
            (Some(NOW), false, TOMORROW, false, Ok(Replaced::Trusted)),
            (Some(NOW), false, NOW, true, needed),
        ] {
            let actual = trust_facts(key, code, NEVER).may_recover(used_settled, needs_code);
            assert_eq!(actual, outcome, "{key:?} {code} {used_settled:?} {needs_code}");
        }
    }

    #[test]
    fn an_answer_is_repeated_to_its_place_for_a_minute() {
        let (here, there) =
            (LoginLocation::new(None, "192.0.2.1"), LoginLocation::new(None, "192.0.2.2"));
        for (sent, to, passed, is_confirmed, repeated) in [
            (Some(here), Some(here), 0, false, true),
            (Some(here), Some(here), 59_999, false, true),
            (Some(here), Some(here), 60_000, false, false),
            (Some(here), Some(here), -1, false, false),
            (Some(here), Some(here), 0, true, false),
            (Some(here), Some(there), 0, false, false),
            (Some(here), None, 0, false, false),
            (None, Some(here), 0, false, false),
            (None, None, 0, false, false),
        ] {
            let sent = sent.map(|place| (NOW, place));
            let delivery = TotpDelivery { sent, is_confirmed };
            let at = UnixMillis(NOW.0 + passed);
            assert_eq!(delivery.may_repeat(to, at), repeated, "{delivery:?} {to:?} {passed}");
        }
    }
}
