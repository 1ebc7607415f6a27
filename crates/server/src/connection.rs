//! Payloads in, replies out, over any byte stream, each with a deadline.

use crate::{
    conduct::Offence,
    deadlines::Deadlines,
    in_flight::{Dropped, Frame},
    place::Place,
    reply::Reply,
};
use bytes::{Bytes, BytesMut};
use fourauth_protocol::frame::{self, Decoder, FrameError, MAX_PAYLOAD};
use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Instant, timeout, timeout_at},
};

/// Bytes read from the stream at once. A login with a picture takes a few dozen reads.
const CHUNK: usize = 8 * 1024;

/// Bytes read first. This much is held by every idle connection.
const FIRST_CHUNK: usize = 64;

/// How often the time that is left for a frame is worked out again: it shrinks as the byte budget fills.
const LOOK: Duration = Duration::from_secs(1);

/// How long a goodbye may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// One peer. In production `S` is a TLS stream.
#[derive(Debug)]
pub struct Connection<S> {
    stream: S,
    decoder: Decoder,
    deadlines: Deadlines,
    place: Place,
    /// What the last frame holds of the byte budget, from when it was whole until it is decided.
    frame: Option<Frame>,
}

/// Why a connection ended early.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// The socket.
    #[error("connection lost: {0}")]
    Io(#[from] std::io::Error),
    /// A header announced more than a frame may hold. The peer is told.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The peer took too long.
    #[error("the peer took too long")]
    Late,
    /// Its frame made room for others, or was too slow for a budget that fills. The peer is told.
    #[error("no room for its frame")]
    Crowded,
}

