//! What is derived from the keys of the keyring, kept for a moment, so that most commands neither look at
//! the keyring's file nor derive keys.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How long a key that was removed from the keyring may still be used.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The derived value, with the time when the keys were read.
#[derive(Debug)]
pub(crate) struct Recent<T>(Mutex<Option<(Arc<T>, Instant)>>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Recent<T> {
    /// The value of keys that were read less than [`MAX_AGE`] before `now`. `derive` is called if no
    /// such value is kept.
    pub(crate) fn get(&self, now: Instant, derive: impl FnOnce() -> T) -> Arc<T> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match kept {
            Some((value, read)) if now.saturating_duration_since(read) < MAX_AGE => value,
            _ => self.read(now, derive),
        }
    }

    /// The value of the keys that the store has now.
    pub(crate) fn read(&self, now: Instant, derive: impl FnOnce() -> T) -> Arc<T> {
        let value = Arc::new(derive());
        let kept = Some((Arc::clone(&value), now));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = kept;
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_key_is_of_no_use_after_a_second() {
        let (recent, begun) = (Recent::default(), Instant::now());
        recent.get(begun, || "old");
        for (waited_ms, expected) in [(999, "old"), (1000, "new")] {
            let value = recent.get(begun + Duration::from_millis(waited_ms), || "new");
            assert_eq!(*value, expected, "{waited_ms}");
        }
    }

    #[test]
    fn keys_are_read_at_once_if_asked_for() {
        let (recent, begun) = (Recent::default(), Instant::now());
        recent.get(begun, || 1);
        let read = recent.read(begun, || 2);
        let kept = recent.get(begun, || unreachable!("the keys were read just now"));
        assert!(Arc::ptr_eq(&read, &kept));
    }
}
