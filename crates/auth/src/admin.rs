//! Administrators: who may add accounts and read the log.

use crate::{authenticator::Authenticator, error::Error};
use fourauth_protocol::secret::Secret;

/// Shortest administrator's secret, in characters.
pub const MIN_SECRET_CHARS: usize = 16;

impl Authenticator {
    /// The name of the administrator whose secret this is.
    ///
    /// Every secret on record is compared, whichever fits.
    pub(crate) async fn admin(&self, secret: Secret<String>) -> Result<Option<String>, Error> {
        let admins = self.store.admins().await?;
        let hashes = admins.iter().map(|admin| admin.hash.clone()).collect();
        let found = self.hasher.find(hashes, secret).await?;
        Ok(found.and_then(|index| admins.into_iter().nth(index)).map(|admin| admin.name))
    }
}
