//! Receipts of logins, verified without the server.

use crate::{
    answers::{utc, word},
    arguments::now,
    error::{Error, ReceiptError, valid},
};
use fourauth_client::{
    ReceiptVerifier as Verifier,
    protocol::{
        audience::Audience,
        receipt::{self, VerifyingKey},
    },
};
use pyo3::{prelude::*, types::PyDateTime};

/// Verifies receipts of one server, with its public key.
#[pyclass(frozen, module = "fourauth")]
#[derive(Debug)]
pub(crate) struct ReceiptVerifier(Verifier);

#[pymethods]
impl ReceiptVerifier {
    /// Trusts receipts of `key` and `issuer`, and of those only the ones for `audience`.
    #[new]
    #[pyo3(signature = (key, *, issuer = "4Auth-Authentication", audience = None))]
    fn new(key: &str, issuer: &str, audience: Option<&str>) -> PyResult<Self> {
        let verifier = Verifier::new(valid(VerifyingKey::parse(key))?, issuer);
        Ok(Self(match audience {
            Some(audience) => verifier.for_audience(valid(Audience::parse(audience))?),
            None => verifier,
        }))
    }

    /// What the receipt says, if it is valid now. Otherwise the exception is `ReceiptError`.
    fn verify(&self, receipt: &str) -> PyResult<Receipt> {
        let now = now().ok_or_else(|| Error::new_err("the clock shows a year before 1970"))?;
        match self.0.verify(receipt, now) {
            Ok(receipt) => Ok(Receipt(receipt)),
            Err(reason) => Err(ReceiptError::new_err(reason.to_string())),
        }
    }
}

/// A verified receipt: a login that the server has granted.
#[pyclass(frozen, module = "fourauth")]
#[derive(Debug)]
pub(crate) struct Receipt(receipt::Receipt);

#[pymethods]
impl Receipt {
    /// The user that logged in.
    #[getter]
    fn username(&self) -> &str {
        self.0.username.as_str()
    }

    /// The account, which keeps this number if its username is given to another person.
    #[getter]
    fn account(&self) -> &str {
        &self.0.account
    }

    /// The service that it was issued for.
    #[getter]
    fn audience(&self) -> Option<&str> {
        self.0.audience.as_ref().map(Audience::as_str)
    }

    /// When the login was granted, in UTC.
    #[getter]
    fn issued_at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        utc(py, self.0.issued_at)
    }

    /// When it expires, in UTC.
    #[getter]
    fn expires_at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        utc(py, self.0.expires_at)
    }

    /// The factors that were proved: `pwd`, `otp`, `face`, `swk`, `mfa` (RFC 8176).
    #[getter]
    fn methods(&self) -> Vec<String> {
        self.0.methods.iter().map(word).collect()
    }

    /// The MAC address of the device.
    #[getter]
    fn mac(&self) -> String {
        self.0.device.mac.to_string()
    }

    /// Identifies the login in the log of the server.
    #[getter]
    fn request_id(&self) -> String {
        self.0.request_id.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<fourauth.Receipt of {} until {}>", self.0.username, self.0.expires_at)
    }
}
