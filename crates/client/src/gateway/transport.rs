//! The task of a gateway's connection: writes frames and reads answers until one side ends.

use super::pending::{Failure, Pending};
use crate::{
    error::ProtocolError,
    exchange::{CHUNK, hung_up, read_answer},
};
use fourauth_protocol::frame::Decoder;
use std::{io, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, WriteHalf},
    sync::mpsc,
};
use zeroize::Zeroizing;

/// Frames on the way to the server.
pub(super) type Frames = mpsc::Receiver<Zeroizing<Vec<u8>>>;

/// Runs until the server closes the connection, the connection fails, or there are no more frames
/// and no more answers to wait for. Then all commands in progress get an error.
pub(super) async fn run<S: AsyncRead + AsyncWrite>(
    stream: S,
    max_answer: usize,
    frames: Frames,
    pending: Arc<Pending>,
) {
    let (reader, mut writer) = tokio::io::split(stream);
    let mut decoder = Decoder::with_limit(max_answer);
    let failure = {
        let reading = read_all(reader, &mut decoder, &pending);
        let writing = write_all(&mut writer, frames);
        tokio::pin!(reading, writing);
        tokio::select! {
            failure = &mut reading => failure,
            written = &mut writing => match written {
                Err(error) => Failure::from(error),
                // No command can follow. The server closes the connection after the last answer.
                Ok(()) if pending.is_idle() => ProtocolError::NoAnswer.into(),
                Ok(()) => reading.await,
            },
        }
    };
    pending.fail(&failure);
    // The server may be gone already.
    let _gone = writer.shutdown().await;
}

async fn write_all<W: AsyncWrite>(writer: &mut WriteHalf<W>, mut frames: Frames) -> io::Result<()> {
    while let Some(frame) = frames.recv().await {
        writer.write_all(&frame).await?;
        writer.flush().await?;
    }
    Ok(())
}

/// Reads answers until the connection fails, and returns why.
async fn read_all<R: AsyncRead + Unpin>(
    mut reader: R,
    decoder: &mut Decoder,
    pending: &Pending,
) -> Failure {
    let mut chunk = Zeroizing::new([0; CHUNK]);
    loop {
        match decoder.next_payload() {
            Err(error) => return ProtocolError::from(error).into(),
            Ok(Some(payload)) => {
                let settled = read_answer(payload).and_then(|answer| pending.settle(answer));
                if let Err(error) = settled {
                    return error.into();
                }
            }
            Ok(None) => match reader.read(&mut *chunk).await {
                Ok(0) => return hung_up(decoder).into(),
                Ok(length) => decoder.push(&chunk[..length]),
                // The peer closed TCP without a TLS `close_notify` (RFC 8446 §6.1).
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return hung_up(decoder).into();
                }
                Err(error) => return error.into(),
            },
        }
    }
}
