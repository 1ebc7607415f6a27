//! Replies to a peer.

use crate::limits::conduct::{Conduct, Offence};
use fourauth_auth::{
    action::Action, answer::CommandAnswer, attempt::Audited, challenge::Begun, command::PublicKeys,
    compute::Overload, error::Error, looked_up::LookedUp,
};
use fourauth_protocol::{
    answer::{Answer, AnswerBody, ServerInfo},
    code::Code,
    command::Refused,
    device::DeviceId,
    envelope::Reference,
    frame::FrameError,
    request_id::RequestId,
    secret::Secret,
};

/// How long a peer should wait after a full queue, in milliseconds: the time of a few logins.
const RETRY_AFTER_MS: u64 = 1000;

/// A reply: an audited decision, what a token let its holder read, an error without a decision, or
/// public information. There is no other constructor.
#[must_use]
#[derive(Debug)]
pub struct Reply {
    answer: Answer,
    /// The kind of command that was decided.
    action: Option<Action>,
    is_held_back: bool,
    proven_device: Option<DeviceId>,
    conduct: Conduct,
}

impl<A: CommandAnswer> From<Audited<A>> for Reply {
    fn from(audited: Audited<A>) -> Self {
        let action = audited.action();
        let is_held_back = audited.outcome().is_err() || action.answers_late();
        let proven_device = audited.proven_device();
        let conduct = Conduct::from(&audited);
        let action = Some(action);
        Self { answer: audited.into(), action, is_held_back, proven_device, conduct }
    }
}

impl<A: CommandAnswer> From<LookedUp<A>> for Reply {
    fn from(looked_up: LookedUp<A>) -> Self {
        let (action, is_held_back) = (Some(looked_up.action()), looked_up.outcome().is_err());
        let conduct = Conduct::from(&looked_up);
        let proven_device = looked_up.proven_device();
        Self { answer: looked_up.into(), action, is_held_back, proven_device, conduct }
    }
}

impl Reply {
    /// A reply that reveals nothing about any account.
    const fn public(answer: Answer) -> Self {
        let (action, proven_device) = (None, None);
        Self { answer, action, is_held_back: false, proven_device, conduct: Conduct::Neutral }
    }

    fn after(self, offence: Offence) -> Self {
        Self { conduct: Conduct::Offence(offence), ..self }
    }

    /// The kind of command that was decided. `None` for a reply without a decision.
    #[must_use]
    pub const fn action(&self) -> Option<Action> {
        self.action
    }

