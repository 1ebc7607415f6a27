//! Whether the certificates of a chain follow each other, as clients expect (RFC 8446 §4.4.2).
//!
//! No signature is checked, and no authority is looked up: a server cannot know which ones its clients
//! trust. So the result is words for an operator, and never a refusal.

use fourauth_protocol::printable::printable;
use rustls_pki_types::CertificateDer;
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _};

/// What an operator should know about a chain. `None` if nothing is striking, or if a certificate cannot
/// be read.
pub(super) fn remark(chain: &[CertificateDer<'_>]) -> Option<String> {
    let parsed = chain.iter().map(|der| X509Certificate::from_der(der).ok().map(|(_, it)| it));
    let parsed: Vec<X509Certificate<'_>> = parsed.collect::<Option<_>>()?;
    let follows = |pair: &[X509Certificate<'_>]| {
        let [one, next] = pair else { return true };
        one.issuer().as_raw() == next.subject().as_raw()
    };
    if let Some(at) = parsed.windows(2).position(|pair| !follows(pair)) {
        return Some(format!(
            "certificate {} did not issue certificate {}, and some clients refuse such a chain: put \
             first the server's certificate, then the one that issued it, and so on",
            at + 2,
            at + 1
        ));
    }
    let [alone] = parsed.as_slice() else { return None };
    (alone.issuer().as_raw() != alone.subject().as_raw()).then(|| {
        format!(
            "it holds only the server's certificate, which {} has issued: clients that know only the \
             authority above it refuse the connection; append the intermediate certificates, as in \
             `fullchain.pem`",
            printable(&alone.issuer().to_string())
        )
    })
}
