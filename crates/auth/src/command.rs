//! The commands: one method of [`crate::authenticator::Authenticator`] each.
//!
//! Read `command/login.rs` first, then `command/proof.rs`. The other commands are variations.

mod admin;
mod audit_log;
mod bearer;
mod bound_session;
mod claimed;
mod confirm;
mod console;
mod device_request;
mod devices;
mod enrol_face;
mod gateway;
mod invitation;
mod login;
mod new_face;
mod passcode;
mod proof;
mod raise;
mod recover;
mod register;
mod reset;
mod self_register;
pub(crate) mod session;
mod sign_in;
mod sign_in_proof;
mod signed_token;

pub use audit_log::AuditRows;
pub use bound_session::{SessionBound, SessionRenewed};
pub use confirm::TotpConfirmed;
pub use console::{Accounts, Erased, FreshProof, LogRows, Messages, State, Surroundings};
pub use device_request::DeviceAsked;
pub use devices::Devices;
pub use enrol_face::FirstFaceEnrolled;
pub use invitation::{Invited, Joined};
pub use login::LoggedIn;
pub use passcode::{PASSCODE_LIFETIME_MS, Passcodes};
pub use recover::{FaceEnrolled, Recovered};
pub use register::Registered;
pub use reset::ResetGranted;
pub use self_register::SelfRegistered;
pub use session::{Authorisation, Authorised, Sessions};
pub use sign_in::SignIn;
pub use sign_in_proof::SignInProof;
pub use signed_token::PublicKeys;
