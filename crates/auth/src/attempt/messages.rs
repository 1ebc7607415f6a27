//! The answer to a peer for each decision: 4Auth's texts, and a code for programs.
//!
//! Until the first secret is verified, every failure has the same text and code. After that, each
//! failure has the text that 4Auth documents. Under the `strict` profile, every failed factor has
//! the same text and code.

use crate::{
    action::Action, answer::CommandAnswer, challenge::Fault, decision::Denial, limits::Limited,
    profile::Profile,
};
use fourauth_face::Refusal;
use fourauth_factors::password_rule::Weak;
use fourauth_protocol::{answer::Answer, code::Code, receipt::Method};

/// The answer of a command with this outcome.
pub(crate) fn answer<A: CommandAnswer>(
    action: Action,
    profile: Profile,
    outcome: Result<A, Denial>,
) -> Answer {
    match outcome {
        Ok(answer) => {
            let text = answer.text().unwrap_or(action.granted_text());
            Answer::ok(text, answer.into_body())
        }
        Err(denial) => {
            let (code, text) = refusal(action, denial, profile);
            let mut answer = Answer::error(code, text);
            answer.retry_after_ms = wait(denial);
            answer.body.missing = missing(denial);
            answer
        }
    }
}

/// The code and text for a denial, as far as the profile reveals it.
#[must_use]
pub(crate) const fn refusal(
    action: Action,
    denial: Denial,
    profile: Profile,
) -> (Code, &'static str) {
    match (profile, denial) {
        (
            Profile::Strict,
            Denial::Face(_)
            | Denial::FaceChallenge(_)
            | Denial::Totp
            | Denial::Device
            | Denial::Clock
            | Denial::Time,
        ) => (Code::Denied, action.denied_text()),
        // The one-time code is this command's first secret: a spent one looks like a wrong one.
        (Profile::Secure, Denial::Totp)
            if matches!(
                action,
                Action::RecoverPassword
                    | Action::ProveAgain
                    | Action::RaiseSession
                    | Action::RaiseByFace
            ) =>
        {
            (Code::Denied, action.denied_text())
        }
        (Profile::Strict | Profile::Secure, denial) => (code(denial), text(action, denial)),
    }
}

const fn text(action: Action, denial: Denial) -> &'static str {
    match denial {
        Denial::Credentials => action.denied_text(),
        Denial::Face(_) | Denial::FaceChallenge(_) => "Face verification failed.",
        Denial::FaceOutdated => {
            "Everything else was right, but the stored face is of another model: the server has changed \
             how it recognises faces. Enrol your face again."
        }
        Denial::Totp => "TOTP verification failed.",
        Denial::Device => "Unauthorized device.",
        Denial::Clock | Denial::Time => "Time out of allowed window.",
        Denial::Admin => "Admin authorization failed.",
        Denial::NotAnAdministrator => "This account may not use the console.",
        Denial::NoSuchAccount => "No such account.",
        Denial::NoSuchMessage => "No such message, or its code has expired.",
        Denial::OwnAccount => "Another administrator has to do this to your account.",
        Denial::Gateway => "Not the proof of a gateway.",
        Denial::NewPassword(weak) => weak_password(weak),
        Denial::NewFace(_) => match action {
            Action::RecoverFace => "Invalid new face image.",
            _ => "Invalid face image.",
        },
        Denial::NewMac => "Invalid MAC address.",
        Denial::NameTaken => "Username already exists.",
        Denial::ContactTaken => "E-mail or phone already in use.",
        Denial::Superseded => "Account changed meanwhile. Try again.",
        Denial::Limited(Limited::Wait(_)) => "Too many attempts. Try again later.",
        Denial::Limited(Limited::Closed) => {
            "Too many failed attempts. Use a device that the account knows, or ask an administrator."
        }
        Denial::CoolingDown(_) => "Changed too recently from an unknown device. Try again later.",
        Denial::Passcode => "Passcode verification failed.",
        Denial::NoAddress => "The account has no address that a passcode can be sent to.",
        Denial::RecoveryCode | Denial::RecoveryCodeNeeded => "Recovery code needed, or not valid.",
        Denial::DeviceKeyNeeded => "This account needs a device key.",
        Denial::DeviceTaken => "A device of that name or key is there already.",
        Denial::TooManyDevices => "Too many devices. Revoke one first.",
        Denial::NoSuchDevice => "No such device.",
        Denial::SignedOut | Denial::SessionExpired => match action {
            Action::Authorise | Action::RenewToken => action.denied_text(),
            _ => "Not signed in, or no longer.",
        },
        Denial::NoSuchSession => "No such session.",
        Denial::MoreNeeded(_) => "More factors needed.",
        Denial::NotOffered => "This command is not offered here.",
    }
}

/// 4Auth documents the first text. A password that meets the rule in it is told what it does not meet.
const fn weak_password(weak: Weak) -> &'static str {
    match weak {
        Weak::Composition => "Weak password (min 8 chars and include uppercase/digit/special).",
        Weak::TooLong => "Weak password (max 256 chars).",
        Weak::Guessable => "Weak password (too common or too easily guessed).",
    }
}

