//! Rates the behaviour of a source by the commands that it sends or fails to send. Accounts play no
//! part: a wrong name, a wrong password and a wrong face cost the same.

use crate::limits::foreign::is_foreign;
use fourauth_auth::{attempt::Audited, decision::Denial, looked_up::LookedUp};
use fourauth_protocol::frame::FrameError;
use std::time::Duration;

/// A rating of one command or connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conduct {
    /// Neither good nor bad. Nothing is recorded.
    Neutral,
    /// Behaviour that honest users rarely repeat.
    Offence(Offence),
    /// A one-time code was spent, so an account owner uses this source.
    Proof,
}

/// Behaviour that leads to a penalty for the source if it is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offence {
    /// The evidence was wrong. An unknown name costs the same as a wrong password; a difference
    /// would tell them apart.
    Denied,
    /// A frame holds no command or announces more bytes than allowed.
    Malformed,
    /// The bytes belong to another protocol.
    Foreign,
    /// A TLS handshake was started and did not succeed.
    HandshakeAbandoned,
    /// A connection slot was held while nothing arrived, or too little.
    GraceExceeded,
    /// Input of the peer caused a panic in the server.
    Crash,
}

impl Offence {
    /// The time that one offence adds to the penalty of its source. Denials and crashes cost the
    /// same as in OpenSSH (`PerSourcePenalties` of `sshd_config(5)`). A malformed frame costs no
    /// more than a denial, because the connection stays open after it: a single one must not block
    /// the source.
    #[must_use]
    pub const fn cost(self) -> Duration {
        Duration::from_secs(match self {
            Self::Foreign | Self::HandshakeAbandoned | Self::GraceExceeded => 1,
            Self::Denied | Self::Malformed => 5,
            Self::Crash => 90,
        })
    }

    /// The longest penalty that offences of this kind can cause. A web page can make a visitor's
    /// browser commit some of them any number of times. Those do not block an address: its users
    /// still have two mistakes left.
    #[must_use]
    pub const fn at_most(self) -> Duration {
        match self {
            Self::Foreign | Self::HandshakeAbandoned | Self::GraceExceeded => {
                Duration::from_secs(4)
            }
            Self::Denied | Self::Malformed | Self::Crash => Duration::from_mins(10),
        }
    }

    /// The offence of a header that announces more bytes than a frame may hold.
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

/// A granted command that spends a one-time code forgives: the codes bound how often a source can be
/// forgiven. Claiming a device (150), listing devices (222), an administrator's secret and what an
/// account can do that registered itself (170, 180, 210) forgive nothing.
impl<A> From<&Audited<A>> for Conduct {
    fn from(audited: &Audited<A>) -> Self {
        match audited.outcome() {
            Ok(_) if audited.action().forgives() => Self::Proof,
            Err(denial) if is_a_guess(denial) => Self::Offence(Offence::Denied),
            Ok(_) | Err(_) => Self::Neutral,
        }
    }
}

/// A token forgives nothing: a thief of one would be forgiven as well.
impl<A> From<&LookedUp<A>> for Conduct {
    fn from(looked_up: &LookedUp<A>) -> Self {
        match looked_up.outcome() {
            Err(denial) if is_a_guess(denial) => Self::Offence(Offence::Denied),
            Ok(_) | Err(_) => Self::Neutral,
        }
    }
}

/// True if the evidence was wrong. After any other denial the peer has either proved everything
/// that was asked for, or met the limits of the account, which failures of others may have used up.
const fn is_a_guess(denial: Denial) -> bool {
    match denial {
        Denial::Credentials
        | Denial::Face(_)
        | Denial::FaceChallenge(_)
        | Denial::Totp
        | Denial::Device
        | Denial::Admin
        | Denial::Gateway
        | Denial::Passcode
        | Denial::RecoveryCode
        | Denial::SignedOut => true,
        Denial::Clock
        | Denial::Time
        | Denial::NotAnAdministrator
        | Denial::NoSuchAccount
        | Denial::NoSuchMessage
        | Denial::OwnAccount
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
        | Denial::SessionExpired
        | Denial::NoSuchSession
        | Denial::MoreNeeded(_)
        | Denial::FaceOutdated
        | Denial::NoAddress
        | Denial::NotOffered => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_auth::{action::Action, limits::Limited, policy::Factors};
    use fourauth_face::Refusal;
    use fourauth_factors::password_rule::Weak;

    #[test]
    fn only_wrong_evidence_is_an_offence() {
        for (denial, is_offence) in [
            (Denial::Credentials, true),
            (Denial::Face(None), true),
            (Denial::Face(Some(Refusal::NoFace)), true),
            (Denial::Totp, true),
            (Denial::Passcode, true),
            (Denial::NoAddress, false),
            (Denial::Device, true),
            (Denial::Admin, true),
            (Denial::Gateway, true),
            (Denial::NotAnAdministrator, false),
            (Denial::NoSuchAccount, false),
            (Denial::NoSuchMessage, false),
            (Denial::OwnAccount, false),
            (Denial::RecoveryCode, true),
            (Denial::SignedOut, true),
            (Denial::Clock, false),
            (Denial::Time, false),
            (Denial::NewPassword(Weak::Composition), false),
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
            (Denial::NoSuchSession, false),
            (Denial::SessionExpired, false),
            (Denial::MoreNeeded(Factors::default()), false),
            (Denial::NotOffered, false),
        ] {
            assert_eq!(is_a_guess(denial), is_offence, "{denial:?}");
        }
    }

    #[test]
    fn only_a_spent_code_forgives_a_source() {
        for (action, forgives) in [
            (Action::Login, true),
            (Action::ConfirmTotp, false),
            (Action::CodeStep, false),
            (Action::FaceStep, false),
            (Action::PasswordStep, false),
            (Action::SelfRegister, false),
            (Action::BindDevice, true),
            (Action::RevokeDevice, true),
            (Action::RecoverPassword, true),
            (Action::RecoverFace, true),
            (Action::RecoverDevice, true),
            (Action::ProveGateway, false),
            (Action::Register, false),
            (Action::ListDevices, false),
            (Action::ReadAudit, false),
            (Action::RecoverTotp, false),
        ] {
            assert_eq!(action.forgives(), forgives, "{action:?}");
        }
    }

    #[test]
    fn a_header_of_another_protocol_is_not_malformed() {
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
