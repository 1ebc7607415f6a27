//! Receives one line of the text protocol.
//!
//! Clients of that protocol send no end mark and then wait for the answer. So a line also ends with
//! the stream, and after a pause.

use super::{Connection, ConnectionError, receive::FIRST_CHUNK, send::send_all};
use crate::limits::in_flight::Frame;
use bytes::BytesMut;
use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite},
    time::{Instant, timeout_at},
};

/// Longest line, in bytes. The longest password has 256 characters, and the other fields are short.
pub(crate) const MAX_LINE: usize = 4096;

/// Room for a line and its end, which is a line feed or a carriage return and a line feed.
const ROOM: usize = MAX_LINE + 2;

/// The pause after which a line has ended. A client sends a message in one piece, and the pieces that
/// a network makes of it follow each other sooner.
const PAUSE: Duration = Duration::from_millis(500);

/// What has arrived on a connection of the text protocol.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A line, without its end.
    Whole(BytesMut),
    /// More than [`MAX_LINE`] bytes. The rest was not read.
    TooLong,
}

impl<S: AsyncRead + Unpin> Connection<S> {
    /// Receives the line that has [begun](Self::begins). It counts as a frame in the byte budget.
    ///
    /// # Errors
    ///
    /// Fails if the line is too slow or dropped, or if the socket fails. An end of the stream without
    /// the notice of TLS is a failure too: an attacker on the path could have cut the line.
    pub(crate) async fn line(&mut self) -> Result<Line, ConnectionError> {
        let begun = Instant::now();
        let frame = self.slot.frame(begun);
        let mut line = self.decoder.take_buffered();
        let (mut uncounted, mut searched) = (line.len(), 0);
        loop {
            // The first chunk is not counted: every idle connection may hold that much.
            if uncounted > FIRST_CHUNK {
                let room = timeout_at(begun + self.allowed(), frame.hold(uncounted));
                room.await.map_err(|_| ConnectionError::Crowded)??;
                uncounted = 0;
            }
            if let Some(length) = line[searched..].iter().position(|byte| *byte == b'\n') {
                line.truncate(searched + length);
                break;
            }
            searched = line.len();
            if line.len() >= ROOM {
                return Ok(Line::TooLong);
            }
            match self.more_of(&mut line, &frame, begun).await? {
                0 => break,
                count => uncounted += count,
            }
        }
        frame.finish()?;
        self.frame = Some(frame);
        Ok(without_return(line))
    }

    /// Waits for more bytes of a line. Returns the number of bytes, or 0 if the line has ended.
    async fn more_of(
        &mut self,
        line: &mut BytesMut,
        frame: &Frame,
        begun: Instant,
    ) -> Result<usize, ConnectionError> {
        line.reserve(ROOM - line.len());
        let paused = Instant::now() + PAUSE;
        loop {
            let (now, deadline) = (Instant::now(), begun + self.allowed());
            if now >= deadline {
                return Err(self.too_slow(now.saturating_duration_since(begun)));
            }
            if now >= paused {
                return Ok(0);
            }
            let mut rest = (&mut self.stream).take((ROOM - line.len()) as u64);
            tokio::select! {
                biased;
                () = frame.dropped() => return Err(ConnectionError::Crowded),
                read = timeout_at(deadline.min(paused), rest.read_buf(line)) => {
                    if let Ok(count) = read {
                        return Ok(count?);
                    }
                }
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> Connection<S> {
    /// Sends the bytes of an answer as they are.
    ///
    /// # Errors
    ///
    /// Fails if the peer is gone or does not read.
    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) -> Result<(), ConnectionError> {
        send_all(&mut self.stream, bytes, self.deadlines.answer).await
    }
}

/// The line without the carriage return of its end.
fn without_return(mut line: BytesMut) -> Line {
    if line.last() == Some(&b'\r') {
        line.truncate(line.len() - 1);
    }
    if line.len() > MAX_LINE { Line::TooLong } else { Line::Whole(line) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        connection::tests::{connection, penalty_before},
        limits::conduct::Offence,
    };
    use fourauth_config::LimitsConfig;
    use tokio::io::AsyncWriteExt as _;

    /// The line of a peer that sends these pieces and then waits, and the time that it took.
    async fn line_of(pieces: &[&[u8]]) -> (Result<Line, ConnectionError>, Duration) {
        let (mut peer, mut connection) = connection();
        for piece in pieces {
            peer.write_all(piece).await.unwrap();
        }
        assert!(connection.begins(Duration::from_secs(1)).await.unwrap());
        let begun = Instant::now();
        let line = connection.line().await;
        (line, begun.elapsed())
    }

    fn whole(text: &[u8]) -> Line {
        Line::Whole(BytesMut::from(text))
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_feed_ends_a_line_at_once() {
        let long = vec![b'x'; MAX_LINE];
        for (pieces, expected) in [
            (vec![&b"a|b\n"[..]], &b"a|b"[..]),
            (vec![b"a", b"|", b"b\r", b"\nc|d\n"], b"a|b"),
            (vec![b"\n"], b""),
            (vec![b"a\rb\n"], b"a\rb"),
            (vec![&long[..], b"\n"], &long),
            (vec![&long[..1], &long[1..], b"\r\n"], &long),
        ] {
            let (line, took) = line_of(&pieces).await;
            assert_eq!((line.unwrap(), took), (whole(expected), Duration::ZERO));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_ends_a_line() {
        let (line, took) = line_of(&[b"a|b"]).await;
        assert_eq!(line.unwrap(), whole(b"a|b"));
        assert_eq!(took, PAUSE);
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_the_stream_ends_a_line() {
        let (mut peer, mut connection) = connection();
        peer.write_all(b"a|b").await.unwrap();
        drop(peer);
        assert!(connection.begins(Duration::from_secs(1)).await.unwrap());
        assert_eq!(connection.line().await.unwrap(), whole(b"a|b"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_longer_line_is_refused_before_its_end() {
        for extra in [&b"x"[..], b"x\n", b"xxxxxxxx"] {
            let (line, _) = line_of(&[&vec![b'x'; MAX_LINE], extra]).await;
            assert_eq!(line.unwrap(), Line::TooLong, "{extra:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_that_drips_is_late_and_an_offence() {
        let (mut peer, mut connection) = connection();
        peer.write_all(b"x").await.unwrap();
        assert!(connection.begins(Duration::from_secs(1)).await.unwrap());
        let begun = Instant::now();
        let drip = tokio::spawn(async move {
            while peer.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(400)).await;
            }
        });
        assert!(matches!(connection.line().await, Err(ConnectionError::Late)));
        assert_eq!(begun.elapsed(), Duration::from_secs(10));
        assert_eq!(penalty_before(connection.slot()), Offence::GraceExceeded.cost());
        drop(connection);
        drip.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_without_room_is_no_offence() {
        let (mut peer, mut connection) = connection();
        let all = connection.slot().frame(Instant::now());
        let share = LimitsConfig::default().in_flight_mib_per_source as usize * 1024 * 1024;
        all.hold(share).await.unwrap();
        all.finish().unwrap();
        peer.write_all(&[b'x'; FIRST_CHUNK + 1]).await.unwrap();
        assert!(connection.begins(Duration::from_secs(1)).await.unwrap());
        assert!(matches!(connection.line().await, Err(ConnectionError::Crowded)));
        assert_eq!(connection.slot().penalty(), None);
    }
}
