//! Why a change that was granted was not made after all.

use crate::decision::Denial;
use fourauth_store::{self as store, Bound};

/// Another command was quicker, or what was offered does not fit what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// The same one-time code was spent, or the account changed so that the code no longer counts.
    StepSpent,
    /// The account was changed.
    Superseded,
    /// The name is taken.
    NameTaken,
    /// The mail address or the telephone number is taken.
    ContactTaken,
    /// The recovery code is none of the account's, or has been spent.
    RecoveryCode,
    /// The account has a device of that name, or has or had one with that key.
    DeviceTaken,
    /// The account has as many devices as it may.
    TooManyDevices,
    /// The account has no such device.
    NoSuchDevice,
}

impl Lost {
    /// The word for the audit log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StepSpent => "step_spent",
            Self::Superseded => "superseded",
            Self::NameTaken => "name_taken",
            Self::ContactTaken => "contact_taken",
            Self::RecoveryCode => "recovery_code",
            Self::DeviceTaken => "device_taken",
            Self::TooManyDevices => "too_many_devices",
            Self::NoSuchDevice => "no_such_device",
        }
    }
}

impl From<Lost> for Denial {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::StepSpent => Self::Totp,
            Lost::Superseded => Self::Superseded,
            Lost::NameTaken => Self::NameTaken,
            Lost::ContactTaken => Self::ContactTaken,
            Lost::RecoveryCode => Self::RecoveryCode,
            Lost::DeviceTaken => Self::DeviceTaken,
            Lost::TooManyDevices => Self::TooManyDevices,
            Lost::NoSuchDevice => Self::NoSuchDevice,
        }
    }
}

/// Why a transaction was rolled back.
#[derive(Debug)]
pub enum Undone {
    /// It came too late, or does not fit.
    Lost(Lost),
    /// The database failed.
    Store(store::Error),
}

impl From<store::Error> for Undone {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<Lost> for Undone {
    fn from(lost: Lost) -> Self {
        Self::Lost(lost)
    }
}

impl Lost {
    /// Itself, unless what was attempted has been done.
    pub(crate) const fn unless(self, done: bool) -> Result<(), Self> {
        if done { Ok(()) } else { Err(self) }
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