impl From<Dropped> for ConnectionError {
    fn from(_: Dropped) -> Self {
        Self::Crowded
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Wraps a stream.
    pub fn new(stream: S, deadlines: Deadlines, place: Place) -> Self {
        Self { stream, decoder: Decoder::default(), deadlines, place, frame: None }
    }

    /// What it takes of the server.
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// Waits up to `patience` for a frame to begin; whether one did. Cancelling it loses nothing.
    ///
    /// # Errors
    ///
    /// See [`ConnectionError`].
    pub async fn begins(&mut self, patience: Duration) -> Result<bool, ConnectionError> {
        if self.decoder.is_mid_frame() {
            return Ok(true);
        }
        match timeout(patience, self.fill(FIRST_CHUNK)).await {
            Ok(filled) => Ok(filled? > 0),
            Err(_) => Err(self.late(self.place.is_startup())),
        }
    }

    /// The payload of the frame that has begun, or `None` if the peer hung up in it.
    ///
    /// # Errors
    ///
    /// See [`ConnectionError`].
    pub async fn payload(&mut self) -> Result<Option<Bytes>, ConnectionError> {
        let arrived = self.arrive().await;
        if !matches!(arrived, Ok(Some(_))) {
            // The rest will not be read, and a goodbye takes a while: it is not to hold this much.
            self.decoder = Decoder::default();
        }
        arrived
    }

    async fn arrive(&mut self) -> Result<Option<Bytes>, ConnectionError> {
        let begun = Instant::now();
        let frame = self.place.frame(begun);
        let mut uncounted = self.decoder.buffered();
        loop {
            // What an idle connection may hold needs no room.
            if uncounted > FIRST_CHUNK {
                let room = timeout_at(begun + self.allowed(&frame), frame.hold(uncounted));
                room.await.map_err(|_| ConnectionError::Crowded)??;
                uncounted = 0;
            }
            if let Some(payload) = self.decoder.next_payload()? {
                frame.finish()?;
                self.frame = Some(frame);
                return Ok(Some(payload));
            }
            match self.more(&frame, begun).await? {
                0 => return Ok(None),
                count => uncounted += count,
            }
        }
    }

    /// Waits for more of a frame, within its time and for as long as it is not dropped; how many bytes
    /// came, none if the peer has hung up.
    async fn more(&mut self, frame: &Frame, begun: Instant) -> Result<usize, ConnectionError> {
        loop {
            let (now, deadline) = (Instant::now(), begun + self.allowed(frame));
            if now >= deadline {
                return Err(self.too_slow(now.saturating_duration_since(begun)));
            }
            tokio::select! {
                biased;
                () = frame.dropped() => return Err(ConnectionError::Crowded),
                filled = timeout_at(deadline.min(now + LOOK), self.fill(CHUNK)) => {
                    if let Ok(count) = filled {
                        return count;
                    }
                }
            }
        }
    }

    /// How long the frame that has begun may take, as the byte budget is filled at the moment.
    fn allowed(&self, frame: &Frame) -> Duration {
        self.deadlines.frame(self.decoder.announced().unwrap_or(0), frame.fullness())
    }

    /// A frame that would have been in time if others had left more room is no offence.
    fn too_slow(&self, took: Duration) -> ConnectionError {
        if took < self.deadlines.frame(self.decoder.announced().unwrap_or(0), 0) {
            return ConnectionError::Crowded;
        }
        self.late(true)
    }

    /// A peer that says nothing at first, or sends a frame by drops, holds what others need. One that
    /// says nothing later is a person, who waits for a code or looks for a picture.
    fn late(&self, is_offence: bool) -> ConnectionError {
        if is_offence {
            self.place.penalise(Offence::GraceExceeded);
        }
        ConnectionError::Late
    }

    /// Takes what has arrived, and says how many bytes that was; none if the peer has hung up.
    async fn fill(&mut self, room: usize) -> Result<usize, ConnectionError> {
        let mut chunk = BytesMut::with_capacity(room);
        let count = self.stream.read_buf(&mut chunk).await?;
        self.decoder.push(&chunk);
        Ok(count)
    }

    /// Says that the last frame was decided, and so holds nothing any more.
    pub fn decided(&mut self) {
        self.frame = None;
    }

    /// Sends a reply.
    ///
    /// # Errors
    ///
    /// [`ConnectionError`] if the peer is gone or does not read.
    pub async fn send(&mut self, reply: &Reply) -> Result<(), ConnectionError> {
        self.write(reply, self.deadlines.answer).await
    }

    /// Sends a last reply to a peer that may have stopped reading: it is not waited for.
    pub async fn send_last(&mut self, reply: &Reply) {
        if let Err(error) = self.write(reply, FAREWELL).await {
            tracing::debug!(%error, "the peer was not told why its connection ends");
        }
    }

    async fn write(&mut self, reply: &Reply, patience: Duration) -> Result<(), ConnectionError> {
        let mut out = BytesMut::new();
        frame::encode(reply.to_json().expose(), &mut out)?;
        let sent = async {
            self.stream.write_all(&out).await?;
            self.stream.flush().await
        };
        Ok(timeout(patience, sent).await.map_err(|_| ConnectionError::Late)??)
    }

    /// Says that this is the end and waits for nothing: another connection needs the place.
    pub async fn cut(mut self) {
        // One poll writes the goodbye, if the peer takes it at all.
        let _unsaid = timeout(Duration::ZERO, self.stream.shutdown()).await;
    }

    /// Says goodbye, so that the peer can tell the end from a cut.
    ///
    /// What is still under way is read for a moment and dropped: a socket that is closed over unread
    /// bytes is reset, and takes along the answer that the peer has not read yet (RFC 1122 §4.2.2.13).
    pub async fn close(mut self) {
        let farewell = async {
            self.stream.shutdown().await?;
            let mut chunk = BytesMut::with_capacity(CHUNK);
            for _ in 0..MAX_PAYLOAD / CHUNK {
                chunk.clear();
                if self.stream.read_buf(&mut chunk).await? == 0 {
                    break;
                }
            }
            Ok::<_, std::io::Error>(())
        };
        // A peer that is gone already does not mind.
        let _gone = timeout(FAREWELL, farewell).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Sources;
    use fourauth_config::LimitsConfig;
    use std::{net::IpAddr, sync::Arc};
    use tokio::io::{DuplexStream, duplex};

    fn connection() -> (DuplexStream, Connection<DuplexStream>) {
        let (_, peer, connection) = connection_of_many();
        (peer, connection)
    }

    /// One connection, and what others can be made of.
    fn connection_of_many() -> (Arc<Sources>, DuplexStream, Connection<DuplexStream>) {
        let (peer, server) = duplex(64 * 1024);
        let limits = LimitsConfig::default();
        let sources = Sources::new(&limits);
        let place = sources.admit(IpAddr::from([192, 0, 2, 1]), Instant::now()).unwrap();
        (sources, peer, Connection::new(server, Deadlines::from(&limits), place))
    }

    #[tokio::test]
    async fn a_frame_arrives_whole_however_it_was_cut() {
        let (mut peer, mut connection) = connection();
        for byte in [0, 0, 0, 2, b'{', b'}'] {
            peer.write_all(&[byte]).await.unwrap();
        }
        assert!(connection.begins(Duration::from_secs(1)).await.unwrap());
        assert_eq!(connection.payload().await.unwrap().as_deref(), Some(b"{}".as_slice()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_says_nothing_is_not_waited_for() {
        let (_peer, mut connection) = connection();
        let silence = connection.begins(Duration::from_mins(1)).await;
        assert!(matches!(silence, Err(ConnectionError::Late)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_drips_is_not_waited_for() {
        let (mut peer, mut connection) = connection();
        peer.write_all(&[0, 0, 0, 200, b'{']).await.unwrap();
        assert!(connection.begins(Duration::from_mins(1)).await.unwrap());
        let drip = tokio::spawn(async move {
            while peer.write_all(b" ").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        assert!(matches!(connection.payload().await, Err(ConnectionError::Late)));
        drop(connection);
        drip.await.unwrap();
    }

    /// What has been held against its source, which three denials make visible.
    fn held_against(place: &Place) -> Duration {
        for _ in 0..3 {
            place.penalise(Offence::Denied);
        }
        place.penalty().unwrap().saturating_sub(3 * Offence::Denied.cost())
    }

    #[tokio::test(start_paused = true)]
    async fn to_say_nothing_is_an_offence_until_a_command_has_come() {
        for (has_spoken, cost) in [(false, Offence::GraceExceeded.cost()), (true, Duration::ZERO)] {
            let (_peer, mut connection) = connection();
            if has_spoken {
                connection.place().settle();
            }
            let silence = connection.begins(Duration::ZERO).await;
            assert!(matches!(silence, Err(ConnectionError::Late)));
            assert_eq!(held_against(connection.place()), cost);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_that_others_leave_no_room_for_is_no_offence() {
        let (mut peer, mut connection) = connection();
        let all = connection.place().frame(Instant::now());
        let share = LimitsConfig::default().in_flight_mib_per_source as usize * 1024 * 1024;
        all.hold(share).await.unwrap();
        all.finish().unwrap();
        peer.write_all(&[0, 0, 0, 200, b'{']).await.unwrap();
        assert!(connection.begins(Duration::from_mins(1)).await.unwrap());
        peer.write_all(&[b' '; 100]).await.unwrap();
        assert!(matches!(connection.payload().await, Err(ConnectionError::Crowded)));
        assert_eq!(held_against(connection.place()), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_that_makes_room_ends_its_connection_at_once() {
        let (sources, mut peer, mut connection) = connection_of_many();
        peer.write_all(&[0, 1, 0, 0]).await.unwrap();
        peer.write_all(&vec![b' '; 50_000]).await.unwrap();
        assert!(connection.begins(Duration::from_mins(1)).await.unwrap());
        let share = LimitsConfig::default().in_flight_mib_per_source as usize * 1024 * 1024;
        let neighbour = sources.admit(IpAddr::from([192, 0, 2, 1]), Instant::now()).unwrap();
        let begun = Instant::now();
        let (ended, ()) = tokio::join!(connection.payload(), async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            assert!(neighbour.frame(Instant::now()).hold(share).await.is_ok());
        });
        assert!(matches!(ended, Err(ConnectionError::Crowded)));
        assert_eq!(begun.elapsed(), Duration::from_secs(2));
        assert!(!connection.decoder.is_mid_frame(), "its bytes are given back");
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_budget_cuts_a_slow_frame_short_without_an_offence() {
        let (sources, mut peer, mut connection) = connection_of_many();
        peer.write_all(&[0, 0x40, 0, 0, b'{']).await.unwrap();
        assert!(connection.begins(Duration::from_mins(1)).await.unwrap());
        let share = LimitsConfig::default().in_flight_mib_per_source as usize * 1024 * 1024;
        let mut whole = Vec::new();
        for last in 2..14 {
            let place = sources.admit(IpAddr::from([192, 0, 2, last]), Instant::now()).unwrap();
            let frame = place.frame(Instant::now());
            frame.hold(share).await.unwrap();
            frame.finish().unwrap();
            whole.push(frame);
        }
        let begun = Instant::now();
        assert!(matches!(connection.payload().await, Err(ConnectionError::Crowded)));
        assert_eq!(begun.elapsed(), Duration::from_secs(10 + 30));
        assert_eq!(held_against(connection.place()), Duration::ZERO);
    }

    #[tokio::test]
    async fn a_peer_that_hangs_up_in_a_frame_is_no_error() {
        let (mut peer, mut connection) = connection();
        peer.write_all(&[0, 0, 0, 9, b'{']).await.unwrap();
        drop(peer);
        assert!(connection.begins(Duration::from_secs(1)).await.unwrap());
        assert!(connection.payload().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn an_oversized_header_is_an_error_at_once() {
        let (mut peer, mut connection) = connection();
        peer.write_all(&[0xff; 4]).await.unwrap();
        assert!(connection.begins(Duration::from_secs(1)).await.unwrap());
        assert!(matches!(connection.payload().await, Err(ConnectionError::Frame(_))));
    }
}
