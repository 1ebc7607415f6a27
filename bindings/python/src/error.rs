//! The exceptions: those of the client, split by what the caller does next. A denial is not one.

use fourauth_client as client;
use pyo3::{
    create_exception,
    exceptions::{PyException, PyOSError, PyValueError},
    prelude::*,
};
use std::fmt::Display;

create_exception!(
    fourauth,
    Error,
    PyException,
    "There is no usable answer. A denial is not an error: it is an answer that is false.\n\n\
     If `may_have_been_decided` is true, only the answer is lost: ask the person before the command \
     is sent again."
);
create_exception!(
    fourauth,
    NetworkError,
    Error,
    "The server cannot be reached, did not answer in time, or the connection broke."
);
create_exception!(
    fourauth,
    ProtocolError,
    Error,
    "The peer does not speak this protocol, or hung up instead of answering."
);
create_exception!(
    fourauth,
    TrustError,
    Error,
    "The server is not the trusted one. Nothing was sent, and a retry does not help."
);
create_exception!(fourauth, ReceiptError, Error, "The receipt is not valid.");

/// The exception for an error of the client. The text begins with the server's address, if there is one.
pub(crate) fn raised(error: &client::Error, address: Option<&str>) -> PyErr {
    let text = address.map_or_else(|| error.to_string(), |address| format!("{address}: {error}"));
    // After several attempts the exception is that of the last one; `kind` says that it was the last.
    let last = match error {
        client::Error::RetriesExhausted { last, .. } => last,
        one => one,
    };
    let exception = match last {
        client::Error::Connect(_)
        | client::Error::ConnectTimeout
        | client::Error::AnswerTimeout
        | client::Error::Io(_) => NetworkError::new_err(text),
        client::Error::Untrusted(_) => TrustError::new_err(text),
        client::Error::Tls(_) | client::Error::Protocol(_) => ProtocolError::new_err(text),
        client::Error::TooLarge(_) => return PyValueError::new_err(text),
        _ => Error::new_err(text),
    };
    let is_lost = error.may_have_been_decided();
    let kind = error.kind().as_str();
    Python::attach(|py| {
        let value = exception.value(py);
        let told = value.setattr("may_have_been_decided", is_lost);
        match told.and_then(|()| value.setattr("kind", kind)) {
            Ok(()) => exception,
            Err(other) => other,
        }
    })
}

/// The value, or `ValueError` with the reason why an argument is not one.
pub(crate) fn valid<T>(parsed: Result<T, impl Display>) -> PyResult<T> {
    parsed.map_err(|reason| PyValueError::new_err(reason.to_string()))
}

/// The exception for a device key that cannot be used.
pub(crate) fn unusable_key(error: &client::IdentityError) -> PyErr {
    PyOSError::new_err(error.to_string())
}

/// The exception for trusted certificates that cannot be used.
pub(crate) fn unusable_roots(error: client::RootsError) -> PyErr {
    match error {
        client::RootsError::Unreadable(reason) => reason.into(),
        other => PyValueError::new_err(other.to_string()),
    }
}
