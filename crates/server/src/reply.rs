//! What may be sent to a peer.

use crate::conduct::{Conduct, Offence};
use fourauth_auth::{attempt::Audited, compute::Overload, error::Error};
use fourauth_protocol::{
    answer::{Answer, Gains, ServerInfo},
    code::Code,
    command::Refused,
    device::DeviceId,
    request_id::RequestId,
    secret::Secret,
};

/// How long a peer that met a full queue should wait, in milliseconds: a few logins' work.
const RETRY_AFTER_MS: u64 = 1000;

/// An audited decision, the admission that nothing was decided, or what anybody may know. There is
/// no other constructor.
#[must_use]
#[derive(Debug)]
pub struct Reply {
    answer: Answer,
    is_denial: bool,
    proven_device: Option<DeviceId>,
    conduct: Conduct,
}

impl From<Audited> for Reply {
    fn from(audited: Audited) -> Self {
        let is_denial = audited.outcome().is_err();
        let proven_device = audited.proven_device();
        let conduct = Conduct::from(&audited);
        Self { answer: audited.into(), is_denial, proven_device, conduct }
    }
}

impl Reply {
    /// What tells nothing about any account.
    const fn public(answer: Answer) -> Self {
        Self { answer, is_denial: false, proven_device: None, conduct: Conduct::Neutral }
    }

    fn after(self, offence: Offence) -> Self {
        Self { conduct: Conduct::Offence(offence), ..self }
    }

    /// Whether somebody was turned away. Such a reply waits for its time.
    #[must_use]
    pub const fn is_denial(&self) -> bool {
        self.is_denial
    }

    /// The device that the peer has proved to be, if it is one of the account that was asked for.
    #[must_use]
    pub const fn proven_device(&self) -> Option<DeviceId> {
        self.proven_device
    }

    /// What it says about where the command came from.
    #[must_use]
    pub const fn conduct(&self) -> Conduct {
        self.conduct
    }

    /// An error says `unavailable`, whatever it was; the log has the details.
    pub fn undecided(id: RequestId, error: &Error) -> Self {
        let text = match error {
            Error::Overload(Overload::QueueFull | Overload::Late) => "Server busy.",
            Error::Overload(Overload::Panicked)
            | Error::Store(_)
            | Error::Unexamined
            | Error::NoRoom => "Service unavailable.",
        };
        // Paced like a denial: whoever keeps the server busy is not to ask again at once.
        let reply = Self { is_denial: true, ..Self::unavailable(id, Code::from(error), text) };
        match error {
            Error::Overload(Overload::Panicked) => reply.after(Offence::Crash),
            Error::Overload(Overload::QueueFull | Overload::Late)
            | Error::Store(_)
            | Error::Unexamined
            | Error::NoRoom => reply,
        }
    }

    /// A frame was dropped before it had arrived whole, to make room for others.
    pub fn crowded(id: RequestId) -> Self {
        Self::unavailable(id, Code::Unavailable, "Server busy.")
    }

    /// The command's task is gone.
    pub fn crashed(id: RequestId) -> Self {
        Self::unavailable(id, Code::Unavailable, "Service unavailable.").after(Offence::Crash)
    }

    fn unavailable(id: RequestId, code: Code, text: &str) -> Self {
        let answer = Answer::error(code, text).to_request(id);
        Self::public(Answer { retry_after_ms: Some(RETRY_AFTER_MS), ..answer })
    }

    /// What was sent is no command.
    pub fn refused(id: RequestId, refused: &Refused) -> Self {
        let answer = match refused {
            Refused::Malformed(what) => {
                Answer::error(Code::Malformed, format!("Malformed request: {what}."))
            }
            Refused::Unknown => Answer::error(Code::UnknownCommand, "Unknown command."),
            Refused::TooLarge => Answer::error(Code::FrameTooLarge, "Frame too large."),
        };
        let reply = Self::public(answer.to_request(id));
        match refused {
            Refused::Malformed(_) | Refused::TooLarge => reply.after(Offence::Malformed),
            // Of a newer client, perhaps.
            Refused::Unknown => reply,
        }
    }

    /// What was said of a device will be looked at when it matters. The same for every claim.
    pub fn noted(id: RequestId) -> Self {
        Self::public(Answer::ok("Device proof received.", Gains::default()).to_request(id))
    }

    /// What the server speaks and wants.
    pub fn hello(id: RequestId, info: ServerInfo) -> Self {
        let gains = Gains { server: Some(info), ..Gains::default() };
        Self::public(Answer::ok("Hello.", gains).to_request(id))
    }

    pub(crate) fn to_json(&self) -> Secret<Vec<u8>> {
        self.answer.to_json()
    }
}
