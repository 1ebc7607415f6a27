//! The factors that a policy names, and sets of them.

use crate::examination::Examination;
use Factor::{Clock, Device, DeviceKey, Face, Passcode, Password, ResetCode, Totp};
use fourauth_factors::Finding;
use fourauth_protocol::{level, receipt::Method};
use fourauth_store::Enrolled;

/// One factor that can be required.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Factor {
    /// The password.
    Password,
    /// A one-time code.
    Totp,
    /// A face.
    Face,
    /// A device of the account: by its key, or by its MAC address where that is enough.
    Device,
    /// The key of a device.
    DeviceKey,
    /// A client's clock that is right.
    Clock,
    /// A passcode that the server sent.
    Passcode,
    /// A code that the server sent to reset the password.
    ResetCode,
}

/// A set of factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Factors(u8);

impl Factor {
    const fn of(method: Method) -> Option<Self> {
        match method {
            Method::Password => Some(Password),
            Method::OneTimeCode => Some(Totp),
            Method::Face => Some(Face),
            Method::DeviceKey => Some(DeviceKey),
            _ => None,
        }
    }
}

impl Factors {
    /// True if the set has this factor.
    #[must_use]
    pub const fn contains(self, factor: Factor) -> bool {
        self.0 & Self::bit(factor) != 0
    }

    /// True if the set has no factor.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// True if both sets have a factor in common.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The factors of this set that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The factors that an examination found right, and the key that a device proved.
    pub(crate) fn proved(examination: &Examination, has_key: bool) -> Self {
        let findings = examination.findings;
        let matched = |finding: Option<Finding>| finding.is_some_and(Finding::is_match);
        [
            (matched(findings.password), Password),
            (matched(findings.totp), Totp),
            (matched(findings.face), Face),
            (matched(findings.device), Device),
            (has_key, DeviceKey),
            (matched(findings.clock), Clock),
            (matched(examination.passcode), Passcode),
            (matched(examination.reset_code), ResetCode),
        ]
        .into_iter()
        .filter_map(|(is_proved, factor)| is_proved.then_some(factor))
        .collect()
    }

    /// The factors of `account` that raise a level and are not among these methods.
    pub(crate) fn that_raise(methods: &[Method], account: Enrolled) -> Self {
        let is_there = |factor: &Factor| match factor {
            Totp => account.totp,
            Face => account.face,
            Password | Device | DeviceKey | Clock | Passcode | ResetCode => true,
        };
        let missing = level::COUNTED.iter().filter(|method| !methods.contains(method));
        missing.filter_map(|method| Factor::of(*method)).filter(is_there).collect()
    }

    /// The factors in the words of receipts. Those without a word are left out.
    pub(crate) fn methods(self) -> Vec<Method> {
        let of = |method: &Method| Factor::of(*method).is_some_and(|factor| self.contains(factor));
        level::COUNTED.into_iter().filter(of).collect()
    }

    /// The set with these bits, one for each factor.
    #[cfg(test)]
    pub(super) const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    const fn bit(factor: Factor) -> u8 {
        1 << factor as u8
    }
}

impl FromIterator<Factor> for Factors {
    fn from_iter<I: IntoIterator<Item = Factor>>(factors: I) -> Self {
        Self(factors.into_iter().fold(0, |set, factor| set | Self::bit(factor)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Finding::{Match, Mismatch};
    use fourauth_factors::Findings;

    #[test]
    fn what_was_proved_is_what_matched() {
        let findings = Findings {
            password: Some(Match),
            face: Some(Mismatch),
            totp: None,
            device: Some(Finding::Missing),
            clock: Some(Match),
        };
        let examination = Examination { findings, ..Examination::default() };
        let expected: Factors = [Password, Clock].into_iter().collect();
        assert_eq!(Factors::proved(&examination, false), expected);
        let with_key: Factors = [Password, Clock, DeviceKey].into_iter().collect();
        assert_eq!(Factors::proved(&examination, true), with_key);
    }

    #[test]
    fn only_factors_that_the_account_can_prove_are_asked_for() {
        let missing = |methods: &[Method], account| Factors::that_raise(methods, account).methods();
        let (pwd, otp, face, key) =
            (Method::Password, Method::OneTimeCode, Method::Face, Method::DeviceKey);
        assert_eq!(missing(&[pwd, otp], Enrolled::ALL), [face, key]);
        assert_eq!(missing(&[pwd], Enrolled::PASSWORD), [key]);
        assert_eq!(missing(&[pwd, otp, face, key], Enrolled::ALL), []);
    }
}
