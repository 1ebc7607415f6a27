//! `[limits]`

use super::Network;
use serde::{Deserialize, Serialize};

/// How much one peer and all peers may take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Connections at once. Further ones are closed as soon as they are accepted.
    pub connections: usize,
    /// Connections at once from one source: an IPv4 address or an IPv6 /56.
    pub connections_per_source: usize,
    /// Connections without a first command from which on new ones are dropped by lot, after
    /// `MaxStartups` of OpenSSH.
    pub startups_begin: usize,
    /// How many of them are dropped there, in percent. It grows evenly to all.
    pub startups_rate: u8,
    /// Connections without a first command at which all new ones are dropped.
    pub startups_full: usize,
    /// Connections without a first command that each source may have without drawing lots.
    pub startups_per_source: usize,
    /// Whether sources that misbehave are turned away for a while.
    pub penalties: bool,
    /// Whom no penalty meets: the machine itself, and proxies that speak for others.
    pub penalty_exempt: Vec<Network>,
    /// Commands of one source that are decided at the same time. Further ones wait for a second.
    pub deciding_per_source: usize,
    /// Bytes of frames that have arrived and are not answered yet, in MiB, of all peers. A frame that
    /// finds no room waits, within its deadline, if frames that are being decided fill the budget.
    pub in_flight_mib: u32,
    /// The same of one source.
    pub in_flight_mib_per_source: u32,
    /// How much of `in_flight_mib` is kept for sources that hold no more than a sixteenth of
    /// `in_flight_mib_per_source`, in percent. A quarter lets dozens of people log in while a few
    /// sources hold the rest.
    pub in_flight_reserve_percent: u8,
    /// Whether a frame that has not arrived whole is dropped when another one finds no room: the
    /// slowest of the source that holds most.
    pub drop_slow_frames: bool,
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
    /// The same while `in_flight_mib` is used up. It grows evenly to this from `min_bytes_per_s`, which
    /// holds while no more than half is used.
    pub crowded_bytes_per_s: u32,
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
            startups_begin: 256,
            startups_rate: 30,
            startups_full: 4096,
            startups_per_source: 4,
            penalties: true,
            penalty_exempt: Network::LOOPBACK.to_vec(),
            deciding_per_source: 16,
            in_flight_mib: 256,
            in_flight_mib_per_source: 16,
            in_flight_reserve_percent: 25,
            drop_slow_frames: true,
            denial_ms: 350,
            handshake_s: 10,
            first_frame_s: 60,
            idle_s: 15 * 60,
            min_bytes_per_s: 16 * 1024,
            crowded_bytes_per_s: 256 * 1024,
            answer_s: 30,
            shutdown_s: 30,
        }
    }
}
