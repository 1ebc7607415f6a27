//! What is wrong with the files of a certificate, in words that say what to do.

use std::{
    io,
    path::{Path, PathBuf},
};

/// Why the TLS configuration cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or is no text.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        error: io::Error,
    },
    /// A file is in a binary form.
    #[error(
        "{} is not PEM but a binary form such as DER or PKCS #12: convert it with `openssl x509 \
         -inform DER` (a certificate), `openssl pkey -inform DER` (a key) or `openssl pkcs12 -nodes` \
         (both)", .0.display()
    )]
    Binary(PathBuf),
    /// A block of a PEM file cannot be read.
    #[error(
        "{}, line {line}: this block of PEM cannot be read ({reason}); copy the file again as it was \
         issued", path.display()
    )]
    Block {
        /// The file.
        path: PathBuf,
        /// The line on which the block begins, from 1.
        line: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The chain file holds no certificate.
    #[error("{} holds no certificate{}", path.display(), exchanged(*has_key))]
    Empty {
        /// The file.
        path: PathBuf,
        /// True if it holds a private key.
        has_key: bool,
    },
    /// The key file holds no key.
    #[error("{} holds no private key{}", path.display(), exchanged(*has_certificate))]
    NoKey {
        /// The file.
        path: PathBuf,
        /// True if it holds a certificate.
        has_certificate: bool,
    },
    /// The private key needs a passphrase.
    #[error(
        "the private key {} is encrypted, and a server that starts alone cannot ask for its \
         passphrase: write it without one, with `openssl pkey -in {} -out NEW` and mode 600, and name \
         that file", .0.display(), .0.display()
    )]
    Encrypted(PathBuf),
    /// The key belongs to a later certificate of the chain.
    #[error(
        "{}: the private key belongs to certificate {place} of this file, and the server's own \
         certificate must be the first: put it before those that certify it", path.display()
    )]
    NotFirst {
        /// The file of the chain.
        path: PathBuf,
        /// The place of the server's certificate, from 1.
        place: usize,
    },
    /// The key belongs to another certificate.
    #[error(
        "certificate and private key do not work together: the key in {} is not that of the \
         certificate in {}; both must come from the same renewal", key.display(), chain.display()
    )]
    Mismatch {
        /// The file of the chain.
        chain: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// The kind of the key is not supported, or the certificate cannot be read.
    #[error(
        "certificate and private key do not work together: {error}; {} must be a certificate of \
         X.509, and {} a key of ECDSA, Ed25519 or RSA with 2048 bits or more", chain.display(),
        key.display()
    )]
    Unsupported {
        /// The file of the chain.
        chain: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// The cause.
        error: rustls::Error,
    },
    /// The provider does not support the configuration: a mistake of the build.
    #[error("TLS cannot be configured: {0}")]
    Configuration(rustls::Error),
}

impl TlsError {
    pub(super) fn unreadable(path: &Path) -> impl Fn(io::Error) -> Self {
        move |error| Self::Unreadable { path: path.to_owned(), error }
    }
}

/// The end of a sentence about a file that holds what the other one should.
const fn exchanged(holds_the_other: bool) -> &'static str {
    if holds_the_other {
        ", but what belongs into the other file: tls.certificate and tls.private_key may be exchanged"
    } else {
        ""
    }
}
