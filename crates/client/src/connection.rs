//! One TLS connection: sends commands and reads the answers in order.
//!
//! There is only one kind of exchange, a pipeline. A single command is a pipeline of one, or of two
//! if a device proof goes in front of it.

use crate::{
    claim::Claim,
    error::{Error, ProtocolError},
    identity::Identity,
    limits::Limits,
};
use bytes::{Bytes, BytesMut};
use fourauth_protocol::{
    answer::Answer,
    command::{Command, ProveDevice},
    device::{EXPORTER_BYTES, EXPORTER_LABEL},
    frame::{self, Decoder},
    mac_address::MacAddress,
    username::Username,
};
use std::{fmt, io, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tokio_rustls::client::TlsStream;
use zeroize::{Zeroize as _, Zeroizing};

/// Size of the read buffer, in bytes. Most answers fit.
const CHUNK: usize = 4096;

/// A connection to the trusted server. Dropping it hangs up.
pub struct Connection {
    stream: TlsStream<TcpStream>,
    decoder: Decoder,
    limits: Limits,
    /// True if every command has been answered. False during an exchange, and permanently if it
    /// ends early, because the next answer would be taken for that of another command.
    settled: bool,
    /// The identity of this device.
    identity: Option<Arc<Identity>>,
    /// The claim of the last proof on this connection. The server keeps one proof.
    proved: Option<Claim>,
}

impl Connection {
    pub(crate) fn new(
        stream: TlsStream<TcpStream>,
        limits: Limits,
        identity: Option<Arc<Identity>>,
    ) -> Self {
        let decoder = Decoder::with_limit(limits.max_answer);
        Self { stream, decoder, limits, settled: true, identity, proved: None }
    }

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
        let mut flight = Vec::with_capacity(2);
        flight.extend(self.missing_proof(&command)?.map(Command::ProveDevice));
        flight.push(command);
        let mut answers = self.exchange(&flight, self.limits.answer_timeout).await?;
        answers.pop().ok_or(Error::Protocol(ProtocolError::NoAnswer))
    }

    /// The command 150 that proves `identity` on this connection only: a signature over its TLS
    /// exporter (RFC 9266). For [`Connection::pipeline`], which does not add a proof.
    ///
    /// # Errors
    ///
    /// [`Error::Tls`]. Nothing is sent.
    pub fn device_proof(
        &self,
        identity: &Identity,
        username: &Username,
        mac: MacAddress,
    ) -> Result<ProveDevice, Error> {
        let (_, tls) = self.stream.get_ref();
        let channel = tls
            .export_keying_material([0; EXPORTER_BYTES], EXPORTER_LABEL, Some(&[]))
            .map_err(Error::Tls)?;
        Ok(identity.prove(&channel, username, mac))
    }

    /// The proof to send in front of `command`, or `None` if it needs none.
    fn missing_proof(&self, command: &Command) -> Result<Option<ProveDevice>, Error> {
        let (Some(identity), Some(claim)) = (&self.identity, Claim::of(command)) else {
            return Ok(None);
        };
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
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("settled", &self.settled).finish_non_exhaustive()
    }
}

/// Encodes all commands into one buffer, which is wiped when dropped.
fn encode(commands: &[Command]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let payloads: Vec<_> = commands.iter().map(Command::to_json).collect();
    let mut flight = Zeroizing::new(Vec::new());
    flight.reserve_exact(payloads.iter().map(|payload| payload.expose().len() + 4).sum());
    for payload in payloads {
        let mut frame = BytesMut::new();
        frame::encode(payload.expose(), &mut frame).map_err(Error::TooLarge)?;
        flight.extend_from_slice(&frame);
        frame.as_mut().zeroize();
    }
    Ok(flight)
}

/// Returns the answers, and `true` if all of the flight was sent.
///
/// Writes and reads concurrently. A server may answer before it has read everything, because a
/// frame is too long or many are pending. Its answer must not be lost, and it must not block.
async fn exchange<S: AsyncRead + AsyncWrite>(
    stream: S,
    decoder: &mut Decoder,
    flight: &[u8],
    count: usize,
) -> Result<(Vec<Answer>, bool), Error> {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let writing = async move {
        writer.write_all(flight).await?;
        writer.flush().await
    };
    let reading = receive(&mut reader, decoder, count);
    tokio::pin!(writing, reading);

    let mut sent: Option<io::Result<()>> = None;
    loop {
        tokio::select! {
            // Polls the writer first, so that `sent` is set before the last answer is read.
            biased;
            result = &mut writing, if sent.is_none() => sent = Some(result),
            answers = &mut reading => return match (answers, sent) {
                (Err(Error::Protocol(ProtocolError::NoAnswer)), Some(Err(error))) => {
                    Err(Error::Io(error))
                }
                (answers, sent) => Ok((answers?, matches!(sent, Some(Ok(()))))),
            },
        }
    }
}

async fn receive<R: AsyncRead + Unpin>(
    reader: &mut R,
    decoder: &mut Decoder,
    count: usize,
) -> Result<Vec<Answer>, Error> {
    let mut answers = Vec::new();
    let mut chunk = Zeroizing::new([0; CHUNK]);
    while answers.len() < count {
        match decoder.next_payload().map_err(ProtocolError::from)? {
            Some(payload) => answers.push(read_answer(payload)?),
            None => match reader.read(&mut *chunk).await {
                Ok(0) => return Err(hung_up(decoder).into()),
                Ok(length) => decoder.push(&chunk[..length]),
                // The peer closed TCP without a TLS `close_notify` (RFC 8446 §6.1).
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Err(hung_up(decoder).into());
                }
                Err(error) => return Err(Error::Io(error)),
            },
        }
    }
    if decoder.is_mid_frame() { Err(ProtocolError::Unasked.into()) } else { Ok(answers) }
}

fn hung_up(decoder: &Decoder) -> ProtocolError {
    if decoder.is_mid_frame() { ProtocolError::CutOff } else { ProtocolError::NoAnswer }
}

/// Parses an answer and wipes its bytes, which may hold a token.
fn read_answer(payload: Bytes) -> Result<Answer, ProtocolError> {
    let answer = Answer::from_json(&payload).map_err(|_| ProtocolError::NotAnAnswer);
    if let Ok(mut bytes) = payload.try_into_mut() {
        bytes.as_mut().zeroize();
    }
    answer
}
