//! The settings of a gateway. It reads no file and no environment: the program fills them in.

use ipnet::IpNet;
use std::net::SocketAddr;

/// The settings of a gateway. They do not check themselves; the program that reads them does.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The networks of proxies. Their `X-Forwarded-For` is believed.
    pub proxies: Vec<IpNet>,
    /// Connections in total.
    pub connections: usize,
    /// Connections of one source. Those of proxies are counted only in total.
    pub connections_per_source: usize,
    /// The listeners.
    pub listeners: Vec<ListenerSettings>,
}

/// One listener.
#[derive(Debug, Clone)]
pub struct ListenerSettings {
    /// The address that it listens on.
    pub bind: SocketAddr,
    /// True if it speaks TLS.
    pub tls: bool,
    /// What is served there.
    pub resources: Vec<Resource>,
}

/// A group of routes that a listener offers or does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resource {
    /// The API of this project, under `/api`.
    Api,
    /// The routes of older HTTP systems.
    Compat,
    /// `/livez` and `/readyz`.
    Health,
    /// `/metrics`.
    Metrics,
}
