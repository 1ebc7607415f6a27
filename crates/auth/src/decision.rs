//! Turns findings into a decision.

use crate::{challenge::Fault, examination::Examination, limits::Limited, policy::Factors};
use fourauth_face::Refusal;
use fourauth_factors::{Finding, password_rule::Weak};
use fourauth_store::{AccountId, Standing};
use fourauth_timekeeper::State;

/// The reason for a denial. `attempt/messages.rs` has the text and code that the peer receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// The first secret was wrong, the account does not exist, or it is disabled.
    Credentials,
    /// The face did not match, or no picture showed a usable face.
    Face(Option<Refusal>),
    /// A face challenge was not answered, or not as it asked.
    FaceChallenge(Fault),
    /// Everything else is right, but the stored face is of another model pack and cannot be compared:
    /// the account has to enrol its face again.
    FaceOutdated,
    /// The one-time code was wrong or already spent.
    Totp,
    /// The device is not one of the account's.
    Device,
    /// The client's clock was off.
    Clock,
    /// The server's time is not accurate enough.
    Time,
    /// The administrator's secret was wrong.
    Admin,
    /// The account may not use the console.
    NotAnAdministrator,
    /// There is no such account. Only administrators are told.
    NoSuchAccount,
    /// There is no such message, or it carries a code that has expired. Only administrators are told.
    NoSuchMessage,
    /// An administrator cannot do this to the own account.
    OwnAccount,
    /// The proof of a gateway was wrong.
    Gateway,
    /// The new password does not meet the rule.
    NewPassword(Weak),
    /// The new face cannot be enrolled.
    NewFace(Refusal),
    /// The new MAC address is missing or not valid.
    NewMac,
    /// The name is taken.
    NameTaken,
    /// The mail address or telephone number belongs to another account.
    ContactTaken,
    /// Another command changed the account first.
    Superseded,
    /// A rate limit applied; nothing was examined.
    Limited(Limited),
    /// A factor was changed recently without a trusted key or recovery code. It may not change
    /// another factor for this many milliseconds.
    CoolingDown(u64),
    /// The recovery code is not one of the account's, or has been spent.
    RecoveryCode,
    /// The passcode is wrong or missing, has expired, or was used.
    Passcode,
    /// The account has no address that a message can be sent to.
    NoAddress,
    /// The command needs a recovery code.
    RecoveryCodeNeeded,
    /// The command needs a device key: a proven one, or one for the new device.
    DeviceKeyNeeded,
    /// Another device of the account has that name or key.
    DeviceTaken,
    /// The account has reached its maximum number of devices.
    TooManyDevices,
    /// The account has no such device.
    NoSuchDevice,
    /// The token has no session, or the session has ended.
    SignedOut,
    /// The token is right, and has to be renewed.
    SessionExpired,
    /// The account has no such session.
    NoSuchSession,
    /// Everything that was sent is right, but the command needs one of these factors as well.
    MoreNeeded(Factors),
    /// The door that the command came through does not offer it.
    NotOffered,
}

/// The result of an examination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Decision {
    /// Every factor that the command asks for matches this account.
    Granted(AccountId),
    /// A factor does not match, or the account or the time forbids the command.
    Denied(Denial),
}

/// Decides an examination of an account with this standing.
///
/// If several factors mismatch, the first is named, in the order that 4Auth documents its texts. Only
/// if none does, the factors that are needed as well are named: `unmet`.
pub(crate) fn judge(
    standing: Standing,
    examination: &Examination,
    unmet: Factors,
    time: State,
) -> Decision {
    let Standing::Active(account) = standing else {
        return Decision::Denied(Denial::Credentials);
    };
    let outdated = examination.is_face_outdated.then_some(Denial::FaceOutdated);
    let more = (!unmet.is_empty()).then_some(Denial::MoreNeeded(unmet));
    match objection(examination, time).or(outdated).or(more) {
        Some(denial) => Decision::Denied(denial),
        None => Decision::Granted(account),
    }
}

