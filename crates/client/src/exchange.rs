//! One exchange on a stream: writes a flight of commands and reads the answers in order.

use crate::error::{Error, ProtocolError};
use bytes::{Bytes, BytesMut};
use fourauth_protocol::{
    answer::Answer,
    command::Command,
    frame::{self, Decoder},
    secret::Secret,
};
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use zeroize::{Zeroize as _, Zeroizing};

/// Size of the read buffer, in bytes. Most answers fit.
pub(crate) const CHUNK: usize = 4096;

/// Encodes all commands into one buffer, which is wiped when dropped.
pub(crate) fn encode(commands: &[Command]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let payloads: Vec<_> = commands.iter().map(Command::to_json).collect();
    let mut flight = Zeroizing::new(Vec::new());
    flight.reserve_exact(payloads.iter().map(|payload| payload.expose().len() + 4).sum());
    for payload in payloads {
        flight.extend_from_slice(&encode_one(&payload)?);
    }
    Ok(flight)
}

/// Encodes one payload into a buffer, which is wiped when dropped.
pub(crate) fn encode_one(payload: &Secret<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut frame = BytesMut::with_capacity(payload.expose().len() + 4);
    frame::encode(payload.expose(), &mut frame).map_err(Error::TooLarge)?;
    let encoded = Zeroizing::new(frame.to_vec());
    frame.as_mut().zeroize();
    Ok(encoded)
}

/// Returns the answers, and `true` if all of the flight was sent.
///
/// Writes and reads concurrently. A server may answer before it has read everything, because a
/// frame is too long or many are pending. Its answer must not be lost, and it must not block.
pub(crate) async fn exchange<S: AsyncRead + AsyncWrite>(
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

pub(crate) fn hung_up(decoder: &Decoder) -> ProtocolError {
    if decoder.is_mid_frame() { ProtocolError::CutOff } else { ProtocolError::NoAnswer }
}

/// Parses an answer and wipes its bytes, which may hold a token.
pub(crate) fn read_answer(payload: Bytes) -> Result<Answer, ProtocolError> {
    let answer = Answer::from_json(&payload).map_err(|_| ProtocolError::NotAnAnswer);
    if let Ok(mut bytes) = payload.try_into_mut() {
        bytes.as_mut().zeroize();
    }
    answer
}