const fn code(denial: Denial) -> Code {
    match denial {
        Denial::Credentials => Code::Denied,
        Denial::NotOffered | Denial::OwnAccount => Code::NotOffered,
        Denial::Face(None) => Code::FaceMismatch,
        Denial::FaceChallenge(Fault::Needed) => Code::FaceChallengeNeeded,
        Denial::FaceChallenge(Fault::Stale) => Code::FaceChallengeStale,
        Denial::FaceChallenge(Fault::Failed(_)) => Code::FaceChallengeFailed,
        Denial::Face(Some(refusal)) | Denial::NewFace(refusal) => picture_code(refusal),
        Denial::Totp => Code::TotpMismatch,
        Denial::Device => Code::DeviceMismatch,
        Denial::Clock => Code::ClockSkew,
        Denial::Time => Code::TimeDegraded,
        Denial::Admin | Denial::NotAnAdministrator => Code::AdminDenied,
        Denial::NoSuchAccount => Code::NoSuchAccount,
        Denial::NoSuchMessage => Code::NoSuchMessage,
        Denial::Gateway => Code::GatewayDenied,
        Denial::NewPassword(_) => Code::WeakPassword,
        Denial::NewMac => Code::BadMac,
        Denial::NameTaken
        | Denial::ContactTaken
        | Denial::Superseded
        | Denial::DeviceTaken
        | Denial::TooManyDevices => Code::Conflict,
        Denial::Limited(Limited::Wait(_)) => Code::Throttled,
        Denial::Limited(Limited::Closed) => Code::Locked,
        Denial::CoolingDown(_) => Code::CoolingDown,
        Denial::Passcode => Code::PasscodeMismatch,
        Denial::NoAddress => Code::NoAddress,
        Denial::RecoveryCode | Denial::RecoveryCodeNeeded => Code::RecoveryCodeMismatch,
        Denial::DeviceKeyNeeded => Code::DeviceKeyNeeded,
        Denial::NoSuchDevice => Code::NoSuchDevice,
        Denial::NoSuchSession => Code::NoSuchSession,
        Denial::SignedOut | Denial::SessionExpired => Code::SignedOut,
        Denial::MoreNeeded(_) | Denial::FaceOutdated => Code::MoreNeeded,
    }
}

/// How long to wait before the same command may succeed, in milliseconds.
const fn wait(denial: Denial) -> Option<u64> {
    match denial {
        Denial::Limited(Limited::Wait(wait)) | Denial::CoolingDown(wait) => Some(wait),
        _ => None,
    }
}

/// The methods that can raise the level.
fn missing(denial: Denial) -> Option<Vec<Method>> {
    match denial {
        Denial::MoreNeeded(factors) => Some(factors.methods()),
        Denial::FaceOutdated => Some(vec![Method::Face]),
        _ => None,
    }
}

/// The code for each reason to refuse a picture.
const fn picture_code(refusal: Refusal) -> Code {
    match refusal {
        Refusal::NotAnImage => Code::BadImage,
        Refusal::TooLarge => Code::ImageTooLarge,
        Refusal::NoFace => Code::NoFace,
        Refusal::SeveralFaces => Code::SeveralFaces,
        Refusal::CutOff => Code::FaceCutOff,
        Refusal::TooSmall => Code::FaceTooSmall,
        Refusal::Blurred => Code::FaceBlurred,
        Refusal::Turned => Code::FaceTurned,
        Refusal::BadLight => Code::BadLight,
        Refusal::Disagree => Code::FacesDisagree,
        Refusal::NotLive => Code::FaceNotLive,
        Refusal::Unexamined => Code::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_does_not_tell_which_factor_failed() {
        for denial in [
            Denial::Credentials,
            Denial::Face(Some(Refusal::NoFace)),
            Denial::FaceChallenge(Fault::Needed),
            Denial::Totp,
            Denial::Device,
            Denial::Clock,
            Denial::Time,
        ] {
            let answer = refusal(Action::Login, denial, Profile::Strict);
            assert_eq!(answer, (Code::Denied, "Invalid username or password."), "{denial:?}");
        }
    }

    #[test]
    fn secure_uses_the_texts_of_4auth() {
        for (denial, text) in [
            (Denial::Credentials, "Invalid username or password."),
            (Denial::Face(None), "Face verification failed."),
            (Denial::Totp, "TOTP verification failed."),
            (Denial::Device, "Unauthorized device."),
            (Denial::Clock, "Time out of allowed window."),
        ] {
            assert_eq!(refusal(Action::Login, denial, Profile::Secure).1, text);
        }
    }

    #[test]
    fn a_weak_password_is_told_what_is_wrong_with_it() {
        for profile in [Profile::Secure, Profile::Strict] {
            for (weak, text) in [
                (
                    Weak::Composition,
                    "Weak password (min 8 chars and include uppercase/digit/special).",
                ),
                (Weak::TooLong, "Weak password (max 256 chars)."),
                (Weak::Guessable, "Weak password (too common or too easily guessed)."),
            ] {
                let answer = refusal(Action::Register, Denial::NewPassword(weak), profile);
                assert_eq!(answer, (Code::WeakPassword, text));
            }
        }
    }
}
