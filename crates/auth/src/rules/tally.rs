//! The rules for what an attempt adds to the tally of its lane, and which tallies it clears.

use crate::{
    action::Action, conflict::Conflict, decision::Denial, limits::LimitedFactors, profile::Profile,
};
use fourauth_factors::{Finding, Findings};
use fourauth_store::{Enrolled, Keep, Lane};

/// A wrong guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Guess {
    /// True if it counts as a wrong one-time code.
    pub(crate) totp: bool,
    /// True if it counts as a wrong face.
    pub(crate) face: bool,
}

/// The failures that a success clears.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Clears {
    /// None.
    #[default]
    Nothing,
    /// The failures in these lanes, except those of a factor that was not asked for.
    Lanes(Vec<Lane>, Keep),
    /// All failures of the account: a trusted recovery has replaced a factor.
    All,
}

/// The guess that a denial counts as, if any. A wrong clock, a weak new password or a taken name is
/// not a guess.
///
/// The kind of a guess counts only if the answer reveals it. Otherwise the wait would reveal that
/// the account exists, or that its password or face was right. Under `strict` no answer reveals the
/// kind, so every guess counts as one of each kind that was asked for.
pub(crate) fn of_denial(
    profile: Profile,
    denial: Denial,
    is_active: bool,
    findings: Findings,
    asked: LimitedFactors,
) -> Option<Guess> {
    match denial {
        Denial::Credentials
        | Denial::Face(_)
        | Denial::FaceChallenge(_)
        | Denial::Totp
        | Denial::Device
        | Denial::Passcode
        | Denial::RecoveryCode => {}
        Denial::Clock
        | Denial::Time
        | Denial::Admin
        | Denial::NotAnAdministrator
        | Denial::NoSuchAccount
        | Denial::NoSuchMessage
        | Denial::OwnAccount
        | Denial::Gateway
        | Denial::NewPassword(_)
        | Denial::NewFace(_)
        | Denial::NewMac
        | Denial::NameTaken
        | Denial::ContactTaken
        | Denial::Superseded
        | Denial::Limited(_)
        | Denial::CoolingDown(_)
        | Denial::RecoveryCodeNeeded
        | Denial::DeviceKeyNeeded
        | Denial::DeviceTaken
        | Denial::TooManyDevices
        | Denial::NoSuchDevice
        | Denial::SignedOut
        | Denial::SessionExpired
        | Denial::NoSuchSession
        | Denial::MoreNeeded(_)
        | Denial::FaceOutdated
        | Denial::NoAddress
        | Denial::NotOffered => return None,
    }
    let Findings { password, totp, face, .. } = findings;
    if profile == Profile::Strict {
        return Some(Guess { totp: asked.totp, face: asked.face });
    }
    let is_told = denial != Denial::Credentials && is_active;
    // If the command asks for no password, the code is the first secret, and every answer reveals
    // it.
    let is_told_of_totp = is_told || password.is_none();
    Some(Guess {
        totp: is_told_of_totp && totp == Some(Finding::Mismatch),
        face: is_told && face == Some(Finding::Mismatch),
    })
}

/// The guess that a change counts as if a conflict prevents it. A code that a concurrent command
/// has spent counts as a wrong one, and so does a device proof with a spent nonce.
pub(crate) const fn of_conflict(conflict: Conflict) -> Option<Guess> {
    match conflict {
        Conflict::StepSpent => Some(Guess { totp: true, face: false }),
        Conflict::RecoveryCode
        | Conflict::NonceSpent
        | Conflict::GrantSpent
        | Conflict::PasscodeSpent
        | Conflict::ResetSpent => Some(Guess { totp: false, face: false }),
        Conflict::Superseded
        | Conflict::NameTaken
        | Conflict::ContactTaken
        | Conflict::DeviceTaken
        | Conflict::TooManyDevices
        | Conflict::NoSuchDevice
        | Conflict::PasscodesIssued
        | Conflict::TooManyRequests
        | Conflict::SessionEnded
        | Conflict::NoSuchAccount
        | Conflict::NoSuchMessage
        | Conflict::NoSuchSession
        | Conflict::ChallengeSpent
        | Conflict::SessionBound
        | Conflict::NoSuchRequest
        | Conflict::DevicesAsked => None,
    }
}

