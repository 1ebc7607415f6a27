//! Reads secrets from a file, a line of standard input or a prompt. Never from arguments.

use crate::{args::SecretFiles, environment::Environment, failure::Failure};
use fourauth_protocol::{one_time_code::OneTimeCode, recovery_code::RecoveryCode, secret::Secret};
use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Longest secret, in bytes: 256 characters of four bytes, and the line break.
const MAX_SECRET: usize = 1026;

/// A secret that a command may need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Admin,
    Password,
    /// The password of a new account.
    FirstPassword,
    NewPassword,
    RecoveryCode,
    Token,
    Code,
}

impl Kind {
    const fn question(self) -> &'static str {
        match self {
            Self::Admin => "Administrator's secret",
            Self::Password | Self::FirstPassword => "Password",
            Self::NewPassword => "New password",
            Self::RecoveryCode => "Recovery code",
            Self::Token => "Token of a login",
            Self::Code => "One-time code",
        }
    }

    fn file(self, files: &SecretFiles) -> Option<&Path> {
        match self {
            Self::Admin => files.admin_secret_file.as_deref(),
            Self::Password | Self::FirstPassword => files.password_file.as_deref(),
            Self::NewPassword => files.new_password_file.as_deref(),
            Self::RecoveryCode => files.recovery_code_file.as_deref(),
            Self::Token => files.token_file.as_deref(),
            Self::Code => files.totp_file.as_deref(),
        }
    }
}

/// Reads one secret from the source in the options, or asks for it.
pub(crate) fn obtain(
    kind: Kind,
    files: &SecretFiles,
    environment: &mut Environment<'_>,
) -> Result<Secret<String>, Failure> {
    match kind.file(files) {
        Some(path) if path == Path::new("-") => Ok(first_line(&mut environment.input, path)?),
        Some(path) => {
            let file = File::open(path).map_err(|reason| unreadable(path, reason))?;
            Ok(first_line(&mut BufReader::new(file), path)?)
        }
        None => {
            let new = matches!(kind, Kind::FirstPassword | Kind::NewPassword);
            let question = kind.question();
            environment
                .prompt
                .secret(&format!("{question}:"), new)
                .map_err(|reason| Failure::NoReply { question: question.to_owned(), reason })
        }
    }
}

/// Reads a one-time code. A typing error is detected here, where it does not use up an attempt.
pub(crate) fn one_time_code(
    files: &SecretFiles,
    environment: &mut Environment<'_>,
) -> Result<OneTimeCode, Failure> {
    let text = obtain(Kind::Code, files, environment)?;
    let digits = Zeroizing::new(text.expose().replace(' ', "")); // Shown as "287 082" by many.
    OneTimeCode::parse(&digits).map_err(|error| Failure::Usage(error.to_string()))
}

/// Reads a recovery code. A typing error is detected here, as in a one-time code.
pub(crate) fn recovery_code(
    files: &SecretFiles,
    environment: &mut Environment<'_>,
) -> Result<RecoveryCode, Failure> {
    let text = obtain(Kind::RecoveryCode, files, environment)?;
    RecoveryCode::parse(text.expose()).map_err(|error| Failure::Usage(error.to_string()))
}

/// Reads the first line, without its line break.
fn first_line(reader: &mut dyn BufRead, path: &Path) -> Result<Secret<String>, SecretError> {
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_SECRET + 1));
    io::Read::take(reader, MAX_SECRET as u64 + 1)
        .read_until(b'\n', &mut line)
        .map_err(|reason| unreadable(path, reason))?;
    let text = line.strip_suffix(b"\n").unwrap_or(&line);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let fits = line.len() <= MAX_SECRET && !text.is_empty();
    let text = str::from_utf8(text).ok().filter(|_| fits);
    match text {
        Some(text) => Ok(Secret::new(text.to_owned())),
        None => Err(SecretError::NotASecret { path: path.to_owned() }),
    }
}

fn unreadable(path: &Path, reason: io::Error) -> SecretError {
    SecretError::Unreadable { path: path.to_owned(), reason }
}

/// Why a file contains no secret. Does not quote its content.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        reason: io::Error,
    },
    /// The line is empty, too long, or not UTF-8.
    #[error("{}: the line is empty, too long or not UTF-8", path.display())]
    NotASecret {
        /// The file.
        path: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line_of(bytes: &[u8]) -> Option<String> {
        let mut reader = bytes;
        first_line(&mut reader, Path::new("-")).ok().map(|secret| secret.expose().clone())
    }

    #[test]
    fn a_secret_is_the_first_line_without_its_line_break() {
        for bytes in
            [&b"Tr0ub4dor&3"[..], b"Tr0ub4dor&3\n", b"Tr0ub4dor&3\r\n", b"Tr0ub4dor&3\nx\n"]
        {
            assert_eq!(line_of(bytes).as_deref(), Some("Tr0ub4dor&3"), "{bytes:?}");
        }
        assert_eq!(line_of(b" a b \n").as_deref(), Some(" a b "), "spaces belong to a secret");
    }

    #[test]
    fn several_secrets_are_read_line_by_line() {
        let mut reader = &b"admin\npassword\n287082\n"[..];
        for expected in ["admin", "password", "287082"] {
            let secret = first_line(&mut reader, Path::new("-")).unwrap();
            assert_eq!(secret.expose(), expected);
        }
        assert!(first_line(&mut reader, Path::new("-")).is_err(), "no more lines");
    }

    #[test]
    fn invalid_secrets_are_refused() {
        for bytes in [&b""[..], b"\n", b"\xff\xfe\n", &[b'x'; 10_000]] {
            assert_eq!(line_of(bytes), None, "{:?}", &bytes[..bytes.len().min(4)]);
        }
    }
}
