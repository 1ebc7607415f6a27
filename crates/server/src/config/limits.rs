//! `[limits]`

use serde::{Deserialize, Serialize};

/// How much one peer and all peers may take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Connections at once. Further ones are closed as soon as they are accepted.
    pub connections: usize,
    /// Connections at once from one source: an IPv4 address or an IPv6 /56.
    pub connections_per_source: usize,
    /// Bytes of frames that have arrived and are not answered yet, in MiB, of all peers. A peer that
    /// finds none left waits, within the deadline of its frame.
    pub in_flight_mib: u32,
    /// The same of one source.
    pub in_flight_mib_per_source: u32,
    /// When a denial is answered, in milliseconds after the command arrived, however soon it was
    /// decided: what took how long says nothing to a stranger.
    pub denial_ms: u32,
    /// Longest TLS handshake, in seconds.
    pub handshake_s: u32,
    /// Longest wait for the first frame, in seconds.
    pub first_frame_s: u32,
    /// Longest wait for the next frame once one was answered, in seconds. The documented client
    /// waits for a person on an open connection.
    pub idle_s: u32,
    /// Slowest rate at which a frame may arrive, in bytes a second, after the first ten seconds.
    pub min_bytes_per_s: u32,
    /// Longest wait for a peer to take its answer, in seconds.
    pub answer_s: u32,
    /// Longest wait for running commands at shutdown, in seconds.
    pub shutdown_s: u32,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            connections: 16_384,
            connections_per_source: 64,
            in_flight_mib: 256,
            in_flight_mib_per_source: 16,
            denial_ms: 350,
            handshake_s: 10,
            first_frame_s: 60,
            idle_s: 15 * 60,
            min_bytes_per_s: 16 * 1024,
            answer_s: 30,
            shutdown_s: 30,
        }
    }
}
