//! Reads secrets from a file, a line of standard input or a prompt. Never from arguments.

use crate::{
    args::SecretFiles,
    environment::Environment,
    failure::Failure,
    secret_line::{first_line, unreadable},
};
use fourauth_protocol::{
    grant::GrantToken, one_time_code::OneTimeCode, passcode::Passcode, recovery_code::RecoveryCode,
    reset_code::ResetCode, secret::Secret,
};
use std::{fs::File, io::BufReader, path::Path};

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
    Passcode,
    ResetCode,
    Grant,
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
            Self::Passcode => "Passcode",
            Self::ResetCode => "Code for a new password",
            Self::Grant => "Grant",
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
            Self::Passcode => files.passcode_file.as_deref(),
            Self::ResetCode => files.reset_code_file.as_deref(),
            Self::Grant => files.grant_file.as_deref(),
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
    OneTimeCode::parse(text.expose()).map_err(|error| Failure::Usage(error.to_string()))
}

/// Reads a passcode. A typing error is detected here, as in a one-time code.
pub(crate) fn passcode(
    files: &SecretFiles,
    environment: &mut Environment<'_>,
) -> Result<Passcode, Failure> {
    let text = obtain(Kind::Passcode, files, environment)?;
    Passcode::parse(text.expose()).map_err(|error| Failure::Usage(error.to_string()))
}

/// Reads a code for a new password. A typing error is detected here, as in a one-time code.
pub(crate) fn reset_code(
    files: &SecretFiles,
    environment: &mut Environment<'_>,
) -> Result<ResetCode, Failure> {
    let text = obtain(Kind::ResetCode, files, environment)?;
    ResetCode::parse(text.expose()).map_err(|error| Failure::Usage(error.to_string()))
}

/// Reads a grant. A typing error is detected here.
pub(crate) fn grant(
    files: &SecretFiles,
    environment: &mut Environment<'_>,
) -> Result<GrantToken, Failure> {
    let text = obtain(Kind::Grant, files, environment)?;
    GrantToken::parse(text.expose()).map_err(|error| Failure::Usage(error.to_string()))
}

/// Reads a recovery code. A typing error is detected here, as in a one-time code.
pub(crate) fn recovery_code(
    files: &SecretFiles,
    environment: &mut Environment<'_>,
) -> Result<RecoveryCode, Failure> {
    let text = obtain(Kind::RecoveryCode, files, environment)?;
    RecoveryCode::parse(text.expose()).map_err(|error| Failure::Usage(error.to_string()))
}
