//! What a person does after each outcome, in one or two sentences that clients show below the message.
//!
//! The message is the server's, and often the same for many causes. The code tells them apart. Clients
//! may have advice of their own, for example the name of an option.

use crate::code::Code;

impl Code {
    /// What is wrong and what to do, for a person. Empty for [`Code::Ok`].
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Ok => "",
            Self::Denied => {
                "Check the name of the account and every value that you gave, and try again. The \
                 server does not say which one is wrong."
            }
            Self::TotpMismatch => {
                "The code is wrong, missing or already used: wait for the next one and enter it at \
                 once. If every code is refused, the clock of the phone is wrong: switch on its \
                 automatic time."
            }
            Self::DeviceMismatch => {
                "This is not a device of the account, or it has not proved its key: use one that the \
                 account knows, or replace the lost device."
            }
            Self::ClockSkew => {
                "The clock of this machine is more than two minutes off, or no time was sent: switch \
                 on its automatic time, and try again."
            }
            Self::TimeDegraded => {
                "The server does not know the time well enough to decide: tell its operator."
            }
            Self::RecoveryCodeMismatch => {
                "A recovery code is needed, or this one is wrong or already used: enter another one."
            }
            Self::PasscodeMismatch => {
                "Check the passcode. It is valid once, for three minutes; ask for another one. After \
                 five wrong ones, wait 15 minutes."
            }
            Self::NoAddress => {
                "The server sends only to addresses that the account was registered with: ask its \
                 operator."
            }
            Self::NotOffered => {
                "The server does not offer this command here: ask its operator to switch it on."
            }
            Self::CoolingDown => {
                "A factor was changed a short time ago: wait, use a device that the account knows, or \
                 enter a recovery code."
            }
            Self::DeviceKeyNeeded => {
                "The account has devices with keys: the new device needs a key too, and a known one \
                 has to prove its own."
            }
            Self::MoreNeeded => {
                "Everything was right, but it is not enough here: prove one more factor, or ask for a \
                 lower level. If the message asks for it, enrol your face again."
            }
            Self::NoSuchDevice => "List the devices of the account for their names.",
            Self::NoSuchSession => "List the sessions of the account for their ids.",
            Self::NoSuchAccount => "Search for the account by a part of its name.",
            Self::NoSuchMessage => "List the messages for their numbers.",
            Self::SignedOut => "The session has ended, or is of another device: log in again.",
            Self::AdminDenied => {
                "The administrator's secret is wrong, or the account may not use the console: check it, \
                 or ask the operator."
            }
            Self::GatewayDenied => "The server does not accept this gateway: tell its operator.",
            Self::Locked => {
                "Too many attempts failed: use a device that the account knows, or ask the operator."
            }
            Self::Throttled => "Too many attempts: wait before the next one.",
            Self::Malformed => {
                "The server cannot read the request: this is a fault of the program that sent it."
            }
            Self::UnknownCommand => {
                "The server does not know this command: it may be older than the program that sent it."
            }
            Self::FrameTooLarge => "Send fewer or smaller pictures.",
            Self::Unavailable => {
                "The server is busy or has no database. Nothing was decided or used up: try again."
            }
            Self::Conflict => {
                "The message says what is taken or has changed: choose another value, or try again."
            }
            Self::WeakPassword => {
                "Choose another password: at least 8 characters with an upper-case letter, a digit or \
                 a special character, or at least 15 of any kind. Not a common word or pattern, not \
                 your name, and not a common password with a digit at its end."
            }
            other => other.advice_about_pictures(),
        }
    }

    /// [`Code::advice`] for the codes about pictures, addresses and unknown codes.
    const fn advice_about_pictures(self) -> &'static str {
        match self {
            Self::FaceMismatch => {
                "The face does not match: take another picture, from the front and in good light."
            }
            Self::FaceChallengeNeeded => {
                "This command needs a face challenge: begin one, and turn the head and open the mouth \
                 as it asks."
            }
            Self::FaceChallengeStale => {
                "The face challenge has expired or was used before: begin another one, and answer it \
                 within 30 seconds."
            }
            Self::FaceChallengeFailed => {
                "The frames do not show what the face challenge asked for: begin another one, turn the \
                 head by a third of the way to the shoulder, and open the mouth wide."
            }
            Self::BadMac => {
                "The address of the device is missing or belongs to no device: enter twelve \
                 hexadecimal digits, such as 00:1b:44:11:3a:b7."
            }
            Self::BadImage => {
                "The picture is not a JPEG or PNG that can be read: take it again, or save it as JPEG."
            }
            Self::ImageTooLarge => {
                "The picture has too many pixels: send a smaller one, of at most 4096 pixels a side."
            }
            Self::NoFace => {
                "No face was found, or no picture was sent: take another one with your face upright \
                 and in the middle."
            }
            Self::SeveralFaces => "The picture shows several faces: take another one, alone.",
            Self::FaceCutOff => {
                "Part of the face is outside of the picture: move into the middle, and take another one."
            }
            Self::FaceTooSmall => "The face is too small: come closer, and take another picture.",
            Self::FaceBlurred => {
                "The face is blurred: hold still until the camera has focused, and take another picture."
            }
            Self::FaceTurned => {
                "The head is turned too far: look into the camera, and take another picture."
            }
            Self::BadLight => {
                "The picture is too dark, too bright or too flat: turn your face to the light, and \
                 take another one."
            }
            Self::FacesDisagree => {
                "The pictures do not all show one person: take them all again, alone."
            }
            Self::FaceNotLive => {
                "The picture does not look like a live face: take it with the camera, without a screen \
                 or print before it, and in even light."
            }
            _ => "This program does not know the code of the answer: the server may be newer.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every code of the protocol: the rows of the table in PROTOCOL.md.
    fn codes() -> Vec<Code> {
        let document = include_str!("../../../docs/PROTOCOL.md");
        let table = document.split("| code | means | what to do |").nth(1).unwrap();
        let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
        rows.map(|row| {
            let word = row.split('`').nth(1).unwrap();
            let code: Code = serde_json::from_value(word.into()).unwrap();
            assert!(code != Code::Unrecognised || word == "unrecognised", "{word}");
            code
        })
        .collect()
    }

    #[test]
    fn every_code_has_a_sentence_of_its_own() {
        let codes = codes();
        assert!(codes.len() > 35, "{codes:?}");
        let unknown = Code::Unrecognised.advice();
        for (at, code) in codes.iter().enumerate().filter(|(_, code)| **code != Code::Ok) {
            let advice = code.advice();
            assert!(advice.ends_with('.') && advice.is_ascii(), "{code:?}: {advice:?}");
            assert!(advice != unknown || *code == Code::Unrecognised, "{code:?} has no advice");
            let twin = codes[..at].iter().find(|other| other.advice() == advice);
            assert_eq!(twin, None, "{code:?}");
        }
        assert_eq!(Code::Ok.advice(), "");
    }
}
