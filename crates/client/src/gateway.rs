//! A gateway's connection: many tasks send commands of different peers over it at the same time.
//!
//! The server decides these commands side by side and answers in the order of decision. Each answer
//! has the reference of its command, so it never goes to the task of another one.

mod pending;
mod transport;

use crate::{
    connection::Connection,
    error::{Error, ProtocolError},
    exchange::encode_one,
    identity::Identity,
    limits::Limits,
    outcome::Outcome,
};
use fourauth_protocol::{
    answer::Answer,
    command::{Command, GetKeys, Hello, ProveGateway},
    envelope::Envelope,
    gateway::{GatewayName, message},
};
use pending::Pending;
use std::{fmt, net::IpAddr, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
    task::JoinHandle,
    time::timeout,
};
use zeroize::Zeroizing;

/// Frames that wait to be written. Further commands wait for room.
const WAITING_FRAMES: usize = 8;

/// A connection on which each command states its peer. Share it in an [`Arc`]; dropping it hangs up.
pub struct GatewayConnection {
    pending: Arc<Pending>,
    /// `None` once the connection is being closed.
    frames: Option<mpsc::Sender<Zeroizing<Vec<u8>>>>,
    /// Reads answers and writes frames.
    transport: Option<JoinHandle<()>>,
    limits: Limits,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Connection<S> {
    /// 152: proves that this connection is that of the gateway `name`. An operator registers the
    /// key of `identity` by `fourauthd gateway add`.
    ///
    /// # Errors
    ///
    /// [`Error::NoChannel`], or see [`Connection::send`].
    ///
    /// # Panics
    ///
    /// If it is called outside a tokio runtime.
    pub async fn as_gateway(
        mut self,
        name: &GatewayName,
        identity: &Identity,
    ) -> Result<Outcome<GatewayConnection>, Error> {
        let channel = self.channel().ok_or(Error::NoChannel)?;
        let proof = ProveGateway::new(name.clone(), identity.sign(&message(&channel, name)));
        let answer = self.send(Command::ProveGateway(proof)).await?;
        Outcome::read(answer, |_| {
            let (stream, limits) = self.into_stream();
            Ok(GatewayConnection::start(stream, limits))
        })
    }
}

impl GatewayConnection {
    /// A gateway's connection over a stream that needs no proof: the end of an in-memory stream
    /// inside the server's process.
    ///
    /// # Panics
    ///
    /// If it is called outside a tokio runtime.
    #[must_use]
    pub fn over<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S) -> Self {
        Self::start(stream, Limits::default())
    }

    fn start<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        stream: S,
        limits: Limits,
    ) -> Self {
        let pending = Arc::new(Pending::default());
        let (frames, waiting) = mpsc::channel(WAITING_FRAMES);
        let transport = transport::run(stream, limits.max_answer, waiting, Arc::clone(&pending));
        let transport = Some(tokio::spawn(transport));
        Self { pending, frames: Some(frames), transport, limits }
    }

    /// Sends one command of the peer at `peer` and waits for the answer, which may be a denial. Any
    /// number of tasks may send at the same time.
    ///
    /// If the future is dropped, the command may still be decided. Its answer is then ignored.
    ///
    /// # Errors
    ///
    /// [`Error`]. If the connection fails, all commands in progress get the error, and later ones
    /// [`Error::Abandoned`]. After [`Error::AnswerTimeout`] the connection can still be used.
    pub async fn send(&self, peer: IpAddr, command: Command) -> Result<Answer, Error> {
        self.exchange(peer.into(), &command).await
    }

    /// As [`send`](Self::send), with an envelope that says more than the peer, such as
    /// [`Envelope::of_browser`]. Its reference is not used.
    ///
    /// # Errors
    ///
    /// See [`send`](Self::send).
    pub async fn send_enclosed(&self, of: Envelope, command: Command) -> Result<Answer, Error> {
        self.exchange(of, &command).await
    }

    /// 190, for the gateway itself: shows that the server answers, and that the gateway is still
    /// registered.
    ///
    /// # Errors
    ///
    /// See [`send`](Self::send).
    pub async fn hello(&self) -> Result<Answer, Error> {
        self.exchange(Envelope::default(), &Command::Hello(Hello::default())).await
    }

    /// 192, for the gateway itself: the public keys that verify the tokens of sessions.
    ///
    /// # Errors
    ///
    /// See [`send`](Self::send).
    pub async fn keys(&self) -> Result<Answer, Error> {
        self.exchange(Envelope::default(), &Command::GetKeys(GetKeys::default())).await
    }

    async fn exchange(&self, of: Envelope, command: &Command) -> Result<Answer, Error> {
        let ticket = self.pending.issue()?;
        let envelope = Envelope { reference: Some(ticket.reference()), ..of };
        let frame = encode_one(&envelope.enclose(command))?;
        let exchange = async {
            let frames = self.frames.as_ref().ok_or(Error::Abandoned)?;
            // The transport has ended before it took the frame.
            frames.send(frame).await.map_err(|_| Error::Abandoned)?;
            ticket.answer().await
        };
        timeout(self.limits.answer_timeout, exchange).await.map_err(|_| Error::AnswerTimeout)?
    }

    /// True until the connection fails or the server closes it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.pending.is_open()
    }

    /// Sends the commands that wait to be written, hangs up and waits until the connection has
    /// ended.
    pub async fn close(mut self) {
        self.frames = None;
        if let Some(transport) = self.transport.take() {
            // It ends by itself, because there are no more frames. A panic in it is logged by the
            // runtime.
            let _ended = transport.await;
        }
    }
}

impl Drop for GatewayConnection {
    fn drop(&mut self) {
        if let Some(transport) = &self.transport {
            transport.abort();
        }
        self.pending.fail(&ProtocolError::NoAnswer.into());
    }
}

impl fmt::Debug for GatewayConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayConnection")
            .field("is_open", &self.is_open())
            .finish_non_exhaustive()
    }
}
