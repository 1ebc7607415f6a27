//! A write that a caller requested, and the answer that waits for the commit.

use crate::{
    engine::tx::Tx,
    error::{Cause, Error},
};
use futures_util::{FutureExt as _, future::BoxFuture};
use std::panic::AssertUnwindSafe;
use tokio::sync::oneshot;

/// A write with its result type erased.
pub(crate) trait Job: Send {
    /// Does the work inside a transaction. `true` if it should be kept.
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, bool>;

    /// Sends the result to the caller, after the commit or rollback.
    fn answer(self: Box<Self>, outcome: Result<(), Error>);
}

/// Holds a closure, then its result, until the result is sent to the caller.
pub(crate) struct Pending<F, T, E> {
    work: Option<F>,
    result: Result<T, E>,
    caller: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E: From<Error>> Pending<F, T, E> {
    pub(crate) fn new(work: F) -> (Self, oneshot::Receiver<Result<T, E>>) {
        let (caller, answer) = oneshot::channel();
        let result = Err(Error::Unavailable(Cause::Abandoned).into());
        (Self { work: Some(work), result, caller }, answer)
    }
}

impl<F, T, E> Job for Pending<F, T, E>
where
    F: for<'a> FnOnce(&'a mut Tx) -> BoxFuture<'a, Result<T, E>> + Send,
    T: Send,
    E: From<Error> + Send,
{
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            let Some(work) = self.work.take() else { return false };
            // A panic must not stop the writer or the other jobs of its group.
            let result = AssertUnwindSafe(async { work(&mut *tx).await }).catch_unwind().await;
            self.result = result.unwrap_or(Err(Error::Unavailable(Cause::Abandoned).into()));
            if let Some(failure) = tx.take_failure() {
                self.result = Err(failure.into());
            }
            self.result.is_ok()
        })
    }

    fn answer(self: Box<Self>, outcome: Result<(), Error>) {
        let Self { result, caller, .. } = *self;
        let answer = match (result, outcome) {
            (Ok(_), Err(error)) => Err(error.into()),
            (result, _) => result,
        };
        // The caller may be gone; its job was done anyway.
        let _ = caller.send(answer);
    }
}
