//! The errors by the meanings that clients of the passcode systems document.

use crate::error::Error;

/// What kept a command from being answered, in five kinds.
///
/// | kind | documented as | errors | what to do |
/// |---|---|---|---|
/// | [`LimitRetries`](Self::LimitRetries) | limit retries | [`Error::RetriesExhausted`] | try again later |
/// | [`NoConnection`](Self::NoConnection) | no connection | [`Error::Connect`], [`Error::ConnectTimeout`], [`Error::Tls`], [`Error::Untrusted`] | check the address, the network and the trust |
/// | [`CouldNotSend`](Self::CouldNotSend) | could not send | [`Error::Io`], [`Error::Abandoned`] | open a new connection |
/// | [`BadReply`](Self::BadReply) | bad reply | [`Error::Protocol`], [`Error::AnswerTimeout`] | ask the person before the command is sent again |
/// | [`CouldNotFormRequest`](Self::CouldNotFormRequest) | could not form request | [`Error::TooLarge`], [`Error::NoChannel`] | change the command |
///
/// Whether the server may have decided the command is another question:
/// [`Error::may_have_been_decided`] answers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Every attempt that [`Builder::retries`](crate::Builder::retries) allows has failed.
    LimitRetries,
    /// There is no connection to the trusted server. Nothing was sent.
    NoConnection,
    /// The connection broke, or cannot be used any more.
    CouldNotSend,
    /// No answer came, or something that is not an answer.
    BadReply,
    /// The command cannot be sent as it is. Nothing was sent.
    CouldNotFormRequest,
}

impl Error {
    /// The kind of this error.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::RetriesExhausted { .. } => ErrorKind::LimitRetries,
            Self::Connect(_) | Self::ConnectTimeout | Self::Tls(_) | Self::Untrusted(_) => {
                ErrorKind::NoConnection
            }
            Self::Io(_) | Self::Abandoned => ErrorKind::CouldNotSend,
            Self::Protocol(_) | Self::AnswerTimeout => ErrorKind::BadReply,
            Self::TooLarge(_) | Self::NoChannel => ErrorKind::CouldNotFormRequest,
        }
    }
}

impl ErrorKind {
    /// The word for programs, in `snake_case`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LimitRetries => "limit_retries",
            Self::NoConnection => "no_connection",
            Self::CouldNotSend => "could_not_send",
            Self::BadReply => "bad_reply",
            Self::CouldNotFormRequest => "could_not_form_request",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ProtocolError;
    use std::io;

    #[test]
    fn each_error_has_its_documented_kind() {
        let broken = || io::Error::from(io::ErrorKind::BrokenPipe);
        let exhausted = |last| Error::RetriesExhausted { attempts: 3, last: Box::new(last) };
        for (error, word, is_lost) in [
            (exhausted(Error::ConnectTimeout), "limit_retries", false),
            (exhausted(Error::AnswerTimeout), "limit_retries", true),
            (Error::Connect(broken()), "no_connection", false),
            (Error::ConnectTimeout, "no_connection", false),
            (Error::Io(broken()), "could_not_send", true),
            (Error::Abandoned, "could_not_send", false),
            (Error::AnswerTimeout, "bad_reply", true),
            (Error::Protocol(ProtocolError::NotAnAnswer), "bad_reply", true),
            (Error::NoChannel, "could_not_form_request", false),
        ] {
            let found = (error.kind().as_str(), error.may_have_been_decided());
            assert_eq!(found, (word, is_lost), "{error}");
        }
    }
}