fn objection(examination: &Examination, time: State) -> Option<Denial> {
    let findings = &examination.findings;
    let face = findings.face.filter(|_| !examination.is_face_outdated);
    let of_face = match examination.challenge {
        Some(Err(fault)) => Denial::FaceChallenge(fault),
        Some(Ok(())) | None => Denial::Face(examination.refusal),
    };
    let first_secret = findings.password.or(findings.totp).or(examination.reset_code);
    let asked = [
        (first_secret.or(Some(Finding::Missing)), Denial::Credentials),
        (face, of_face),
        (findings.totp, Denial::Totp),
        (findings.device, Denial::Device),
        (findings.clock, Denial::Clock),
        (examination.passcode, Denial::Passcode),
        (examination.recovery_code, Denial::RecoveryCode),
    ];
    let mismatch = asked
        .into_iter()
        .find(|(finding, _)| finding.is_some_and(|finding| !finding.is_match()))
        .map(|(_, denial)| denial);
    // The timekeeper decides whether the time is good enough for the profile.
    mismatch.or((time == State::Denied).then_some(Denial::Time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Factor;
    use Finding::{Match, Mismatch, Missing};
    use fourauth_factors::Findings;

    const ALICE: Standing = Standing::Active(AccountId(1));
    const ALL: Findings = Findings {
        password: Some(Match),
        face: Some(Match),
        totp: Some(Match),
        device: Some(Match),
        clock: Some(Match),
    };

    fn judged(findings: Findings) -> Decision {
        judge(
            ALICE,
            &Examination { findings, ..Examination::default() },
            Factors::default(),
            State::Synced,
        )
    }

    #[test]
    fn every_factor_that_was_asked_for_must_match() {
        assert_eq!(judged(ALL), Decision::Granted(AccountId(1)));
        for bad in [Mismatch, Missing] {
            for (findings, denial) in [
                (Findings { password: Some(bad), ..ALL }, Denial::Credentials),
                (Findings { face: Some(bad), ..ALL }, Denial::Face(None)),
                (Findings { totp: Some(bad), ..ALL }, Denial::Totp),
                (Findings { device: Some(bad), ..ALL }, Denial::Device),
                (Findings { clock: Some(bad), ..ALL }, Denial::Clock),
            ] {
                assert_eq!(judged(findings), Decision::Denied(denial), "{findings:?}");
            }
        }
    }

    #[test]
    fn a_wrong_first_secret_hides_the_other_mismatches() {
        let wrong = Findings { password: Some(Mismatch), face: Some(Mismatch), ..ALL };
        assert_eq!(judged(wrong), Decision::Denied(Denial::Credentials));
        let without_password =
            Findings { password: None, totp: Some(Mismatch), face: Some(Mismatch), ..ALL };
        assert_eq!(judged(without_password), Decision::Denied(Denial::Credentials));
    }

    #[test]
    fn a_command_without_a_secret_is_never_granted() {
        let none = Findings { password: None, face: None, totp: None, device: None, clock: None };
        assert_eq!(judged(none), Decision::Denied(Denial::Credentials));
    }

    #[test]
    fn matching_evidence_opens_no_disabled_or_unknown_account() {
        let perfect = Examination { findings: ALL, ..Examination::default() };
        for standing in [Standing::Disabled(AccountId(1)), Standing::Unknown] {
            let decision = judge(standing, &perfect, Factors::default(), State::Synced);
            assert_eq!(decision, Decision::Denied(Denial::Credentials), "{standing:?}");
        }
    }

    #[test]
    fn what_is_missing_is_told_only_if_all_else_is_right() {
        let unmet: Factors = [Factor::DeviceKey].into_iter().collect();
        let judged = |findings, standing| {
            let examination = Examination { findings, ..Examination::default() };
            judge(standing, &examination, unmet, State::Synced)
        };
        assert_eq!(judged(ALL, ALICE), Decision::Denied(Denial::MoreNeeded(unmet)));
        for (findings, standing) in [
            (Findings { password: Some(Mismatch), ..ALL }, ALICE),
            (ALL, Standing::Unknown),
            (ALL, Standing::Disabled(AccountId(1))),
        ] {
            assert_eq!(judged(findings, standing), Decision::Denied(Denial::Credentials));
        }
    }

    #[test]
    fn nothing_is_granted_if_the_time_is_not_trusted() {
        let perfect = Examination { findings: ALL, ..Examination::default() };
        let decision = judge(ALICE, &perfect, Factors::default(), State::Denied);
        assert_eq!(decision, Decision::Denied(Denial::Time));
    }
}
