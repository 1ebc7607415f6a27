//! What a peer's program is told. Texts are for people and may change; codes are part of the
//! protocol: never reused, never renamed.

use serde::{Deserialize, Serialize};

/// The outcome of a command as it appears on the wire, in `snake_case`.
///
/// Before the first secret has been verified every denial is [`Code::Denied`]: a peer who could
/// tell an unknown name from a wrong password would have an oracle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Code {
    /// Done.
    Ok,
    /// Not granted. The audit log knows why.
    Denied,
    /// The first secret was right; the face was not this person's.
    FaceMismatch,
    /// The first secret was right; the one-time code was wrong or has been used.
    TotpMismatch,
    /// The first secret was right; the device is not the account's.
    DeviceMismatch,
    /// The client's clock is missing, unreadable or too far from the server's.
    ClockSkew,
    /// The server does not know the time well enough to decide.
    TimeDegraded,
    /// The first secret was right; the recovery code was missing, wrong or has been used.
    RecoveryCodeMismatch,
    /// A factor was changed lately from an unknown device and may not change another yet;
    /// `retry_after_ms` says when.
    CoolingDown,
    /// The account has device keys, so a new device needs one as well.
    DeviceKeyNeeded,
    /// The account has no device of that name.
    NoSuchDevice,
    /// The session has ended, or there never was one.
    SignedOut,
    /// The administrator's secret was wrong.
    AdminDenied,
    /// The account is disabled for now.
    Locked,
    /// Too many attempts; `retry_after_ms` says when to come back.
    Throttled,
    /// The request cannot be read.
    Malformed,
    /// The command does not exist.
    UnknownCommand,
    /// The frame is longer than its command may be. The connection is closed.
    FrameTooLarge,
    /// Nothing was decided; trying again later may succeed.
    Unavailable,
    /// The name or the contact is taken, or the account has just changed.
    Conflict,
    /// The password does not meet the rule.
    WeakPassword,
    /// The MAC address is missing or names no device.
    BadMac,
    /// The file is no JPEG or PNG that can be decoded.
    BadImage,
    /// The file or its dimensions exceed the limits.
    ImageTooLarge,
    /// No face in the picture.
    NoFace,
    /// More than one face, and none clearly in front.
    SeveralFaces,
    /// The face is not whole inside the picture.
    FaceCutOff,
    /// The face is too small.
    FaceTooSmall,
    /// The face is blurred.
    FaceBlurred,
    /// The head is turned too far.
    FaceTurned,
    /// The picture is too dark, too bright or too flat.
    BadLight,
    /// The pictures do not show one person.
    FacesDisagree,
    /// A code from a newer peer.
    #[serde(other)]
    Unrecognised,
}
