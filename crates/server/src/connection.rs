//! Receives payloads and sends replies over a byte stream. Every wait has a deadline.

mod line;

pub(crate) use line::Line;

use crate::{
    deadlines::Deadlines,
    limits::{
        conduct::Offence,
        in_flight::{Dropped, Frame},
        slot::ConnectionSlot,
    },
    reply::Reply,
};
use bytes::{Bytes, BytesMut};
use fourauth_protocol::frame::{self, Decoder, FrameError, MAX_PAYLOAD};
use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf},
    time::{Instant, timeout, timeout_at},
};

/// Largest single read, in bytes. A login with a picture takes a few dozen reads.
const CHUNK: usize = 8 * 1024;

/// Size of the first read, in bytes. Every idle connection holds a buffer of this size.
const FIRST_CHUNK: usize = 64;

/// How often the deadline of a frame is recomputed. It gets shorter as the byte budget fills.
const RECHECK: Duration = Duration::from_secs(1);

/// Timeout for closing a connection, and for a last reply.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// One peer. In production `S` is a TLS stream.
#[derive(Debug)]
pub(crate) struct Connection<S> {
    stream: S,
    decoder: Decoder,
    deadlines: Deadlines,
    slot: ConnectionSlot,
    /// The share of the byte budget that the last frame holds from its arrival until it is decided.
    frame: Option<Frame>,
}

/// Why a connection ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectionError {
    /// The socket failed.
    #[error("connection lost: {0}")]
    Io(#[from] std::io::Error),
    /// A header announced more bytes than a frame may hold. The peer gets a reply.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The peer exceeded a deadline.
    #[error("the peer did not send a frame or read an answer in time")]
    Late,
    /// The frame was dropped to make room, or was too slow while the byte budget filled up. The
    /// peer gets a reply.
    #[error("no room for the frame in the byte budget")]
    Crowded,
}

impl From<Dropped> for ConnectionError {
    fn from(_: Dropped) -> Self {
        Self::Crowded
    }
}

/// The sending half of a connection.
#[derive(Debug)]
pub(crate) struct Sender<W> {
    stream: W,
    deadlines: Deadlines,
}

impl<S> Connection<S> {
    /// Wraps a stream.
    pub(crate) fn new(stream: S, deadlines: Deadlines, slot: ConnectionSlot) -> Self {
        Self { stream, decoder: Decoder::default(), deadlines, slot, frame: None }
    }

    /// The slot of this connection.
    pub(crate) const fn slot(&self) -> &ConnectionSlot {
        &self.slot
    }

    /// Makes this the connection of a gateway.
    pub(crate) fn become_gateway(&mut self) {
        self.slot.become_gateway();
    }

    /// Takes the share of the byte budget that the last frame holds.
    pub(crate) fn take_frame(&mut self) -> Option<Frame> {
        self.frame.take()
    }
}

impl<S: AsyncRead + Unpin> Connection<S> {
    /// Waits up to `patience` for a frame to begin. Returns false if the peer has closed the
    /// connection. Cancel safe.
    ///
    /// # Errors
    ///
    /// Fails if the peer takes too long or the socket fails.
    pub(crate) async fn begins(&mut self, patience: Duration) -> Result<bool, ConnectionError> {
        if self.decoder.is_mid_frame() {
            return Ok(true);
        }
        match timeout(patience, self.fill(FIRST_CHUNK)).await {
            Ok(filled) => Ok(filled? > 0),
            Err(_) => Err(self.late(self.slot.is_startup())),
        }
    }

    /// Receives the payload of the frame that has begun. Returns `None` if the peer closes the
    /// connection before the end of the frame.
    ///
    /// # Errors
    ///
    /// Fails if the frame is too large, too slow or dropped, or if the socket fails.
    pub(crate) async fn payload(&mut self) -> Result<Option<Bytes>, ConnectionError> {
        let arrived = self.arrive().await;
        if !matches!(arrived, Ok(Some(_))) {
            // The rest is not read. Closing takes a while and must not hold this memory.
            self.decoder = Decoder::default();
        }
        arrived
    }

