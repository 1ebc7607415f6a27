//! Changes to a value that succeeds, so that a test can change one thing.

/// Types with fields that a test changes.
pub trait With: Sized {
    /// This value after `change`: `alice.login(now).with(|login| login.mac = None)`.
    #[must_use]
    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

impl<T> With for T {}
