//! One connection: sends commands and reads the answers in order.
//!
//! There is only one kind of exchange, a pipeline. A single command is a pipeline of one, or of two
//! if a device proof goes in front of it.

use crate::{
    claim::Claim,
    error::{Error, ProtocolError},
    exchange::{encode, exchange},
    identity::Identity,
    limits::Limits,
    tls::TlsStream,
};
use fourauth_protocol::{
    answer::Answer,
    command::{Command, ProveDevice},
    device::EXPORTER_BYTES,
    frame::Decoder,
    mac_address::MacAddress,
    username::Username,
};
use std::{fmt, future::poll_fn, pin::Pin, sync::Arc, task::Poll, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    task::yield_now,
    time::{Instant, timeout_at},
};
use zeroize::Zeroize as _;

/// A connection to a server. Dropping it hangs up.
///
/// A [`Client`](crate::Client) opens connections over TLS and TCP to a server that it trusts.
/// [`Connection::over`] makes one of any other stream.
pub struct Connection<S = TlsStream> {
    stream: S,
    decoder: Decoder,
    limits: Limits,
    /// True if every command has been answered. False during an exchange, and permanently if it
    /// ends early, because the next answer would be taken for that of another command.
    settled: bool,
    /// The identity of this device.
    identity: Option<Arc<Identity>>,
    /// The TLS exporter that names this connection, if it has one.
    channel: Option<[u8; EXPORTER_BYTES]>,
    /// The claim of the last proof on this connection. The server keeps one proof.
    proved: Option<Claim>,
}

impl<S> Connection<S> {
    /// A connection over a stream that is already open: a Unix socket, a TLS stream of another
    /// library, or one end of `tokio::io::duplex`. The time limits are those of a new
    /// [`Client`](crate::Client).
    ///
    /// Nothing is encrypted or authenticated here. The caller must know that the stream leads to
    /// the server, and that nothing else can read it.
    #[must_use]
    pub fn over(stream: S) -> Self {
        let (limits, decoder) = (Limits::default(), Decoder::default());
        Self { stream, decoder, limits, settled: true, identity: None, channel: None, proved: None }
    }

    /// Limits a command, from its first byte to the last of its answer.
    #[must_use]
    pub fn with_answer_timeout(mut self, limit: Duration) -> Self {
        self.limits.answer_timeout = limit;
        self
    }

    /// Gives the TLS exporter of the stream ([`EXPORTER_LABEL`] with an empty context, RFC 9266).
    /// A device proof signs it. The peer must use the same one.
    ///
    /// [`EXPORTER_LABEL`]: fourauth_protocol::device::EXPORTER_LABEL
    #[must_use]
    pub fn with_channel(self, channel: [u8; EXPORTER_BYTES]) -> Self {
        Self { channel: Some(channel), ..self }
    }

    /// Adds the identity of this device: see [`Connection::send`]. It needs a
    /// [channel](Self::with_channel).
    #[must_use]
    pub fn with_identity(self, identity: impl Into<Arc<Identity>>) -> Self {
        Self { identity: Some(identity.into()), ..self }
    }

    /// The TLS exporter of the stream, if it has one.
    pub(crate) fn channel(&self) -> Option<[u8; EXPORTER_BYTES]> {
        self.channel
    }

    /// The stream, for a gateway.
    pub(crate) fn into_stream(self) -> (S, Limits) {
        (self.stream, self.limits)
    }

    /// True if every command has been answered.
    pub(crate) fn is_settled(&self) -> bool {
        self.settled
    }

    pub(crate) fn with_limits(self, limits: Limits) -> Self {
        Self { limits, decoder: Decoder::with_limit(limits.max_answer), ..self }
    }

    /// The command 150 that proves `identity` on this connection only: a signature over its TLS
    /// exporter (RFC 9266). For [`Connection::pipeline`], which does not add a proof.
    ///
    /// # Errors
    ///
    /// [`Error::NoChannel`]. Nothing is sent.
    pub fn device_proof(
        &self,
        identity: &Identity,
        username: &Username,
        mac: MacAddress,
    ) -> Result<ProveDevice, Error> {
        let channel = self.channel.ok_or(Error::NoChannel)?;
        Ok(identity.prove(&channel, username, mac))
    }

