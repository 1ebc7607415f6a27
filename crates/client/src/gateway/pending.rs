//! The commands of a gateway's connection that wait for their answers.

use crate::error::{Error, ProtocolError};
use fourauth_protocol::{answer::Answer, envelope::Reference};
use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::oneshot;

/// The commands in progress.
#[derive(Debug, Default)]
pub(super) struct Pending(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The number of the next command.
    next: u64,
    waiting: HashMap<u64, oneshot::Sender<Result<Answer, Failure>>>,
    is_closed: bool,
}

/// Why the connection has ended, for each of the commands in progress.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    Protocol(ProtocolError),
    Io(io::ErrorKind, String),
}

/// The place of one command. Dropping it gives the place up.
#[derive(Debug)]
pub(super) struct Ticket {
    pending: Arc<Pending>,
    number: u64,
    answer: oneshot::Receiver<Result<Answer, Failure>>,
}

impl From<ProtocolError> for Failure {
    fn from(error: ProtocolError) -> Self {
        Self::Protocol(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind(), error.to_string())
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Protocol(error) => Self::Protocol(error),
            Failure::Io(kind, text) => Self::Io(io::Error::new(kind, text)),
        }
    }
}

impl Pending {
    /// Adds a command.
    pub(super) fn issue(self: &Arc<Self>) -> Result<Ticket, Error> {
        let mut state = self.state();
        if state.is_closed {
            return Err(Error::Abandoned);
        }
        let number = state.next;
        state.next += 1;
        let (waiting, answer) = oneshot::channel();
        state.waiting.insert(number, waiting);
        Ok(Ticket { pending: Arc::clone(self), number, answer })
    }

    /// Gives an answer to its command. One that came too late is ignored.
    pub(super) fn settle(&self, answer: Answer) -> Result<(), ProtocolError> {
        let number = answer.reference.as_ref().and_then(|it| it.as_str().parse::<u64>().ok());
        let mut state = self.state();
        // An answer without a reference announces the end of the connection.
        let number = number.filter(|number| *number < state.next).ok_or(ProtocolError::Unasked)?;
        if let Some(waiting) = state.waiting.remove(&number) {
            // The command was given up.
            let _late = waiting.send(Ok(answer));
        }
        Ok(())
    }

    /// Ends all commands in progress, and refuses further ones.
    pub(super) fn fail(&self, failure: &Failure) {
        let mut state = self.state();
        state.is_closed = true;
        for (_, waiting) in state.waiting.drain() {
            let _given_up = waiting.send(Err(failure.clone()));
        }
    }

    pub(super) fn is_open(&self) -> bool {
        !self.state().is_closed
    }

    /// True if every command has been answered or given up.
    pub(super) fn is_idle(&self) -> bool {
        self.state().waiting.is_empty()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// The text that the server repeats in the answer.
    pub(super) fn reference(&self) -> Reference {
        Reference::parse(&self.number.to_string()).expect("a number is printable and short")
    }

    /// Waits for the answer.
    pub(super) async fn answer(mut self) -> Result<Answer, Error> {
        match (&mut self.answer).await {
            Ok(result) => result.map_err(Error::from),
            Err(_) => Err(ProtocolError::NoAnswer.into()),
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.pending.state().waiting.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_protocol::code::Code;

    fn answer(reference: Option<&str>) -> Answer {
        let reference = reference.map(|text| Reference::parse(text).unwrap());
        Answer::error(Code::Denied, "No.").with_reference(reference)
    }

    #[tokio::test]
    async fn each_answer_reaches_the_command_of_its_reference() {
        let pending = Arc::new(Pending::default());
        let (one, two) = (pending.issue().unwrap(), pending.issue().unwrap());
        pending.settle(answer(Some("1"))).unwrap();
        pending.settle(answer(Some("0"))).unwrap();
        assert_eq!(one.answer().await.unwrap().reference, Reference::parse("0").ok());
        assert_eq!(two.answer().await.unwrap().reference, Reference::parse("1").ok());
    }

    #[test]
    fn an_answer_to_no_command_ends_the_connection() {
        let pending = Arc::new(Pending::default());
        drop(pending.issue());
        assert_eq!(pending.settle(answer(Some("0"))), Ok(()), "it was given up");
        for reference in [None, Some("1"), Some("a"), Some("-1")] {
            let unasked = pending.settle(answer(reference));
            assert_eq!(unasked, Err(ProtocolError::Unasked), "{reference:?}");
        }
    }

    #[tokio::test]
    async fn a_failure_ends_all_commands_and_refuses_others() {
        let pending = Arc::new(Pending::default());
        let tickets = [(); 2].map(|()| pending.issue().unwrap());
        pending.fail(&Failure::Protocol(ProtocolError::CutOff));
        for ticket in tickets {
            let error = ticket.answer().await.unwrap_err();
            assert!(matches!(error, Error::Protocol(ProtocolError::CutOff)), "{error}");
        }
        assert!(matches!(pending.issue(), Err(Error::Abandoned)));
    }
}
