//! Exit codes, for scripts. Documented in `--help`, and as stable as the protocol.

use fourauth_protocol::code::Code;
use std::process::ExitCode;

/// The end of `fourauth --help`.
pub const HELP: &str = "\
Exit codes:
   0  done
   2  usage: arguments, settings or a prompt without a reply
   3  denied
   4  more needed: a better picture, a stronger password, an address, a device's key
   5  locked, throttled or unavailable: try again later
   6  network or TLS
   7  protocol: the peer is not a fourauth server, or has another version
   8  local device: camera, file, network card
   9  clock: this machine's or the server's
  10  verification failed: the receipt is not valid";

/// The result of a command, as an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Exit {
    /// The command succeeded.
    Ok = 0,
    /// The arguments, settings or replies are invalid.
    Usage = 2,
    /// The server refused the command.
    Denied = 3,
    /// The server has not decided yet: it needs better input.
    MoreNeeded = 4,
    /// The server refuses for now: try again later.
    TryLater = 5,
    /// The server cannot be reached or is not trusted.
    Network = 6,
    /// The client and the server do not speak the same protocol.
    Protocol = 7,
    /// Something on this machine is missing or broken.
    LocalDevice = 8,
    /// A clock is wrong: this machine's or the server's.
    Clock = 9,
    /// A signature or its claims are not valid.
    VerificationFailed = 10,
}

impl Exit {
    /// The word for programs, in `snake_case`.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Usage => "usage",
            Self::Denied => "denied",
            Self::MoreNeeded => "more_needed",
            Self::TryLater => "try_later",
            Self::Network => "network",
            Self::Protocol => "protocol",
            Self::LocalDevice => "local_device",
            Self::Clock => "clock",
            Self::VerificationFailed => "verification_failed",
        }
    }
}

impl From<Code> for Exit {
    fn from(code: Code) -> Self {
        match code {
            Code::Ok => Self::Ok,
            Code::Denied
            | Code::FaceMismatch
            | Code::FaceChallengeFailed
            | Code::TotpMismatch
            | Code::DeviceMismatch
            | Code::RecoveryCodeMismatch
            | Code::PasscodeMismatch
            | Code::NoAddress
            | Code::NotOffered
            | Code::NoSuchDevice
            | Code::NoSuchSession
            | Code::NoSuchAccount
            | Code::NoSuchMessage
            | Code::SignedOut
            | Code::AdminDenied
            | Code::GatewayDenied
            | Code::Conflict => Self::Denied,
            Code::MoreNeeded
            | Code::FaceChallengeNeeded
            | Code::FaceChallengeStale
            | Code::WeakPassword
            | Code::BadMac
            | Code::DeviceKeyNeeded
            | Code::BadImage
            | Code::ImageTooLarge
            | Code::NoFace
            | Code::SeveralFaces
            | Code::FaceCutOff
            | Code::FaceTooSmall
            | Code::FaceBlurred
            | Code::FaceTurned
            | Code::BadLight
            | Code::FacesDisagree
            | Code::FaceNotLive => Self::MoreNeeded,
            Code::Locked | Code::Throttled | Code::CoolingDown | Code::Unavailable => {
                Self::TryLater
            }
            Code::ClockSkew | Code::TimeDegraded => Self::Clock,
            Code::Malformed | Code::UnknownCommand | Code::FrameTooLarge | Code::Unrecognised => {
                Self::Protocol
            }
            // `Code` grows with the protocol. A code without an arm above is unknown to this
            // program, like one that arrives as `Unrecognised`.
            _ => Self::Protocol,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_match_the_documentation() {
        for (code, exit) in [
            (Code::Ok, 0),
            (Code::Denied, 3),
            (Code::TotpMismatch, 3),
            (Code::Conflict, 3),
            (Code::NoFace, 4),
            (Code::WeakPassword, 4),
            (Code::Locked, 5),
            (Code::Throttled, 5),
            (Code::Unavailable, 5),
            (Code::CoolingDown, 5),
            (Code::DeviceKeyNeeded, 4),
            (Code::RecoveryCodeMismatch, 3),
            (Code::PasscodeMismatch, 3),
            (Code::NoAddress, 3),
            (Code::NotOffered, 3),
            (Code::Malformed, 7),
            (Code::Unrecognised, 7),
            (Code::ClockSkew, 9),
        ] {
            assert_eq!(Exit::from(code) as u8, exit, "{code:?}");
        }
    }

    #[test]
    fn only_ok_is_success() {
        // Every code of the protocol, as spelled on the wire.
        let codes = "denied face_challenge_needed face_challenge_stale face_challenge_failed \
            face_mismatch totp_mismatch device_mismatch clock_skew time_degraded \
            recovery_code_mismatch passcode_mismatch no_address not_offered gateway_denied cooling_down device_key_needed no_such_device signed_out \
            admin_denied locked throttled malformed unknown_command frame_too_large unavailable \
            conflict weak_password bad_mac bad_image image_too_large no_face several_faces \
            face_cut_off face_too_small face_blurred face_turned bad_light faces_disagree \
            face_not_live \
            unrecognised from_the_future";
        for name in codes.split_whitespace() {
            let code: Code = serde_json::from_value(name.into()).unwrap();
            assert_ne!(Exit::from(code), Exit::Ok, "{name}");
        }
    }

    #[test]
    fn every_exit_code_is_in_the_help() {
        for exit in [
            Exit::Ok,
            Exit::Usage,
            Exit::Denied,
            Exit::MoreNeeded,
            Exit::TryLater,
            Exit::Network,
            Exit::Protocol,
            Exit::LocalDevice,
            Exit::Clock,
            Exit::VerificationFailed,
        ] {
            let line = format!("\n{:>4}  ", exit as u8);
            assert!(HELP.contains(&line), "{exit:?}");
        }
    }
}
