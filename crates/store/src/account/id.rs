//! The id of an account, and the columns that its secrets are sealed for.

use crate::keys::seal;

/// The table of accounts.
pub(crate) const TABLE: &str = "users";

/// Column of the sealed one-time code key.
pub(crate) const TOTP: &str = "totp_secret_enc";
/// Column of the sealed face template.
pub(crate) const TEMPLATE: &str = "face_template_enc";
/// Column of the sealed picture.
pub(crate) const IMAGE: &str = "face_image_enc";

/// Permanent id of an account. It is random, so that a value sealed for one account never opens for
/// another, even if the username is reused later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub i64);

impl AccountId {
    pub(crate) const fn place(self, column: &'static str) -> seal::SealContext {
        seal::SealContext { table: TABLE, row: self.0, column }
    }
}
