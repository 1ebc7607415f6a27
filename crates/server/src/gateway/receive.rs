//! The receiving side of a gateway's session.

use super::{Answer, Bounds, Gateway, Identity, visitor::Arrived};
use crate::{
    connection::{Connection, ConnectionError},
    limits::conduct::Offence,
    reply::Reply,
    session::{LAST_FRAME, last_moment},
};
use bytes::Bytes;
use fourauth_protocol::{command::Refused, envelope::Message};
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::{
    io::AsyncRead,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinSet,
};

/// Begins to serve a command. A quick one is answered here, which saves a task and its wake-ups. Any other
/// gets a task of its own, so that the commands after it do not wait.
///
/// The peer may be gone. The command is decided and audited in any case.
async fn begin(
    mut serving: Pin<Box<impl Future<Output = Reply> + Send + 'static>>,
    permit: Option<OwnedSemaphorePermit>,
    answers: &mpsc::Sender<Answer>,
    commands: &mut JoinSet<()>,
) {
    // Nothing is to be woken here: the task polls it again.
    let served = serving.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    match served {
        Poll::Ready(reply) => {
            let _unheard = answers.send((reply, permit)).await;
        }
        Poll::Pending => {
            let answers = answers.clone();
            commands.spawn(async move {
                let reply = serving.await;
                let _unheard = answers.send((reply, permit)).await;
            });
        }
    }
}

impl Gateway {
    /// Receives commands until the session ends, and waits until all of them are decided.
    pub(super) async fn receive_all<R: AsyncRead + Unpin>(
        self: &Arc<Self>,
        connection: &mut Connection<R>,
        answers: mpsc::Sender<Answer>,
    ) -> Result<(), ConnectionError> {
        let mut commands = JoinSet::new();
        let ended = self.receive_some(connection, &answers, &mut commands).await;
        if let Err(error) = &ended {
            self.explain(error, connection, &answers).await;
        }
        drop(answers);
        while commands.join_next().await.is_some() {}
        ended
    }

    async fn receive_some<R: AsyncRead + Unpin>(
        self: &Arc<Self>,
        connection: &mut Connection<R>,
        answers: &mpsc::Sender<Answer>,
        commands: &mut JoinSet<()>,
    ) -> Result<(), ConnectionError> {
        let Bounds { commands: most, kib } = self.shared.gateway;
        let (in_progress, bytes) = (Arc::new(Semaphore::new(most)), Arc::new(Semaphore::new(kib)));
        let over = last_moment(&self.shared.stop, LAST_FRAME);
        tokio::pin!(over);
        while !self.ending.is_cancelled() && !connection.slot().evicted().is_cancelled() {
            let Some(permit) =
                self.unless_ending(connection, in_progress.clone().acquire_owned()).await
            else {
                break;
            };
            // A gateway that is never silent must not delay a stop.
            let payload = tokio::select! {
                biased;
                () = &mut over => return Ok(()),
                payload = self.next_payload(connection) => payload?,
            };
            let Some(payload) = payload else { break };
            let arrived = self.arrived(connection, &payload);
            drop(payload);
            // The commands that hold the room are decided in any case, and so is this one.
            let room = bytes.clone().acquire_many_owned(arrived.kib()).await;
            let gateway = Arc::clone(self);
            let serving = async move { gateway.serve(arrived, room.ok()).await };
            begin(Box::pin(serving), permit.ok(), answers, commands).await;
            while commands.try_join_next().is_some() {}
        }
        Ok(())
    }

    /// Runs a future until it completes, or returns `None` if the session ends first.
    async fn unless_ending<R, T>(
        &self,
        connection: &Connection<R>,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        let evicted = connection.slot().evicted();
        tokio::select! {
            biased;
            done = future => Some(done),
            () = self.shared.stop.cancelled() => None,
            () = self.ending.cancelled() => None,
            () = evicted.cancelled() => None,
        }
    }

    /// The next payload, or `None` if the session ends first.
    async fn next_payload<R: AsyncRead + Unpin>(
        &self,
        connection: &mut Connection<R>,
    ) -> Result<Option<Bytes>, ConnectionError> {
        let patience = match self.identity {
            Identity::InProcess => Duration::MAX,
            Identity::Proven { .. } => self.shared.deadlines.idle,
        };
        let evicted = connection.slot().evicted();
        let begins = tokio::select! {
            biased;
            begins = connection.begins(patience) => begins?,
            () = self.shared.stop.cancelled() => false,
            () = self.ending.cancelled() => false,
            () = evicted.cancelled() => false,
        };
        if !begins {
            return Ok(None);
        }
        tokio::select! {
            biased;
            payload = connection.payload() => payload,
            () = self.ending.cancelled() => Ok(None),
            () = evicted.cancelled() => Ok(None),
        }
    }

    /// Reads a payload that has arrived. The proof of the gateway protects its connection.
    fn arrived<R>(&self, connection: &mut Connection<R>, payload: &Bytes) -> Arrived {
        let slot = connection.slot();
        if let Identity::Proven { key, .. } = self.identity {
            slot.prove_device(key);
        }
        let deciding = slot.decide();
        let (envelope, command) = Message::from_json(payload).of_gateway();
        Arrived::new(self, envelope, command, payload.len(), (connection.take_frame(), deciding))
    }

    /// A last reply that says why no more frames are received. It has no reference.
    async fn explain<R>(
        &self,
        error: &ConnectionError,
        connection: &Connection<R>,
        answers: &mpsc::Sender<Answer>,
    ) {
        let received = self.own();
        let reply = match error {
            ConnectionError::Frame(error) => {
                connection.slot().penalise(Offence::from(error));
                self.reject(&Refused::TooLarge);
                Reply::refused(received.id, &Refused::TooLarge)
            }
            ConnectionError::Crowded => Reply::crowded(received.id),
            ConnectionError::Io(_) | ConnectionError::Late => return,
        };
        let _unheard = answers.send((reply, None)).await;
    }
}
