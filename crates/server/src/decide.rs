//! Has a command decided so that neither the end of its session nor a panic leaves it half done.
//!
//! What needs no wait is decided at once, without a future. A slow command gets a task of its own. Any
//! other is decided in the task of its session, which is never cancelled while it decides, and a panic is
//! caught there. That saves the wake-ups of two threads, which cost more than the command.

mod span;

use crate::{dispatch, reply::Reply};
use fourauth_auth::{origin::Origin, received::Received};
use fourauth_protocol::{command::Command, device::DeviceNonce, request_id::RequestId};
use span::CommandSpan;
use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::time::Instant;
use tracing::{Instrument as _, Span};

/// Decides a command. Must not be cancelled before it is done. A panic is answered like a failure.
/// How long it took and a failure are counted.
///
/// What is not decided at once is on the heap for as long as it takes, because every future on the way
/// to its decision would have room for the command.
pub(crate) fn decide(
    context: &Arc<dispatch::Context>,
    received: Received,
    command: Command,
    nonce: Option<DeviceNonce>,
) -> Deciding<impl Future<Output = Reply> + Send> {
    let (begun, span) = (Instant::now(), CommandSpan::open(&received, &command));
    let finished = move |reply: Reply, span: CommandSpan| {
        span.close(&reply);
        let metrics = context.authenticator.metrics();
        if let Some(action) = reply.action() {
            metrics.decided(action, begun.elapsed());
        } else if reply.is_unavailable() {
            metrics.unavailable();
        }
        reply
    };
    let dispatch = AssertUnwindSafe(|| context.dispatch_at_once(&received, &command));
    let at_once = span.span().in_scope(|| catch_unwind(dispatch));
    if let Some(reply) = at_once.unwrap_or_else(|_| Some(Reply::crashed(received.id))) {
        return Deciding::Decided(Some(finished(reply, span)));
    }
    let (received, command) = (Box::new(received), Box::new(command));
    Deciding::Waiting(Box::pin(async move {
        let reply = reply(context, received, command, nonce).instrument(span.span()).await;
        finished(reply, span)
    }))
}

/// A command that is being decided.
#[derive(Debug)]
pub(crate) enum Deciding<F> {
    /// It was decided at once. `None` after the reply was taken.
    Decided(Option<Reply>),
    /// Something has to be waited for.
    Waiting(Pin<Box<F>>),
}

impl<F: Future<Output = Reply>> Future for Deciding<F> {
    type Output = Reply;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Reply> {
        match &mut *self {
            Self::Decided(reply) => Poll::Ready(reply.take().expect("polled after its end")),
            Self::Waiting(deciding) => deciding.as_mut().poll(cx),
        }
    }
}

async fn reply(
    context: &Arc<dispatch::Context>,
    received: Box<Received>,
    command: Box<Command>,
    nonce: Option<DeviceNonce>,
) -> Reply {
    let id = received.id;
    if is_quick(&command) {
        let decided = unless_it_panics(Box::pin(context.dispatch(received, command, nonce))).await;
        return decided.unwrap_or_else(|Panicked| Reply::crashed(id));
    }
    let span = request_span(id, &received.origin);
    let context = Arc::clone(context);
    let dispatch = async move { context.dispatch(received, command, nonce).await };
    // Also in the span for collectors, which is there even if the log shows no request.
    let dispatch = dispatch.instrument(span).in_current_span();
    tokio::spawn(dispatch).await.unwrap_or_else(|_| Reply::crashed(id))
}

/// The span of all log lines about a request.
pub(crate) fn request_span(id: RequestId, origin: &Origin) -> Span {
    let via = origin.via.as_ref().map(tracing::field::display);
    tracing::info_span!("request", %id, peer = %origin.peer, via)
}

/// True for a command that mostly reads one row, and so costs less than a task. Any other command may
/// be slow.
const fn is_quick(command: &Command) -> bool {
    matches!(
        command,
        Command::Hello(_)
            | Command::GetKeys(_)
            | Command::ProveDevice(_)
            | Command::BeginFaceChallenge(_)
            | Command::Authorise(_)
            | Command::ExchangeToken(_)
            | Command::ListSessions(_)
            | Command::ListDevices(_)
            | Command::FollowAudit(_)
    )
}

/// The future has panicked, and the hook has reported it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Panicked;

/// Runs a future in this task. It is on the heap for as long as it runs, so that an idle session has
/// no room for it.
async fn unless_it_panics<T>(mut future: Pin<Box<impl Future<Output = T>>>) -> Result<T, Panicked> {
    // The state that commands share is behind locks that ignore poisoning, or is atomic. After a
    // panic the future is dropped and never polled again.
    poll_fn(move |cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(polled) => polled.map(Ok),
        Err(_) => Poll::Ready(Err(Panicked)),
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    /// Reports its end, as an attempt that ends without a decision does.
    struct Reports(Option<oneshot::Sender<()>>);

    impl Drop for Reports {
        fn drop(&mut self) {
            self.0.take().map(|report| report.send(()));
        }
    }

    #[tokio::test]
    async fn a_panic_ends_the_command_and_not_its_session() {
        for panics_at_once in [true, false] {
            let (report, reported) = oneshot::channel();
            let command = async move {
                let _reports = Reports(Some(report));
                if !panics_at_once {
                    tokio::task::yield_now().await;
                }
                panic!("a mistake in a command");
            };
            assert_eq!(unless_it_panics::<()>(Box::pin(command)).await, Err(Panicked));
            // What the command held was dropped, so that it could report itself.
            assert_eq!(reported.await, Ok(()));
        }
        assert_eq!(unless_it_panics(Box::pin(async { 1 })).await, Ok(1));
    }
}
