//! The PEM files of a certificate (RFC 7468). A block that cannot be read is an error: a parser that
//! skips it would serve the next certificate in its place.

use super::fault::TlsError;
use fourauth_text_file::{refuse_utf_16, unmarked_lines};
use rustls_pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{Error, PemObject},
};
use std::{fs, io, path::Path};

const BEGIN: &[u8] = b"-----BEGIN ";

/// The first byte of DER and of PKCS #12: a sequence (X.690 §8.9).
const SEQUENCE: u8 = 0x30;

/// A PEM file.
pub(super) struct PemFile<'a> {
    path: &'a Path,
    text: Vec<u8>,
}

impl<'a> PemFile<'a> {
    /// Reads a file.
    pub(super) fn read(path: &'a Path) -> Result<Self, TlsError> {
        let bytes = fs::read(path).map_err(TlsError::unreadable(path))?;
        refuse_utf_16(&bytes).map_err(TlsError::unreadable(path))?;
        if bytes.first() == Some(&SEQUENCE) {
            return Err(TlsError::Binary(path.to_owned()));
        }
        Ok(Self { path, text: unmarked_lines(&bytes).into_owned() })
    }

    /// Every certificate, in the order of the file.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let found: Vec<_> = self.all()?;
        let mut begun = self.blocks().filter(|(_, label)| label.starts_with(b"CERTIFICATE-"));
        if let Some((line, _)) = begun.nth(found.len()) {
            return Err(self.block(line, "it does not begin at the beginning of a line"));
        }
        if found.is_empty() {
            let has_key = self.has("PRIVATE KEY-");
            return Err(TlsError::Empty { path: self.path.to_owned(), has_key });
        }
        Ok(found)
    }

    /// The first private key.
    pub(super) fn key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        // PKCS #8 (RFC 7468 §11), and the older form (RFC 1421 §4.6.1.1).
        if self.has("ENCRYPTED PRIVATE KEY-") || self.contains(b"Proc-Type: 4,ENCRYPTED") {
            return Err(TlsError::Encrypted(self.path.to_owned()));
        }
        let has_certificate = self.has("CERTIFICATE-");
        let none = || TlsError::NoKey { path: self.path.to_owned(), has_certificate };
        self.all()?.into_iter().next().ok_or_else(none)
    }

    fn all<T: PemObject>(&self) -> Result<Vec<T>, TlsError> {
        T::pem_slice_iter(&self.text).collect::<Result<_, _>>().map_err(|error| self.fault(&error))
    }

    /// Names the last block, in which the parser stopped or which has no end.
    fn fault(&self, error: &Error) -> TlsError {
        let reason = match error {
            Error::MissingSectionEnd { .. } => "it has no END line",
            Error::IllegalSectionStart { .. } => "its BEGIN line is damaged",
            Error::Base64Decode(_) => "it is not base64",
            other => {
                let error = io::Error::other(other.to_string());
                return TlsError::unreadable(self.path)(error);
            }
        };
        let line =
            self.blocks().find(|(line, _)| !self.is_whole(*line)).map_or(1, |(line, _)| line);
        self.block(line, reason)
    }

    /// True if the block that begins on `line` can be read alone.
    fn is_whole(&self, line: usize) -> bool {
        let lines = self.text.split_inclusive(|byte| *byte == b'\n').skip(line - 1);
        let mut block = Vec::new();
        for (number, text) in lines.enumerate() {
            if number > 0 && text.starts_with(BEGIN) {
                break;
            }
            block.extend_from_slice(text);
        }
        <(rustls_pki_types::pem::SectionKind, Vec<u8>)>::pem_slice_iter(&block).all(|it| it.is_ok())
    }

    fn block(&self, line: usize, reason: &'static str) -> TlsError {
        TlsError::Block { path: self.path.to_owned(), line, reason }
    }

    /// The number of each line with a BEGIN, wherever it stands in it, and what follows.
    fn blocks(&self) -> impl Iterator<Item = (usize, &[u8])> {
        self.text.split(|byte| *byte == b'\n').zip(1..).filter_map(|(line, number)| {
            let at = line.windows(BEGIN.len()).position(|part| part == BEGIN)?;
            Some((number, &line[at + BEGIN.len()..]))
        })
    }

    /// True if a block has a label that ends in `label`.
    fn has(&self, label: &str) -> bool {
        let label = label.as_bytes();
        self.blocks().any(|(_, rest)| rest.windows(label.len()).any(|part| part == label))
    }

    fn contains(&self, text: &[u8]) -> bool {
        self.text.windows(text.len()).any(|part| part == text)
    }
}