/// The failures that a success clears. `lanes` are the lane that admitted the attempt and the
/// better lanes that were closed to it, if they have failures.
///
/// A passcode clears none, unless it is all that the account has: a person with the password and the
/// mailbox could otherwise guess at the other factors without end. The same holds for the first of two
/// steps. A code that resets a password clears none at all, nor does one
/// that only makes a session fresh or raises it: the password was not proved with it.
pub(crate) fn of_success(
    action: Action,
    account: Enrolled,
    is_trusted: bool,
    factors: LimitedFactors,
    lanes: Vec<Lane>,
) -> Clears {
    let has_more = account != Enrolled::PASSWORD;
    let clears_nothing = match action {
        Action::RequestPasscode
        | Action::ValidateReset
        | Action::ProveAgain
        | Action::RaiseSession
        | Action::RaiseByFace => true,
        Action::RedeemPasscode | Action::PasswordStep => has_more,
        _ => false,
    };
    if clears_nothing {
        return Clears::Nothing;
    }
    if action.replaces_a_factor() && is_trusted {
        return Clears::All;
    }
    if lanes.is_empty() {
        return Clears::Nothing;
    }
    Clears::Lanes(lanes, Keep { totp: !factors.totp, face: !factors.face })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{limits::Limited, policy::Factors};
    use Finding::{Match, Mismatch, Missing};
    use fourauth_face::Refusal;
    use fourauth_factors::password_rule::Weak;

    const NOTHING: Findings =
        Findings { password: None, face: None, totp: None, device: None, clock: None };
    const ALL_WRONG: Findings = Findings {
        password: Some(Mismatch),
        face: Some(Mismatch),
        totp: Some(Mismatch),
        device: Some(Mismatch),
        clock: Some(Mismatch),
    };
    const KNOWS_THE_PASSWORD: Findings = Findings { password: Some(Match), ..ALL_WRONG };

    const fn guess(totp: bool, face: bool) -> Guess {
        Guess { totp, face }
    }

    #[test]
    fn a_guess_counts_only_as_the_kind_that_the_answer_reveals() {
        let by_code = Findings { password: None, totp: Some(Mismatch), ..ALL_WRONG };
        let faceless = Findings { face: Some(Missing), ..KNOWS_THE_PASSWORD };
        for (denial, is_active, findings, counted) in [
            (Denial::Credentials, true, ALL_WRONG, guess(false, false)),
            (Denial::Credentials, false, ALL_WRONG, guess(false, false)),
            (Denial::Credentials, true, by_code, guess(true, false)),
            (Denial::Credentials, false, by_code, guess(true, false)),
            (Denial::Face(None), true, KNOWS_THE_PASSWORD, guess(true, true)),
            (Denial::Face(Some(Refusal::NoFace)), true, faceless, guess(true, false)),
            (Denial::Totp, true, KNOWS_THE_PASSWORD, guess(true, true)),
            (
                Denial::Device,
                true,
                Findings { device: Some(Mismatch), ..NOTHING },
                guess(false, false),
            ),
            (
                Denial::Device,
                true,
                Findings { device: Some(Missing), ..NOTHING },
                guess(false, false),
            ),
            (Denial::RecoveryCode, true, NOTHING, guess(false, false)),
        ] {
            let actual =
                of_denial(Profile::Secure, denial, is_active, findings, LimitedFactors::all());
            assert_eq!(actual, Some(counted), "{denial:?} {findings:?}");
        }
    }

    #[test]
    fn other_denials_do_not_count_as_guesses() {
        for denial in [
            Denial::Clock,
            Denial::Time,
            Denial::Admin,
            Denial::Gateway,
            Denial::NewPassword(Weak::Composition),
            Denial::NewFace(Refusal::NoFace),
            Denial::NewMac,
            Denial::NameTaken,
            Denial::ContactTaken,
            Denial::Superseded,
            Denial::Limited(Limited::Closed),
            Denial::CoolingDown(1),
            Denial::RecoveryCodeNeeded,
            Denial::DeviceKeyNeeded,
            Denial::DeviceTaken,
            Denial::TooManyDevices,
            Denial::NoSuchDevice,
            Denial::SignedOut,
            Denial::MoreNeeded(Factors::default()),
            Denial::NotOffered,
        ] {
            for profile in [Profile::Secure, Profile::Strict] {
                assert_eq!(
                    of_denial(profile, denial, true, ALL_WRONG, LimitedFactors::all()),
                    None,
                    "{denial:?}"
                );
            }
        }
    }

    #[test]
    fn strict_counts_every_guess_as_each_kind_asked_for() {
        let right = Findings { face: Some(Match), totp: Some(Match), ..KNOWS_THE_PASSWORD };
        for (denial, is_active, findings) in [
            (Denial::Credentials, false, ALL_WRONG),
            (Denial::Credentials, true, ALL_WRONG),
            (Denial::Face(None), true, KNOWS_THE_PASSWORD),
            (Denial::Totp, true, KNOWS_THE_PASSWORD),
            (Denial::Device, true, right),
        ] {
            let asked = LimitedFactors::all();
            let counted = of_denial(Profile::Strict, denial, is_active, findings, asked);
            assert_eq!(counted, Some(guess(true, true)), "{denial:?}");
        }
        let asked = LimitedFactors { totp: true, face: false };
        let counted = of_denial(Profile::Strict, Denial::Credentials, true, ALL_WRONG, asked);
        assert_eq!(counted, Some(guess(true, false)));
    }

    #[test]
    fn a_code_spent_by_another_command_counts_as_a_guess() {
        for (conflict, counted) in [
            (Conflict::StepSpent, Some(guess(true, false))),
            (Conflict::RecoveryCode, Some(guess(false, false))),
            (Conflict::PasscodeSpent, Some(guess(false, false))),
            (Conflict::ResetSpent, Some(guess(false, false))),
            (Conflict::PasscodesIssued, None),
            (Conflict::TooManyRequests, None),
            (Conflict::Superseded, None),
            (Conflict::NameTaken, None),
            (Conflict::ContactTaken, None),
            (Conflict::DeviceTaken, None),
            (Conflict::TooManyDevices, None),
            (Conflict::NoSuchDevice, None),
            (Conflict::NoSuchSession, None),
            (Conflict::SessionEnded, None),
        ] {
            assert_eq!(of_conflict(conflict), counted, "{conflict:?}");
        }
    }

    #[test]
    fn a_passcode_clears_nothing_of_an_account_with_other_factors() {
        let (asked, lanes) = (LimitedFactors { totp: false, face: false }, vec![Lane::Unknown]);
        let cleared = Clears::Lanes(lanes.clone(), Keep { totp: true, face: true });
        for (totp, face) in [(false, false), (false, true), (true, false), (true, true)] {
            for device in [false, true] {
                let account = Enrolled { totp, face, device, key: false };
                let of = |action| of_success(action, account, false, asked, lanes.clone());
                assert_eq!(of(Action::RequestPasscode), Clears::Nothing);
                assert_eq!(of(Action::ValidateReset), Clears::Nothing);
                let is_all = !totp && !face && !device;
                let expected = if is_all { cleared.clone() } else { Clears::Nothing };
                assert_eq!(of(Action::RedeemPasscode), expected, "{account:?}");
            }
        }
    }

    #[test]
    fn a_success_clears_only_the_factors_that_it_proved() {
        let lanes = vec![Lane::Unknown];
        for (totp, face) in [(false, false), (false, true), (true, false), (true, true)] {
            let factors = LimitedFactors { totp, face };
            let cleared = Clears::Lanes(lanes.clone(), Keep { totp: !totp, face: !face });
            let of = |action, is_trusted| {
                of_success(action, Enrolled::ALL, is_trusted, factors, lanes.clone())
            };
            assert_eq!(of(Action::Login, true), cleared);
            assert_eq!(of(Action::RecoverFace, false), cleared);
            assert_eq!(of(Action::RecoverFace, true), Clears::All);
            let none = of_success(Action::Login, Enrolled::ALL, true, factors, Vec::new());
            assert_eq!(none, Clears::Nothing);
        }
    }
}
