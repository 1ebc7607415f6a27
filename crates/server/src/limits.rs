//! Limits on peers: connections, bytes, attempts at once, and penalties for sources that misbehave.
//!
//! | to see | read |
//! |---|---|
//! | how a connection gets its slot | `sources`, `slot` |
//! | how a command of a peer behind a gateway counts | `visit`, `source_limits` |
//! | which limit a new connection reaches | `caps` |
//! | which connection is closed to make room | `roster`, `protection`, `open_connections`, `last_use` |
//! | how many bytes unfinished and waiting commands may hold | `in_flight` |
//! | what counts as an offence, and its penalty | `conduct`, `foreign`, `penalties` |
//! | how many connections the limit on open files allows | [`open_files`] |

mod caps;
pub(crate) mod conduct;
pub(crate) mod foreign;
pub(crate) mod in_flight;
mod last_use;
pub(crate) mod open_connections;
pub mod open_files;
pub(crate) mod penalties;
mod protection;
mod roster;
pub(crate) mod slot;
pub(crate) mod source_limits;
pub(crate) mod sources;
pub(crate) mod visit;
