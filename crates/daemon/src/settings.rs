//! The sections of a configuration that more than one program has.
//!
//! Which sections a program has, and where their values come from, is its own affair.

mod brand;
mod collector;
mod forward_auth;
mod log;
mod network;
mod origin;
mod tls;
mod web;

pub use brand::{BEHIND_DARK, BEHIND_LIGHT, BrandConfig, Colour, Logo, NotAColour};
pub use collector::{Collector, NotACollector};
pub use forward_auth::{
    Access, Domain, ForwardAuthConfig, ForwardAuthRule, HostPattern, NotADomain, NotAHost,
    NotAPath, PathPrefix, is_plain,
};
pub use log::{LogConfig, LogFormat};
pub use network::{Network, NotANetwork};
pub use origin::{NotAnOrigin, Origin};
pub use tls::{TlsConfig, TlsVersion};
pub use web::{Requirement, WebConfig, WebListener, WebResource};