    /// The proof to send in front of `command` for this claim, or `None` if it needs none.
    fn missing_proof(
        &self,
        command: &Command,
        claim: Option<Claim>,
    ) -> Result<Option<ProveDevice>, Error> {
        let (Some(identity), Some(claim)) = (&self.identity, claim) else { return Ok(None) };
        let is_proved = match (&self.proved, command) {
            (None, _) => false,
            // It names the old and the new device, and may be sent from a third one.
            (Some(proved), Command::RecoverDevice(_)) => proved.username == claim.username,
            (Some(proved), _) => *proved == claim,
        };
        if is_proved {
            return Ok(None);
        }
        self.device_proof(identity, &claim.username, claim.mac).map(Some)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Sends one command and waits for the answer, which may be a denial.
    ///
    /// A device proof goes in front of the command if this client
    /// [has an identity](crate::Client::with_identity), the command names an account and a device,
    /// and the last proof was not for these. The answer to the proof carries no information and is
    /// dropped.
    ///
    /// # Errors
    ///
    /// [`Error`]. If the exchange fails or the future is dropped, later calls return
    /// [`Error::Abandoned`].
    pub async fn send(&mut self, command: Command) -> Result<Answer, Error> {
        let claim = Claim::of(&command);
        self.send_with(command, claim).await
    }

    /// Sends a command that names no account, such as one with a token, with a device proof for
    /// this account and address.
    pub(crate) async fn send_as(
        &mut self,
        username: &Username,
        mac: MacAddress,
        command: Command,
    ) -> Result<Answer, Error> {
        self.send_with(command, Some(Claim { username: username.clone(), mac })).await
    }

    async fn send_with(&mut self, command: Command, claim: Option<Claim>) -> Result<Answer, Error> {
        let mut flight = Vec::with_capacity(2);
        flight.extend(self.missing_proof(&command, claim)?.map(Command::ProveDevice));
        flight.push(command);
        let mut answers = self.exchange(&flight, self.limits.answer_timeout).await?;
        answers.pop().ok_or(Error::Protocol(ProtocolError::NoAnswer))
    }

    /// Sends all commands in one flight and returns the answers in the same order.
    ///
    /// The timeout is that of one command, times the number of commands.
    ///
    /// # Errors
    ///
    /// [`Error`]. If the exchange fails or the future is dropped, later calls return
    /// [`Error::Abandoned`].
    pub async fn pipeline(&mut self, commands: &[Command]) -> Result<Vec<Answer>, Error> {
        let count = u32::try_from(commands.len()).unwrap_or(u32::MAX);
        self.exchange(commands, self.limits.answer_timeout.saturating_mul(count)).await
    }

    async fn exchange(
        &mut self,
        commands: &[Command],
        allowed: Duration,
    ) -> Result<Vec<Answer>, Error> {
        if !self.settled {
            return Err(Error::Abandoned);
        }
        let mut flight = encode(commands)?;
        self.settled = false;
        self.proved = commands.iter().rev().find_map(Claim::proved_by).or(self.proved.take());
        let deadline = Instant::now() + allowed;
        let exchange = exchange(&mut self.stream, &mut self.decoder, &flight, commands.len());
        let result = timeout_at(deadline, exchange).await;
        flight.zeroize();
        let (answers, sent) = result.map_err(|_| Error::AnswerTimeout)??;
        self.settled = sent;
        Ok(answers)
    }

    /// True if the next command can be sent: the last one was answered, and the peer has neither
    /// closed the connection nor sent anything since.
    pub(crate) async fn is_ready(&mut self) -> bool {
        if !self.settled || self.is_heard().await {
            return false;
        }
        // The runtime learns from the operating system that the peer has closed the connection.
        yield_now().await;
        !self.is_heard().await
    }

    /// True if there is something to read: bytes, an end or an error.
    async fn is_heard(&mut self) -> bool {
        let mut byte = [0];
        let mut buffer = ReadBuf::new(&mut byte);
        poll_fn(|cx| {
            let read = Pin::new(&mut self.stream).poll_read(cx, &mut buffer);
            Poll::Ready(read.is_ready())
        })
        .await
    }
}

impl<S> fmt::Debug for Connection<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("settled", &self.settled).finish_non_exhaustive()
    }
}
