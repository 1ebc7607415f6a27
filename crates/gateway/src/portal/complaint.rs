//! Why the server refused a step of the sign-in, in the words of a page.

use super::{fault::Fault, words::Words};
use fourauth_protocol::{answer::Answer, code::Code};

const HOUR_MS: u64 = 3_600_000;

/// The key of the text about a code that needs no number. An unknown account and a wrong password have the same one.
const fn key(code: Code) -> &'static str {
    match code {
        Code::Denied => "complaint-name-or-password",
        Code::TotpMismatch => "complaint-code",
        Code::FaceMismatch => "complaint-face",
        Code::FaceNotLive => "complaint-not-live",
        Code::FaceChallengeNeeded | Code::FaceChallengeStale | Code::FaceChallengeFailed => {
            "complaint-challenge"
        }
        Code::DeviceMismatch | Code::DeviceKeyNeeded => "complaint-device",
        Code::NoFace => "complaint-no-face",
        Code::SeveralFaces => "complaint-several",
        Code::FaceCutOff => "complaint-cut-off",
        Code::FaceTooSmall => "complaint-small",
        Code::FaceBlurred => "complaint-blurred",
        Code::FaceTurned => "complaint-turned",
        Code::BadLight => "complaint-light",
        Code::FacesDisagree => "complaint-disagree",
        Code::BadImage | Code::ImageTooLarge => "complaint-picture",
        Code::MoreNeeded => "complaint-more",
        Code::Locked => "complaint-locked",
        Code::Unavailable => "complaint-busy",
        Code::TimeDegraded => "complaint-time",
        Code::NotOffered => "complaint-not-offered",
        Code::ClockSkew => "complaint-clock",
        Code::RecoveryCodeMismatch => "complaint-recovery-code",
        Code::WeakPassword => "complaint-weak-password",
        Code::NoSuchDevice => "complaint-no-such-device",
        Code::Conflict => "complaint-conflict",
        _ => "complaint-other",
    }
}

/// The sentence about a refusal.
pub(crate) fn of(answer: &Answer, words: &Words<'_>) -> String {
    if answer.code == Code::Throttled {
        let seconds = answer.retry_after_ms.unwrap_or(1000).div_ceil(1000).to_string();
        return words.say_with("complaint-wait", "seconds", &seconds);
    }
    if answer.code == Code::CoolingDown {
        let hours = answer.retry_after_ms.unwrap_or(HOUR_MS).div_ceil(HOUR_MS).to_string();
        return words.say_with("complaint-cooling-down", "hours", &hours);
    }
    words.say(key(answer.code))
}

/// The sentence about a refusal of the last step. What came before is in a grant, so a denial there means
/// that it has expired, and a missing face that the stored one is of another model.
pub(super) fn of_last_step(answer: &Answer, words: &Words<'_>) -> String {
    match answer.code {
        Code::Denied => words.say("complaint-late"),
        Code::MoreNeeded => words.say("complaint-face-outdated"),
        _ => of(answer, words),
    }
}

/// The sentence about a refused password and code of one form: beside the field that is wrong, or on top.
pub(super) fn of_proof(answer: &Answer, words: &Words<'_>) -> (Option<String>, Fault) {
    match answer.code {
        Code::Denied => (None, Fault::at("password", words.say("complaint-password"))),
        Code::TotpMismatch => (None, Fault::at("otp", words.say("complaint-code"))),
        _ => (Some(of(answer, words)), Fault::default()),
    }
}

/// The sentence about a refusal of a step that replaces a forgotten password. What is denied there is the code.
pub(super) fn of_reset(answer: &Answer, words: &Words<'_>) -> String {
    match answer.code {
        Code::Denied => words.say("complaint-reset-code"),
        Code::NotOffered => words.say("forgotten-not-offered"),
        _ => of(answer, words),
    }
}
