//! `[limits]`

use super::Network;
use serde::{Deserialize, Serialize};

/// Resource limits, per peer and in total.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Concurrent connections. A further one evicts the longest idle connection without a proven
    /// device, of the source or site with most connections. Lowered at start if the limit on open
    /// files requires it.
    pub connections: usize,
    /// Concurrent connections per source, which is an IPv4 address or an IPv6 /56. A further one
    /// evicts another one of the same source.
    pub connections_per_source: usize,
    /// Concurrent connections per IPv6 /48, which is the usual allocation of an organisation and
    /// holds 256 sources. A further one evicts another one of the same /48.
    pub connections_per_site: usize,
    /// Concurrent connections without a first command. A further one evicts another one of these.
    pub startups: usize,
    /// Networks of proxies and load balancers that begin each connection with a PROXY protocol
    /// header of version 2. It is required from these addresses and refused from others.
    pub proxies: Vec<Network>,
    /// Networks of addresses that many clients share: a load balancer without the PROXY protocol,
    /// or a NAT gateway. They have no limits per source and no penalties, and never count as a
    /// known place of an account.
    pub shared_addresses: Vec<Network>,
    /// True if sources that misbehave are blocked for a while.
    pub penalties: bool,
    /// Networks without penalties, although their addresses identify clients: the machine itself,
    /// or a trusted office.
    pub penalty_exempt: Vec<Network>,
    /// Concurrent commands per source. Further ones wait up to a second.
    pub deciding_per_source: usize,
    /// Commands of one gateway's connection that are decided or answered at the same time. The
    /// server reads no further ones until one of them is answered.
    pub commands_per_gateway: usize,
    /// Byte budget for frames that are not answered yet, of all peers, in MiB. A frame without room
    /// waits within its deadline if frames that are being decided fill the budget.
    pub in_flight_mib: u32,
    /// The same per source, and per connection of a gateway.
    pub in_flight_mib_per_source: u32,
    /// The part of `in_flight_mib` that is reserved for sources that hold at most a sixteenth of
    /// `in_flight_mib_per_source`, in percent. With a quarter, dozens of people can log in while a
    /// few sources hold the rest.
    pub in_flight_reserve_percent: u8,
    /// True if an incomplete frame is dropped when another one finds no room: the slowest of the
    /// source that holds most.
    pub drop_slow_frames: bool,
    /// Delay of a denial after its command arrived, in milliseconds. It hides how long the decision
    /// took.
    pub denial_ms: u32,
    /// Longest TLS handshake, in seconds.
    pub handshake_s: u32,
    /// Longest wait for the first frame, in seconds.
    pub first_frame_s: u32,
    /// Longest wait for the next frame after an answer, in seconds. The documented client keeps the
    /// connection open while it waits for its user.
    pub idle_s: u32,
    /// Slowest rate of a frame, in bytes per second, after the first ten seconds.
    pub min_bytes_per_s: u32,
    /// The same while `in_flight_mib` is used up. `min_bytes_per_s` applies while at most half of
    /// it is used; above that, the rate grows linearly to this one.
    pub crowded_bytes_per_s: u32,
    /// Longest wait for a peer to read its answer, in seconds.
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
            commands_per_gateway: 1024,
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
