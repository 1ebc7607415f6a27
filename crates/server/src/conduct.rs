//! What a command, or the lack of one, says about where it came from. It judges no account: whatever
//! is wrong with a name, a password or a face weighs the same.

use crate::foreign::is_foreign;
use fourauth_auth::{
    attempt::{Action, Audited},
    decision::Denial,
};
use fourauth_protocol::frame::FrameError;
use std::time::Duration;

/// How somebody behaved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conduct {
    /// Nothing to remember.
    Neutral,
    /// Something that honest people rarely do often.
    Offence(Offence),
    /// A one-time code was spent: somebody with an account is there.
    Proof,
}

/// What makes a source wait, once it is done too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offence {
    /// What was offered was not an account's own. An unknown name costs what a wrong password costs,
    /// or else it would tell them apart.
    Denied,
    /// A frame of ours holds no command, or announces more than it may.
    Malformed,
    /// What was sent belongs to another protocol.
    Foreign,
    /// The TLS handshake was begun and did not succeed.
    HandshakeAbandoned,
    /// A place was held and nothing, or too little, came.
    GraceExceeded,
    /// The server stumbled over what was sent.
    Crash,
}

impl Offence {
    /// How much further ahead it moves the instant until which a source stays away. Denials and crashes
    /// cost what they cost in OpenSSH (`PerSourcePenalties` of `sshd_config(5)`). Malformed frames cost no
    /// more than a denial, because a connection lives on after them: one must not close the door.
    #[must_use]
    pub const fn cost(self) -> Duration {
        Duration::from_secs(match self {
            Self::Foreign | Self::HandshakeAbandoned | Self::GraceExceeded => 1,
            Self::Denied | Self::Malformed => 5,
            Self::Crash => 90,
        })
    }

    /// How far ahead it can move that instant. What a web page can make a visitor's browser do, as often
    /// as it likes, does not close an address: it leaves its people two slips.
    #[must_use]
    pub const fn at_most(self) -> Duration {
        match self {
            Self::Foreign | Self::HandshakeAbandoned | Self::GraceExceeded => {
                Duration::from_secs(4)
            }
            Self::Denied | Self::Malformed | Self::Crash => Duration::from_mins(10),
        }
    }

    /// What a header is that announces more than a frame may hold.
    fn of_header(announced: u32) -> Self {
        if is_foreign(announced.to_be_bytes()) { Self::Foreign } else { Self::Malformed }
    }
}

impl From<&FrameError> for Offence {
    fn from(error: &FrameError) -> Self {
        match error {
            FrameError::TooLarge { announced, .. } => Self::of_header(*announced),
            _ => Self::Malformed,
        }
    }
}

impl From<&Audited> for Conduct {
    fn from(audited: &Audited) -> Self {
        match audited.outcome() {
            Ok(_) if spends_a_code(audited.action()) => Self::Proof,
            Err(denial) if is_a_guess(denial) => Self::Offence(Offence::Denied),
            Ok(_) | Err(_) => Self::Neutral,
        }
    }
}

/// Whether a command of this kind succeeds once for each one-time code, so that nobody can have
/// sources forgiven as often as they like. That a device is claimed (150) or listed (222) forgives
/// nothing, nor does an administrator's secret.
const fn spends_a_code(action: Action) -> bool {
    match action {
        Action::Login
        | Action::ConfirmTotp
        | Action::BindDevice
        | Action::RevokeDevice
        | Action::RecoverPassword
        | Action::RecoverFace
        | Action::RecoverDevice => true,
        Action::Register | Action::ListDevices | Action::ReadAudit | Action::RecoverTotp => false,
    }
}

/// Whether evidence was wrong. Who hears another denial has proved everything that was asked for, or
/// was turned away by an account's own limits: perhaps because others failed there.
const fn is_a_guess(denial: Denial) -> bool {
    match denial {
        Denial::Credentials
        | Denial::Face(_)
        | Denial::Totp
        | Denial::Device
        | Denial::Admin
        | Denial::RecoveryCode
        | Denial::SignedOut => true,
        Denial::Clock
        | Denial::Time
        | Denial::NewPassword
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
        | Denial::NoSuchDevice => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_auth::limits::Limited;
    use fourauth_face::Refusal;

    #[test]
    fn what_is_wrong_is_an_offence_and_what_cannot_be_taken_is_none() {
        for (denial, is_offence) in [
            (Denial::Credentials, true),
            (Denial::Face(None), true),
            (Denial::Face(Some(Refusal::NoFace)), true),
            (Denial::Totp, true),
            (Denial::Device, true),
            (Denial::Admin, true),
            (Denial::RecoveryCode, true),
            (Denial::SignedOut, true),
            (Denial::Clock, false),
            (Denial::Time, false),
            (Denial::NewPassword, false),
            (Denial::NewFace(Refusal::NoFace), false),
            (Denial::NewMac, false),
            (Denial::NameTaken, false),
            (Denial::ContactTaken, false),
            (Denial::Superseded, false),
            (Denial::Limited(Limited::Closed), false),
            (Denial::CoolingDown(1), false),
            (Denial::RecoveryCodeNeeded, false),
            (Denial::DeviceKeyNeeded, false),
            (Denial::DeviceTaken, false),
            (Denial::TooManyDevices, false),
            (Denial::NoSuchDevice, false),
        ] {
            assert_eq!(is_a_guess(denial), is_offence, "{denial:?}");
        }
    }

    #[test]
    fn only_what_spends_a_code_forgives_a_source() {
        for (action, forgives) in [
            (Action::Login, true),
            (Action::ConfirmTotp, true),
            (Action::BindDevice, true),
            (Action::RevokeDevice, true),
            (Action::RecoverPassword, true),
            (Action::RecoverFace, true),
            (Action::RecoverDevice, true),
            (Action::Register, false),
            (Action::ListDevices, false),
            (Action::ReadAudit, false),
            (Action::RecoverTotp, false),
        ] {
            assert_eq!(spends_a_code(action), forgives, "{action:?}");
        }
    }

    #[test]
    fn only_a_frame_of_ours_is_malformed() {
        for (header, offence) in [
            (*b"GET ", Offence::Foreign),
            ([0x16, 3, 1, 2], Offence::Foreign),
            ([0xff; 4], Offence::Malformed),
            ([0, 0x40, 0, 1], Offence::Malformed),
        ] {
            assert_eq!(Offence::of_header(u32::from_be_bytes(header)), offence, "{header:?}");
        }
    }
}
