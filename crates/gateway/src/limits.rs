//! The limits of a connection and of a request that an operator has no reason to change.
//!
//! The number of connections is a setting.

use std::time::Duration;

/// Longest head of a request, in bytes: its first line and all its headers.
pub(crate) const HEAD_BYTES: usize = 16 * 1024;

/// Most headers of a request. Browsers send about twenty.
pub(crate) const HEADERS: usize = 64;

/// Time for the head of a request. On HTTP/1.1 it includes the time that the connection was idle
/// before.
pub(crate) const HEAD_TIME: Duration = Duration::from_secs(10);

/// When a visitor with too many requests in progress may try again.
pub(crate) const SLOT_WAIT: Duration = Duration::from_secs(1);

/// Time for a TLS handshake.
pub(crate) const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// Time without any request after which a connection is closed.
pub(crate) const IDLE_TIME: Duration = Duration::from_secs(30);

/// Time in which a connection that is being closed must end.
pub(crate) const LAST_TIME: Duration = Duration::from_secs(10);

/// Streams of one HTTP/2 connection.
pub(crate) const STREAMS: u32 = 64;

/// Streams that a peer may open and reset before they are accepted (CVE-2023-44487).
pub(crate) const PENDING_RESETS: usize = 20;

/// Streams that this side may reset because of errors of the peer (CVE-2025-8671).
pub(crate) const LOCAL_RESETS: usize = 128;

/// Bytes that a peer may send ahead on one stream, and on one connection.
pub(crate) const STREAM_WINDOW: u32 = 64 * 1024;
/// See [`STREAM_WINDOW`].
pub(crate) const CONNECTION_WINDOW: u32 = 256 * 1024;

/// Bytes of answers that one stream may hold until the peer reads them.
pub(crate) const SEND_BUFFER: usize = 64 * 1024;

/// Time between two pings of an HTTP/2 connection, and for the answer to one.
pub(crate) const PING_EVERY: Duration = Duration::from_secs(20);
/// See [`PING_EVERY`].
pub(crate) const PING_TIME: Duration = Duration::from_secs(10);

/// Longest body without pictures, in bytes. It is the limit of such commands too.
pub(crate) const SMALL_BODY: usize = 64 * 1024;

/// Longest body with pictures, in bytes. It is the limit of frames too.
pub(crate) const PICTURE_BODY: usize = 4 * 1024 * 1024;

/// Bytes of bodies that the gateway holds in total, and for one source.
pub(crate) const BODIES: usize = 64 * 1024 * 1024;
/// See [`BODIES`].
pub(crate) const BODIES_PER_SOURCE: usize = 16 * 1024 * 1024;

/// Connections of a source that uses the last quarter of all of them. A browser opens one with
/// HTTP/2, and six without. For bodies, [`SMALL_BODY`] has this role.
pub(crate) const FEW_CONNECTIONS: usize = 6;

/// The slowest rate at which a body may arrive, in bytes per second.
const LEAST_RATE: u64 = 64 * 1024;

/// Time for a body of at most `limit` bytes.
pub(crate) fn body_time(limit: usize) -> Duration {
    HEAD_TIME + Duration::from_secs(u64::try_from(limit).unwrap_or(u64::MAX) / LEAST_RATE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_body_has_more_time() {
        assert_eq!(body_time(SMALL_BODY), Duration::from_secs(11));
        assert_eq!(body_time(PICTURE_BODY), Duration::from_secs(74));
    }
}
