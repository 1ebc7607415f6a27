//! The module `fourauth._fourauth`, which the Python package `fourauth` re-exports.
//!
//! It translates: arguments into commands (`arguments`), answers into objects (`answers`), errors
//! into exceptions (`error`). `session` waits for the server without the interpreter lock. Every
//! rule is in the crate `fourauth-client` or in the server.

mod answers;
mod arguments;
mod client;
mod error;
mod receipt;
mod session;

/// A client for fourauth, a self-hosted authentication server.
#[pyo3::pymodule(name = "_fourauth")]
mod module {
    #[pymodule_export]
    use crate::{
        answers::{Answer, Device, Devices, Enrolled, Hello, Login, ServerInfo},
        client::PyClient,
        error::{Error, NetworkError, ProtocolError, ReceiptError, TrustError},
        receipt::{Receipt, ReceiptVerifier},
    };
    use pyo3::{prelude::*, types::PyModule};

    /// An error says for itself whether the command may have been decided. Most say no.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.py().get_type::<Error>().setattr("may_have_been_decided", false)
    }
}
