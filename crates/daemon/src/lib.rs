//! What the programs that listen have in common, whether they decide or not: `fourauthd` and
//! `fourauth-gateway`.
//!
//! [`settings`] has the sections that both read, [`tls`] the certificate of a listener, [`signals`]
//! what an operator sends, [`logging`] the text log and traces; [`open_files`] and
//! [`process_memory`] change the limits of the process. Nothing
//! here knows an account, a command or a database.

pub mod logging;
#[cfg(not(feature = "otlp"))]
mod no_traces;
pub mod open_files;
pub mod process_memory;
pub mod settings;
pub mod signals;
mod spans;
pub mod tls;
pub mod toml_text;
#[cfg(feature = "otlp")]
pub mod traces;

#[cfg(not(feature = "otlp"))]
use no_traces as traces;
