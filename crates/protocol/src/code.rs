//! Outcome codes for programs. Message texts are for people and may change. Codes are part of the
//! protocol and are never reused or renamed.

use serde::{Deserialize, Serialize};

/// The outcome of a command as it appears on the wire, in `snake_case`.
///
/// Every denial before the first secret has been verified is [`Code::Denied`]. Otherwise an
/// attacker could tell an unknown account from a wrong password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Code {
    /// The command succeeded.
    Ok,
    /// The command was denied. The audit log has the reason.
    Denied,
    /// The first secret was right; the face does not match.
    FaceMismatch,
    /// The first secret was right; the command needs the answer to a face challenge, and has none.
    FaceChallengeNeeded,
    /// The first secret was right; the face challenge has expired, was used before, or is of another
    /// account or connection.
    FaceChallengeStale,
    /// The first secret was right; the frames do not show what the face challenge asked for.
    FaceChallengeFailed,
    /// The first secret was right; the one-time code is wrong, missing or already used.
    TotpMismatch,
    /// The first secret was right; the device is not one of the account's.
    DeviceMismatch,
    /// The client's clock is missing, unreadable or too far from the server's.
    ClockSkew,
    /// The server does not know the time well enough to decide.
    TimeDegraded,
    /// The first secret was right; the recovery code is wrong, missing or already used.
    RecoveryCodeMismatch,
    /// The password was right; the passcode is wrong, has expired or was already used.
    PasscodeMismatch,
    /// The password was right; the account has no address that a message can be sent to.
    NoAddress,
    /// The server does not offer this command to this client. An operator can switch it on.
    NotOffered,
    /// A factor was changed recently from an unknown device, so that no other factor may change
    /// yet; `retry_after_ms` says when one may.
    CoolingDown,
    /// The account has device keys, so a new device needs one as well.
    DeviceKeyNeeded,
    /// Everything that was sent is right, but does not reach the level that was asked for. `missing`
    /// names the methods that can raise it.
    MoreNeeded,
    /// The account has no device with that name.
    NoSuchDevice,
    /// The account has no session with that id.
    NoSuchSession,
    /// There is no such account. Only administrators are told.
    NoSuchAccount,
    /// There is no such message. Only administrators are told.
    NoSuchMessage,
    /// The session has ended or never existed.
    SignedOut,
    /// The administrator's secret was wrong, or the account may not use the console.
    AdminDenied,
    /// The connection is not that of a gateway, or the proof of a gateway was wrong.
    GatewayDenied,
    /// Too many attempts failed; further attempts from this source are blocked for now.
    Locked,
    /// Too many attempts; `retry_after_ms` says when to retry.
    Throttled,
    /// The request cannot be parsed.
    Malformed,
    /// The command does not exist.
    UnknownCommand,
    /// The frame exceeds the limit of its command. The connection is closed.
    FrameTooLarge,
    /// The server reached no decision; a later retry may succeed.
    Unavailable,
    /// The name or the contact is taken, or the account has just changed.
    Conflict,
    /// The password does not meet the rule.
    WeakPassword,
    /// The MAC address is missing or not the address of a device.
    BadMac,
    /// The file is not a JPEG or PNG that can be decoded.
    BadImage,
    /// The file or its dimensions exceed the limits.
    ImageTooLarge,
    /// The picture shows no face.
    NoFace,
    /// The picture shows several faces, and none is clearly in front.
    SeveralFaces,
    /// Part of the face is outside the picture.
    FaceCutOff,
    /// The face is too small.
    FaceTooSmall,
    /// The face is blurred.
    FaceBlurred,
    /// The head is turned too far.
    FaceTurned,
    /// The picture is too dark, too bright or too flat.
    BadLight,
    /// The pictures do not all show the same person.
    FacesDisagree,
    /// A print, a screen or a mask was shown instead of a live face.
    FaceNotLive,
    /// A code of a newer peer, which this version does not know.
    #[serde(other)]
    Unrecognised,
}
