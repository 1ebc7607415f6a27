//! Reasons why a granted change could not be applied.

use crate::{
    decision::Denial,
    rules::{device_request, pace, passcode},
};
use fourauth_store::{self as store, Asked, Bound};

/// A conflict with a concurrent command or with existing data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// The one-time code was spent, or the account changed so that the code is no longer valid.
    StepSpent,
    /// The account was changed.
    Superseded,
    /// The name is taken.
    NameTaken,
    /// The mail address or telephone number is taken.
    ContactTaken,
    /// The recovery code is not one of the account's, or has been spent.
    RecoveryCode,
    /// The account has a device of that name, or has or had one with that key.
    DeviceTaken,
    /// The account has reached its maximum number of devices.
    TooManyDevices,
    /// The account has no such device.
    NoSuchDevice,
    /// The account does not exist any more.
    NoSuchAccount,
    /// The message does not exist any more.
    NoSuchMessage,
    /// The session has ended.
    SessionEnded,
    /// The account has no such session.
    NoSuchSession,
    /// The passcode was used or replaced, or too many others were wrong before it.
    PasscodeSpent,
    /// Another command got the last passcode that the limit allows.
    PasscodesIssued,
    /// The code or the grant of a reset was used, or the account changed so that it is no longer valid.
    ResetSpent,
    /// Another command made the last request that the limit allows.
    TooManyRequests,
    /// Another connection has used the nonce of the device proof.
    NonceSpent,
    /// Another command has used the grant that stands for the password.
    GrantSpent,
    /// Another command has used the challenge that a browser has signed.
    ChallengeSpent,
    /// Another command has bound the session to a key.
    SessionBound,
    /// The request of a browser has expired or was decided, or the account changed since.
    NoSuchRequest,
    /// Browsers have asked to become a device of the account too often.
    DevicesAsked,
}

impl Conflict {
    /// The word for the audit log.
    #[must_use]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::StepSpent => "step_spent",
            Self::Superseded => "superseded",
            Self::NameTaken => "name_taken",
            Self::ContactTaken => "contact_taken",
            Self::RecoveryCode => "recovery_code",
            Self::DeviceTaken => "device_taken",
            Self::TooManyDevices => "too_many_devices",
            Self::NoSuchDevice => "no_such_device",
            Self::NoSuchAccount => "no_such_account",
            Self::NoSuchMessage => "no_such_message",
            Self::SessionEnded => "session_ended",
            Self::NoSuchSession => "no_such_session",
            Self::PasscodeSpent => "passcode_spent",
            Self::PasscodesIssued => "passcodes_issued",
            Self::ResetSpent => "reset_spent",
            Self::TooManyRequests => "too_many_requests",
            Self::NonceSpent => "nonce_spent",
            Self::GrantSpent => "grant_spent",
            Self::ChallengeSpent => "challenge_spent",
            Self::SessionBound => "session_bound",
            Self::NoSuchRequest => "no_such_request",
            Self::DevicesAsked => "devices_asked",
        }
    }
}

impl From<Conflict> for Denial {
    fn from(conflict: Conflict) -> Self {
        match conflict {
            Conflict::StepSpent => Self::Totp,
            Conflict::Superseded => Self::Superseded,
            Conflict::NameTaken => Self::NameTaken,
            Conflict::ContactTaken => Self::ContactTaken,
            Conflict::RecoveryCode => Self::RecoveryCode,
            Conflict::DeviceTaken => Self::DeviceTaken,
            Conflict::TooManyDevices => Self::TooManyDevices,
            Conflict::NoSuchDevice | Conflict::NoSuchRequest => Self::NoSuchDevice,
            Conflict::DevicesAsked => Self::Limited(device_request::WHOLE_WINDOW),
            Conflict::NoSuchAccount => Self::NoSuchAccount,
            Conflict::NoSuchMessage => Self::NoSuchMessage,
            Conflict::SessionEnded => Self::SignedOut,
            Conflict::NoSuchSession => Self::NoSuchSession,
            Conflict::PasscodeSpent => Self::Passcode,
            Conflict::PasscodesIssued => Self::Limited(passcode::WHOLE_WINDOW),
            Conflict::ResetSpent | Conflict::GrantSpent => Self::Credentials,
            Conflict::TooManyRequests => Self::Limited(pace::WHOLE_MINUTE),
            Conflict::NonceSpent | Conflict::ChallengeSpent | Conflict::SessionBound => {
                Self::Device
            }
        }
    }
}

/// The reason why a transaction was rolled back.
#[derive(Debug)]
pub(crate) enum Aborted {
    /// The change was lost to a conflict.
    Conflict(Conflict),
    /// The database failed.
    Store(store::Error),
}

impl From<store::Error> for Aborted {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<Conflict> for Aborted {
    fn from(conflict: Conflict) -> Self {
        Self::Conflict(conflict)
    }
}

impl Conflict {
    /// `Ok` if the statement took effect, or this reason.
    pub(crate) const fn unless(self, done: bool) -> Result<(), Self> {
        if done { Ok(()) } else { Err(self) }
    }

    pub(crate) const fn of_request(asked: Asked) -> Result<(), Self> {
        match asked {
            Asked::Yes => Ok(()),
            Asked::Taken => Err(Self::DeviceTaken),
            Asked::TooMany => Err(Self::DevicesAsked),
        }
    }

    pub(crate) const fn of_binding(bound: Bound) -> Result<(), Self> {
        match bound {
            Bound::Yes => Ok(()),
            Bound::Superseded => Err(Self::Superseded),
            Bound::Taken => Err(Self::DeviceTaken),
            Bound::TooMany => Err(Self::TooManyDevices),
        }
    }
}
