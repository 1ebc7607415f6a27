//! The grants of the keys that the store had a moment ago, so that most commands neither look at
//! the keyring's file nor derive keys.

use super::{Grant, Grants, NotValid, Purpose};
use crate::authenticator::Authenticator;
use fourauth_protocol::{secret::Secret, time::UnixMillis};
use fourauth_store::GrantId;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How long a key that was removed from the keyring may still be used.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The grants, with the time when their keys were read.
#[derive(Debug, Default)]
pub(crate) struct RecentGrants(Mutex<Option<(Arc<Grants>, Instant)>>);

impl RecentGrants {
    /// The grants of keys that were read less than [`MAX_AGE`] before `now`. `keys` is called if
    /// no such grants are kept.
    pub(crate) fn get(
        &self,
        now: Instant,
        keys: impl FnOnce() -> Vec<Secret<[u8; 32]>>,
    ) -> Arc<Grants> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match kept {
            Some((grants, read)) if now.saturating_duration_since(read) < MAX_AGE => grants,
            _ => self.read(now, keys),
        }
    }

    /// The grants of the keys that the store has now.
    pub(crate) fn read(
        &self,
        now: Instant,
        keys: impl FnOnce() -> Vec<Secret<[u8; 32]>>,
    ) -> Arc<Grants> {
        let grants = Arc::new(Grants::new(&keys()));
        let kept = Some((Arc::clone(&grants), now));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = kept;
        grants
    }
}

impl Authenticator {
    /// Checks a grant for `purpose` at the time `at`. Another server may have made it with a key that it
    /// has just got, so an unknown grant is checked again with the keys that the file has now.
    pub(crate) fn check_grant(
        &self,
        grant: &Grant,
        purpose: &Purpose,
        at: UnixMillis,
    ) -> Result<GrantId, NotValid> {
        let check = |grants: &Grants| grants.check(grant, purpose, at);
        match check(&self.grants()) {
            Err(NotValid::Foreign) => {
                check(&self.grants.read(Instant::now(), || self.store.grant_keys()))
            }
            checked => checked,
        }
    }

    /// The grants of this server, with keys that it had less than a second ago.
    pub(crate) fn grants(&self) -> Arc<Grants> {
        self.grants.get(Instant::now(), || self.store.grant_keys())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_740_830_400_000);

    #[test]
    fn a_removed_key_is_of_no_use_after_a_second() {
        let (recent, begun) = (RecentGrants::default(), Instant::now());
        let (old, new) = (|| vec![Secret::new([1; 32])], || vec![Secret::new([2; 32])]);
        let grant = recent.get(begun, old).issue(&Purpose::DeviceProof, NOW, 1000, [7; 10]);
        for (waited_ms, expected) in [(999, Ok(())), (1000, Err(NotValid::Foreign))] {
            let grants = recent.get(begun + Duration::from_millis(waited_ms), new);
            let checked = grants.check(&grant, &Purpose::DeviceProof, NOW).map(drop);
            assert_eq!(checked, expected, "{waited_ms}");
        }
    }

    #[test]
    fn keys_are_read_at_once_if_asked_for() {
        let (recent, begun) = (RecentGrants::default(), Instant::now());
        recent.get(begun, || vec![Secret::new([1; 32])]);
        let read = recent.read(begun, || vec![Secret::new([2; 32])]);
        let kept = recent.get(begun, || unreachable!("the keys were read just now"));
        assert!(Arc::ptr_eq(&read, &kept));
    }
}
