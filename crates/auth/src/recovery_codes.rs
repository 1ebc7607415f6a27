//! Makes the recovery codes of an account.

use crate::entropy;
use fourauth_protocol::{recovery_code::RecoveryCode, secret::Secret};

/// Number of recovery codes of an account.
const RECOVERY_CODES: usize = 10;

/// Ten new random recovery codes.
#[must_use]
pub fn recovery_codes() -> Vec<RecoveryCode> {
    (0..RECOVERY_CODES).map(|_| RecoveryCode::from_bytes(entropy::bytes())).collect()
}

pub(crate) fn shown(codes: &[RecoveryCode]) -> Vec<Secret<String>> {
    codes.iter().map(RecoveryCode::expose_text).collect()
}