    /// True if the command could not be decided.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        self.answer.code == Code::Unavailable
    }

    /// True if the command was granted.
    #[must_use]
    pub fn is_granted(&self) -> bool {
        self.answer.is_ok()
    }

    /// The reply with the reference of its command.
    pub fn with_reference(self, reference: Option<Reference>) -> Self {
        Self { answer: self.answer.with_reference(reference), ..self }
    }

    /// True for a denial, and for an answer that must take as long as others. It is sent only after
    /// the denial delay.
    #[must_use]
    pub const fn is_held_back(&self) -> bool {
        self.is_held_back
    }

    /// The device that the peer has proved to be, if it belongs to the account of the command.
    #[must_use]
    pub const fn proven_device(&self) -> Option<DeviceId> {
        self.proven_device
    }

    /// The conduct of the source that sent the command.
    #[must_use]
    pub const fn conduct(&self) -> Conduct {
        self.conduct
    }

    /// The reply after an error. It says `unavailable` for every error; the log has the details.
    pub fn undecided(id: RequestId, error: &Error) -> Self {
        let text = match error {
            Error::Overload(Overload::QueueFull | Overload::Late) => "Server busy.",
            Error::Overload(Overload::Panicked)
            | Error::Store(_)
            | Error::Unexamined
            | Error::DatabaseFull => "Service unavailable.",
            Error::NotSigned => "This sign-in is not signed yet. Try again in a second.",
        };
        // Delayed like a denial, so that a peer that keeps the server busy cannot retry at once.
        let reply = Self { is_held_back: true, ..Self::unavailable(id, Code::from(error), text) };
        match error {
            Error::Overload(Overload::Panicked) => reply.after(Offence::Crash),
            Error::Overload(Overload::QueueFull | Overload::Late)
            | Error::Store(_)
            | Error::Unexamined
            | Error::DatabaseFull
            | Error::NotSigned => reply,
        }
    }

    /// The reply after an incomplete frame was dropped to make room for others.
    pub fn crowded(id: RequestId) -> Self {
        Self::unavailable(id, Code::Unavailable, "Server busy.")
    }

    /// The reply after the task of a command panicked.
    pub fn crashed(id: RequestId) -> Self {
        Self::unavailable(id, Code::Unavailable, "Service unavailable.").after(Offence::Crash)
    }

    fn unavailable(id: RequestId, code: Code, text: &str) -> Self {
        let answer = Answer::error(code, text).to_request(id);
        Self::public(Answer { retry_after_ms: Some(RETRY_AFTER_MS), ..answer })
    }

    /// The reply to a frame that is not a valid command.
    pub fn refused(id: RequestId, refused: &Refused) -> Self {
        let answer = match refused {
            Refused::Malformed(what) => {
                Answer::error(Code::Malformed, format!("Malformed request: {what}."))
            }
            Refused::Unknown => Answer::error(Code::UnknownCommand, "Unknown command."),
            Refused::NotAGateway => {
                Answer::error(Code::GatewayDenied, "Only a gateway may state a peer.")
            }
            Refused::TooLarge => Answer::error(Code::FrameTooLarge, "Frame too large."),
        };
        let reply = Self::public(answer.to_request(id));
        match refused {
            Refused::Malformed(_) | Refused::TooLarge | Refused::NotAGateway => {
                reply.after(Offence::Malformed)
            }
            // The client may be newer than the server.
            Refused::Unknown => reply,
        }
    }

    /// The reply to a device proof, the same for every proof. The proof is checked later, with a
    /// command that needs it.
    pub fn noted(id: RequestId) -> Self {
        Self::public(Answer::ok("Device proof received.", AnswerBody::default()).to_request(id))
    }

    /// The reply to a request for a face challenge, the same for every name. `None` if this server
    /// offers none.
    pub fn challenge(id: RequestId, begun: Option<Begun>) -> Self {
        let answer = match begun {
            Some(Begun { id, steps, expires }) => {
                let mut body = AnswerBody::default();
                (body.challenge, body.steps, body.expires_at) =
                    (Some(id), Some(steps), Some(expires));
                Answer::ok("Face challenge begun.", body)
            }
            None => Answer::error(Code::NotOffered, "This command is not offered here."),
        };
        Self::public(answer.to_request(id))
    }

    /// The reply to a 150 that a gateway sends for a peer: such a proof would be about the connection of the
    /// gateway. The peer is not blamed for it.
    pub fn foreign_binding(id: RequestId) -> Self {
        let text = "This binding proves nothing about a device behind a gateway.";
        Self::public(Answer::error(Code::GatewayDenied, text).to_request(id))
    }

    /// The reply to a hello: the capabilities and requirements of the server.
    pub fn hello(id: RequestId, info: ServerInfo) -> Self {
        let mut body = AnswerBody::default();
        body.server = Some(info);
        Self::public(Answer::ok("Hello.", body).to_request(id))
    }

    /// The reply with the public keys that verify tokens.
    pub fn keys(id: RequestId, keys: PublicKeys) -> Self {
        Self::public(Answer::ok("Keys.", keys.into_body()).to_request(id))
    }

    /// The answer, for a door that writes it in another form.
    pub(crate) const fn answer(&self) -> &Answer {
        &self.answer
    }

    /// The reply as one frame.
    pub(crate) fn to_frame(&self) -> Result<Secret<Vec<u8>>, FrameError> {
        self.answer.to_frame()
    }
}
