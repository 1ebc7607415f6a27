//! Secrets, which are never printed and do not outlive their use.

use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use zeroize::Zeroize;

/// A secret. It is wiped on drop, hidden in `Debug`, and readable only through [`Secret::expose`].
///
/// It does not implement `Serialize`. A message that carries one opts in field by field, with
/// `#[serde(serialize_with = "secret::on_the_wire")]`.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes ownership of a value. The caller should keep no other copy.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Reads the secret. The name is distinctive, so that a review can find every use.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Writes a secret into a message that is about to be encrypted.
pub(crate) fn on_the_wire<T, S>(secret: &Secret<T>, serializer: S) -> Result<S::Ok, S::Error>
where
    T: Zeroize + Serialize,
    S: Serializer,
{
    secret.expose().serialize(serializer)
}

/// [`on_the_wire`] for a field that may be absent.
#[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
pub(crate) fn on_the_wire_if_any<T, S>(
    secret: &Option<Secret<T>>,
    serializer: S,
) -> Result<S::Ok, S::Error>
where
    T: Zeroize + Serialize,
    S: Serializer,
{
    secret.as_ref().map(Secret::expose).serialize(serializer)
}

/// [`on_the_wire_if_any`] for a list.
#[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
pub(crate) fn list_on_the_wire_if_any<T, S>(
    secrets: &Option<Vec<Secret<T>>>,
    serializer: S,
) -> Result<S::Ok, S::Error>
where
    T: Zeroize + Serialize,
    S: Serializer,
{
    match secrets {
        None => serializer.serialize_none(),
        Some(secrets) => serializer.collect_seq(secrets.iter().map(Secret::expose)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_printed() {
        let secret = Secret::new("Tr0ub4dor&3".to_owned());
        assert_eq!(format!("{secret:?}"), "Secret(..)");
    }
}
