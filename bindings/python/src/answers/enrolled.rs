//! The result of a registration or of a new factor.

use super::{Answer, plain, shown};
use data_encoding::BASE64;
use fourauth_client::protocol::{answer, secret::Secret};
use pyo3::{prelude::*, types::PyBytes};

/// A new authenticator, new recovery codes or a new face. They are shown once.
#[pyclass(frozen, extends = Answer, module = "fourauth")]
#[derive(Debug)]
pub(crate) struct Enrolled {
    provisioning_uri: Option<Secret<String>>,
    qr_png: Option<Secret<Vec<u8>>>,
    recovery_codes: Vec<Secret<String>>,
    /// How many pictures the template was made from, and how many are recommended.
    #[pyo3(get)]
    face_quality: Option<(u32, u32)>,
}

#[pymethods]
impl Enrolled {
    /// The secret for an authenticator, as an `otpauth://` URI.
    #[getter]
    fn provisioning_uri(&self) -> Option<&str> {
        shown(self.provisioning_uri.as_ref())
    }

    /// The URI as a QR code in PNG.
    #[getter]
    fn qr_png<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.qr_png.as_ref().map(|png| PyBytes::new(py, png.expose()))
    }

    /// Recovery codes, in case a factor is lost. Each is valid once.
    #[getter]
    fn recovery_codes(&self) -> Vec<&str> {
        self.recovery_codes.iter().map(|code| code.expose().as_str()).collect()
    }
}

/// The result of a registration, of a new authenticator or of a new face.
pub(crate) fn enrolled(answer: answer::Answer) -> PyClassInitializer<Enrolled> {
    let (plain, body) = (plain(&answer), *answer.body);
    let enrolled = Enrolled {
        provisioning_uri: body.provisioning_uri,
        qr_png: body.qr_png_b64.and_then(|text| decoded(&text)),
        recovery_codes: body.recovery_codes.unwrap_or_default(),
        face_quality: body.face_quality.map(|face| (face.pictures, face.recommended)),
    };
    PyClassInitializer::from(plain).add_subclass(enrolled)
}

/// The picture in a text.
pub(super) fn decoded(text: &Secret<String>) -> Option<Secret<Vec<u8>>> {
    BASE64.decode(text.expose().as_bytes()).ok().map(Secret::new)
}
