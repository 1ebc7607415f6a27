//! How attempts have ended, counted where their audit rows are concluded, so that the counts and the
//! log agree.

use crate::{
    action::{ACTIONS, Action},
    decision::Denial,
    policy::Door,
};
use fourauth_metrics::{Counter, Exposition, Kind};
use std::array;

/// The doors.
const DOORS: [Door; 4] = [Door::Native, Door::Web, Door::Http, Door::Text];

/// The end of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It has a row of success, or is part of a row `session_use`.
    Granted,
    /// It has a row of failure.
    Denied(Factor),
    /// It is part of a row `limited`.
    Refused,
    /// It has a row that says so, until there are too many in a minute.
    Undecided,
}

/// What an attempt was denied for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Factor {
    Credentials,
    Face,
    Totp,
    Device,
    Clock,
    Passcode,
    RecoveryCode,
    Admin,
    Gateway,
    Session,
    /// None: what was asked for is not possible.
    Other,
}

const FACTORS: [Factor; 11] = [
    Factor::Credentials,
    Factor::Face,
    Factor::Totp,
    Factor::Device,
    Factor::Clock,
    Factor::Passcode,
    Factor::RecoveryCode,
    Factor::Admin,
    Factor::Gateway,
    Factor::Session,
    Factor::Other,
];

/// The counts of one kind of command at one door.
#[derive(Debug, Default)]
struct Counts {
    granted: Counter,
    /// By [`Factor`].
    denied: [Counter; FACTORS.len()],
    refused: Counter,
    undecided: Counter,
}

/// Counts of attempts by door, action, outcome and denied factor.
#[derive(Debug)]
pub struct Attempts([[Counts; DOORS.len()]; ACTIONS.len()]);

impl Default for Attempts {
    fn default() -> Self {
        Self(array::from_fn(|_| array::from_fn(|_| Counts::default())))
    }
}

impl Attempts {
    pub(crate) fn granted(&self, action: Action, door: Door) {
        self.count(action, door, Outcome::Granted);
    }

    /// A denial with a row of its own.
    pub(crate) fn denied(&self, action: Action, door: Door, denial: Denial) {
        self.count(action, door, Outcome::Denied(Factor::from(denial)));
    }

    /// A denial that is only counted in the log as well.
    pub(crate) fn refused(&self, action: Action, door: Door) {
        self.count(action, door, Outcome::Refused);
    }

    pub(crate) fn undecided(&self, action: Action, door: Door) {
        self.count(action, door, Outcome::Undecided);
    }

    fn count(&self, action: Action, door: Door, outcome: Outcome) {
        let counts = self.0.get(action.index()).and_then(|doors| doors.get(door as usize));
        // There is an entry for every action and door.
        let Some(counts) = counts else { return };
        counts.of(outcome).increment();
    }

    /// Writes a sample for each combination that has occurred. The combinations that are worth an
    /// alert are there from the start, because Prometheus sees no growth in a first sample.
    pub(super) fn write(&self, exposition: &mut Exposition) {
        let mut family = exposition.family(
            "fourauth_attempts_total",
            Kind::Counter,
            "Attempts by door, action, outcome and the factor that was denied, as in the audit log.",
        );
        let outcomes = || {
            let denied = FACTORS.into_iter().map(Outcome::Denied);
            [Outcome::Granted, Outcome::Refused, Outcome::Undecided].into_iter().chain(denied)
        };
        for (action, doors) in ACTIONS.iter().map(|action| (action, &self.0[action.index()])) {
            for (door, counts) in DOORS.iter().zip(doors) {
                for outcome in outcomes() {
                    let counter = counts.of(outcome);
                    let is_first = *door == Door::Native && outcome == Outcome::Undecided;
                    if counter.value() > 0 || is_first {
                        let labels = [
                            ("action", action.as_str()),
                            ("door", door.name()),
                            ("outcome", outcome.word()),
                            ("factor", outcome.factor()),
                        ];
                        family.sample(&labels, counter);
                    }
                }
            }
        }
    }
}

impl Counts {
    fn of(&self, outcome: Outcome) -> &Counter {
        match outcome {
            Outcome::Granted => &self.granted,
            Outcome::Denied(factor) => &self.denied[factor as usize],
            Outcome::Refused => &self.refused,
            Outcome::Undecided => &self.undecided,
        }
    }
}

impl Outcome {
    const fn word(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Denied(_) => "denied",
            Self::Refused => "refused",
            Self::Undecided => "undecided",
        }
    }

    /// Empty if no factor was denied. For Prometheus an empty label is an absent one.
    const fn factor(self) -> &'static str {
        match self {
            Self::Denied(factor) => factor.word(),
            Self::Granted | Self::Refused | Self::Undecided => "",
        }
    }
}

impl Factor {
    const fn word(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::Face => "face",
            Self::Totp => "totp",
            Self::Device => "device",
            Self::Clock => "clock",
            Self::Passcode => "passcode",
            Self::RecoveryCode => "recovery_code",
            Self::Admin => "admin",
            Self::Gateway => "gateway",
            Self::Session => "session",
            Self::Other => "other",
        }
    }
}

impl From<Denial> for Factor {
    fn from(denial: Denial) -> Self {
        match denial {
            Denial::Credentials => Self::Credentials,
            Denial::Face(_) | Denial::FaceChallenge(_) | Denial::FaceOutdated => Self::Face,
            Denial::Totp => Self::Totp,
            Denial::Device | Denial::DeviceKeyNeeded => Self::Device,
            Denial::Clock | Denial::Time => Self::Clock,
            Denial::Passcode => Self::Passcode,
            Denial::RecoveryCode | Denial::RecoveryCodeNeeded => Self::RecoveryCode,
            Denial::Admin | Denial::NotAnAdministrator => Self::Admin,
            Denial::Gateway => Self::Gateway,
            Denial::SignedOut | Denial::SessionExpired | Denial::NoSuchSession => Self::Session,
            Denial::NewPassword(_)
            | Denial::NewFace(_)
            | Denial::NewMac
            | Denial::NameTaken
            | Denial::ContactTaken
            | Denial::Superseded
            | Denial::Limited(_)
            | Denial::CoolingDown(_)
            | Denial::NoAddress
            | Denial::DeviceTaken
            | Denial::TooManyDevices
            | Denial::NoSuchDevice
            | Denial::NoSuchAccount
            | Denial::NoSuchMessage
            | Denial::OwnAccount
            | Denial::MoreNeeded(_)
            | Denial::NotOffered => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_has_a_counter_of_its_own() {
        for (index, action) in ACTIONS.into_iter().enumerate() {
            assert_eq!(action.index(), index, "{action:?}");
        }
        for (index, door) in DOORS.into_iter().enumerate() {
            assert_eq!(door as usize, index, "{door:?}");
        }
        for (index, factor) in FACTORS.into_iter().enumerate() {
            assert_eq!(factor as usize, index, "{factor:?}");
        }
    }

    #[test]
    fn one_attempt_is_one_sample() {
        let attempts = Attempts::default();
        attempts.denied(Action::Login, Door::Text, Denial::Totp);
        let mut exposition = Exposition::default();
        attempts.write(&mut exposition);
        let text = exposition.into_text();
        let samples: Vec<&str> =
            text.lines().filter(|line| !line.starts_with('#') && !line.ends_with(" 0")).collect();
        assert_eq!(
            samples,
            [
                r#"fourauth_attempts_total{action="login",door="text",outcome="denied",factor="totp"} 1"#
            ]
        );
    }
}
