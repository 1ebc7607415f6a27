//! The texts that the two systems document, word for word.

pub(super) const REGISTERED: &str = "User registered successfully";
pub(super) const REGISTERED_WITH_MFA: &str = "Registration successful";
pub(super) const LOGGED_IN: &str = "Login successful";
pub(super) const MFA_REQUIRED: &str = "MFA required, verify using /verify-mfa";
pub(super) const MFA_ENABLED: &str = "MFA enabled successfully!";
pub(super) const MFA_VERIFIED: &str = "MFA verification successful";
pub(super) const LOGGED_OUT: &str = "Logout successful! Delete token on client side.";
pub(super) const OTP_SENT: &str = "OTP sent successfully";
pub(super) const OTP_VERIFIED: &str = "OTP verified. Proceed to reset password.";
pub(super) const PASSWORD_RESET: &str = "Password reset successful";

pub(super) const INVALID_CREDENTIALS: &str = "Invalid credentials";
pub(super) const INVALID_OTP: &str = "Invalid OTP";
pub(super) const EXPIRED_OTP: &str = "Invalid or expired OTP";
pub(super) const USER_EXISTS: &str = "User already exists";
