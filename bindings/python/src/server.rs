//! The server of a client: its addresses, the trust in it and the limits.

use crate::error::{unusable_roots, valid};
use fourauth_client::{Builder, Client, Fingerprint, Roots, ServerAddress, Trust};
use pyo3::{exceptions::PyValueError, prelude::*};
use std::{path::PathBuf, time::Duration};

/// One address, or several to try in this order.
#[derive(Debug, FromPyObject)]
pub(crate) enum Addresses {
    One(String),
    Several(Vec<String>),
}

impl Addresses {
    fn parse(self) -> PyResult<Vec<ServerAddress>> {
        let texts = match self {
            Self::One(text) => vec![text],
            Self::Several(texts) => texts,
        };
        texts.iter().map(|text| valid(ServerAddress::parse(text))).collect()
    }

    /// The first address as text, and a builder for all of them.
    ///
    /// # Errors
    ///
    /// `ValueError` if no address is given, or one of them is not an address.
    pub(crate) fn builder(self, trust: Trust) -> PyResult<(String, Builder)> {
        let mut addresses = self.parse()?.into_iter();
        let first = addresses.next().ok_or_else(|| PyValueError::new_err("give an address"))?;
        let text = first.to_string();
        Ok((text, addresses.fold(Client::builder(first, trust), Builder::or_at)))
    }
}

/// The trust in exactly one of a fingerprint and a file of authorities.
///
/// # Errors
///
/// `ValueError` if there is not exactly one, or it cannot be used.
pub(crate) fn trust(pin: Option<&str>, ca_file: Option<PathBuf>) -> PyResult<Trust> {
    match (pin, ca_file) {
        (Some(pin), None) => valid(Fingerprint::parse(pin)).map(Trust::Pin),
        (None, Some(path)) => Roots::from_file(&path).map(Trust::Roots).map_err(unusable_roots),
        _ => Err(PyValueError::new_err("give either `pin` or `ca_file`")),
    }
}

/// A time of Python, in seconds.
///
/// # Errors
///
/// `ValueError` if it is negative or not a number.
pub(crate) fn seconds(seconds: f64) -> PyResult<Duration> {
    valid(Duration::try_from_secs_f64(seconds))
}
