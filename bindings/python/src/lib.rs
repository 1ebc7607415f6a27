//! The module `fourauth._fourauth`, which the Python package `fourauth` re-exports.
//!
//! It translates: arguments into commands (`arguments`), answers into objects (`answers`), errors
//! into exceptions (`error`). `open_client` waits for the server without the interpreter lock. Every
//! rule is in the crate `fourauth-client` or in the server.

mod answers;
mod arguments;
mod client;
mod error;
mod open_client;
mod receipt;
mod server;
mod session;
mod sessions;

/// A client for fourauth, a self-hosted authentication server.
#[pyo3::pymodule(name = "_fourauth")]
mod module {
    #[pymodule_export]
    use crate::{
        answers::{
            Answer, Device, Devices, Enrolled, Hello, Login, ResetGranted, SelfRegistered,
            ServerInfo, SignIn,
        },
        client::PyClient,
        error::{Error, NetworkError, ProtocolError, ReceiptError, TrustError},
        receipt::{Receipt, ReceiptVerifier},
        session::PySession,
        sessions::{Authorised, SessionInfo, Sessions, SignInProof},
    };
    use pyo3::{prelude::*, types::PyModule};

    /// An error says for itself whether the command may have been decided, and of which kind it is.
    /// Most say no, and none.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let error = module.py().get_type::<Error>();
        error.setattr("may_have_been_decided", false)?;
        error.setattr("kind", module.py().None())
    }
}