    async fn arrive(&mut self) -> Result<Option<Bytes>, ConnectionError> {
        let begun = Instant::now();
        let frame = self.slot.frame(begun);
        let mut uncounted = self.decoder.buffered();
        loop {
            // The first chunk is not counted: every idle connection may hold that much.
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

    /// Waits for more bytes of a frame, until its deadline passes or it is dropped. Returns the
    /// number of bytes, or 0 if the peer has closed the connection.
    async fn more(&mut self, frame: &Frame, begun: Instant) -> Result<usize, ConnectionError> {
        loop {
            let (now, deadline) = (Instant::now(), begun + self.allowed(frame));
            if now >= deadline {
                return Err(self.too_slow(now.saturating_duration_since(begun)));
            }
            tokio::select! {
                biased;
                () = frame.dropped() => return Err(ConnectionError::Crowded),
                filled = timeout_at(deadline.min(now + RECHECK), self.fill(CHUNK)) => {
                    if let Ok(count) = filled {
                        return count;
                    }
                }
            }
        }
    }

    /// The time that the current frame may take, given how full the byte budget is now.
    fn allowed(&self, frame: &Frame) -> Duration {
        self.deadlines.frame(self.decoder.announced().unwrap_or(0), frame.fullness())
    }

    /// The error for a frame that missed its deadline. It is no offence if the frame would have
    /// been in time with an empty byte budget.
    fn too_slow(&self, took: Duration) -> ConnectionError {
        if took < self.deadlines.frame(self.decoder.announced().unwrap_or(0), 0) {
            return ConnectionError::Crowded;
        }
        self.late(true)
    }

    /// The error for a peer that took too long. It is an offence to send nothing at first, or to
    /// send a frame too slowly, because that holds resources. Silence after a command is normal:
    /// the user may be waiting for a code or choosing a picture.
    fn late(&self, is_offence: bool) -> ConnectionError {
        if is_offence {
            self.slot.penalise(Offence::GraceExceeded);
        }
        ConnectionError::Late
    }

    /// Reads what has arrived. Returns the number of bytes, or 0 if the peer has closed the
    /// connection.
    async fn fill(&mut self, room: usize) -> Result<usize, ConnectionError> {
        let mut chunk = BytesMut::with_capacity(room);
        let count = self.stream.read_buf(&mut chunk).await?;
        self.decoder.push(&chunk);
        Ok(count)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Releases the bytes that the last frame holds in the byte budget, because it has been
    /// decided.
    pub(crate) fn decided(&mut self) {
        self.frame = None;
    }

    /// Sends a reply.
    ///
    /// # Errors
    ///
    /// Fails if the peer is gone or does not read.
    pub(crate) async fn send(&mut self, reply: &Reply) -> Result<(), ConnectionError> {
        self.write(reply, self.deadlines.answer).await
    }

    /// Sends a last reply, with a short timeout because the peer may have stopped reading.
    pub(crate) async fn send_last(&mut self, reply: &Reply) {
        if let Err(error) = self.write(reply, CLOSE_TIMEOUT).await {
            tracing::debug!(%error, "last reply not sent");
        }
    }

    async fn write(&mut self, reply: &Reply, patience: Duration) -> Result<(), ConnectionError> {
        write(&mut self.stream, reply, patience).await
    }

    /// Divides the connection, so that one task can receive while another sends.
    pub(crate) fn split(self) -> (Connection<ReadHalf<S>>, Sender<WriteHalf<S>>) {
        let Self { stream, decoder, deadlines, slot, frame } = self;
        let (reading, writing) = tokio::io::split(stream);
        let sender = Sender { stream: writing, deadlines };
        (Connection { stream: reading, decoder, deadlines, slot, frame }, sender)
    }

    /// Closes the connection without waiting, because another connection needs the slot.
    pub(crate) async fn cut(mut self) {
        // A single poll sends the TLS close_notify if the socket can take it.
        let _unsaid = timeout(Duration::ZERO, self.stream.shutdown()).await;
    }

    /// Closes the connection in order, so that the peer can distinguish the end from a lost
    /// connection.
    ///
    /// Bytes that are still arriving are read for a moment and discarded. Closing a socket with
    /// unread bytes resets it, and the peer would lose an answer that it has not read yet (RFC 1122
    /// §4.2.2.13).
    pub(crate) async fn close(mut self) {
        let closing = async {
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
        // The peer may be gone already.
        let _gone = timeout(CLOSE_TIMEOUT, closing).await;
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<ReadHalf<S>> {
    /// Joins the two halves of a connection.
    ///
    /// # Panics
    ///
    /// If they are halves of different connections.
    pub(crate) fn join(self, sender: Sender<WriteHalf<S>>) -> Connection<S> {
        let Self { stream, decoder, deadlines, slot, frame } = self;
        Connection { stream: stream.unsplit(sender.stream), decoder, deadlines, slot, frame }
    }
}

impl<W: AsyncWrite + Unpin> Sender<W> {
    /// Sends a reply.
    ///
    /// # Errors
    ///
    /// Fails if the peer is gone or does not read.
    pub(crate) async fn send(&mut self, reply: &Reply) -> Result<(), ConnectionError> {
        write(&mut self.stream, reply, self.deadlines.answer).await
    }
}

async fn write<W: AsyncWrite + Unpin>(
    stream: &mut W,
    reply: &Reply,
    patience: Duration,
) -> Result<(), ConnectionError> {
    let mut out = BytesMut::new();
    frame::encode(reply.to_json().expose(), &mut out)?;
    send_all(stream, &out, patience).await
}

async fn send_all<W: AsyncWrite + Unpin>(
    stream: &mut W,
    bytes: &[u8],
    patience: Duration,
) -> Result<(), ConnectionError> {
    let sent = async {
        stream.write_all(bytes).await?;
        stream.flush().await
    };
    Ok(timeout(patience, sent).await.map_err(|_| ConnectionError::Late)??)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::sources::Sources;
    use fourauth_config::LimitsConfig;
    use std::{net::IpAddr, sync::Arc};
    use tokio::io::{DuplexStream, duplex};

    fn connection() -> (DuplexStream, Connection<DuplexStream>) {
        let (_, peer, connection) = connection_of_many();
        (peer, connection)
    }

    /// One connection, and the sources to make more of.
    fn connection_of_many() -> (Arc<Sources>, DuplexStream, Connection<DuplexStream>) {
        let (peer, server) = duplex(64 * 1024);
        let limits = LimitsConfig::default();
        let sources = Sources::new(&limits);
        let slot = sources.admit(IpAddr::from([192, 0, 2, 1]), Instant::now()).unwrap();
        (sources, peer, Connection::new(server, Deadlines::from(&limits), slot))
    }

    #[tokio::test]
    async fn a_frame_arrives_whole_in_any_number_of_pieces() {
        let (mut peer, mut connection) = connection();
        for byte in [0, 0, 0, 2, b'{', b'}'] {
            peer.write_all(&[byte]).await.unwrap();
        }
        assert!(connection.begins(Duration::from_secs(1)).await.unwrap());
        assert_eq!(connection.payload().await.unwrap().as_deref(), Some(b"{}".as_slice()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_peer_times_out() {
        let (_peer, mut connection) = connection();
        let silence = connection.begins(Duration::from_mins(1)).await;
        assert!(matches!(silence, Err(ConnectionError::Late)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_sends_too_slowly_times_out() {
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

    /// The cost of the offences of a source so far. Three denials make it visible as a penalty.
    fn penalty_before(slot: &ConnectionSlot) -> Duration {
        for _ in 0..3 {
            slot.penalise(Offence::Denied);
        }
        slot.penalty().unwrap().saturating_sub(3 * Offence::Denied.cost())
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_an_offence_until_a_command_arrives() {
        for (has_spoken, cost) in [(false, Offence::GraceExceeded.cost()), (true, Duration::ZERO)] {
            let (_peer, mut connection) = connection();
            if has_spoken {
                connection.slot().settle();
            }
            let silence = connection.begins(Duration::ZERO).await;
            assert!(matches!(silence, Err(ConnectionError::Late)));
            assert_eq!(penalty_before(connection.slot()), cost);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_without_room_is_no_offence() {
        let (mut peer, mut connection) = connection();
        let all = connection.slot().frame(Instant::now());
        let share = LimitsConfig::default().in_flight_mib_per_source as usize * 1024 * 1024;
        all.hold(share).await.unwrap();
        all.finish().unwrap();
        peer.write_all(&[0, 0, 0, 200, b'{']).await.unwrap();
        assert!(connection.begins(Duration::from_mins(1)).await.unwrap());
        peer.write_all(&[b' '; 100]).await.unwrap();
        assert!(matches!(connection.payload().await, Err(ConnectionError::Crowded)));
        assert_eq!(penalty_before(connection.slot()), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn dropping_a_frame_ends_its_connection_at_once() {
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
        assert!(!connection.decoder.is_mid_frame(), "the buffered bytes are released");
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_budget_ends_a_slow_frame_without_an_offence() {
        let (sources, mut peer, mut connection) = connection_of_many();
        peer.write_all(&[0, 0x40, 0, 0, b'{']).await.unwrap();
        assert!(connection.begins(Duration::from_mins(1)).await.unwrap());
        let share = LimitsConfig::default().in_flight_mib_per_source as usize * 1024 * 1024;
        let mut whole = Vec::new();
        for last in 2..14 {
            let slot = sources.admit(IpAddr::from([192, 0, 2, last]), Instant::now()).unwrap();
            let frame = slot.frame(Instant::now());
            frame.hold(share).await.unwrap();
            frame.finish().unwrap();
            whole.push(frame);
        }
        let begun = Instant::now();
        assert!(matches!(connection.payload().await, Err(ConnectionError::Crowded)));
        assert_eq!(begun.elapsed(), Duration::from_secs(10 + 30));
        assert_eq!(penalty_before(connection.slot()), Duration::ZERO);
    }

    #[tokio::test]
    async fn a_connection_that_closes_within_a_frame_is_no_error() {
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
