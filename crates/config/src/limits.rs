//! `[limits]`

use super::Network;
use serde::{Deserialize, Serialize};

/// How much one peer and all peers may take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Connections at once. A further one takes the place of one that has been idle for longest and
    /// has proved no device, of the source or site that has most. Lowered at start to what the limit
    /// of open files allows.
    pub connections: usize,
    /// Connections at once from one source: an IPv4 address or an IPv6 /56. A further one takes the
    /// place of another one of the same source.
    pub connections_per_source: usize,
    /// Connections at once from one IPv6 /48, which is what one organisation is usually given and
    /// holds 256 sources. A further one takes the place of another one of the same /48.
    pub connections_per_site: usize,
    /// Connections at once that have sent no command yet. A further one takes the place of another
    /// such one.
    pub startups: usize,
    /// Networks of proxies and balancers that begin each connection with a header of the PROXY
    /// protocol, version 2. From these addresses it is required, from all others it is not read.
    pub proxies: Vec<Network>,
    /// Networks of addresses that many clients share and that identify none of them: a balancer
    /// without the PROXY protocol, a gateway that translates addresses. They have no share of their
    /// own and no penalties, and are never a place that an account is known to be used from.
    pub shared_addresses: Vec<Network>,
    /// Whether sources that misbehave are turned away for a while.
    pub penalties: bool,
    /// Networks that no penalty meets although their addresses tell clients apart: the machine
    /// itself, and an office that one trusts.
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
            connections_per_site: 256,
            startups: 4096,
            proxies: Vec::new(),
            shared_addresses: Vec::new(),
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
