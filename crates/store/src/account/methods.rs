//! The methods that a login proved, as its session keeps them.

use fourauth_protocol::{level::Level, receipt::Method};
use std::fmt;

/// The methods that a login proved, in the words of its receipt.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Methods(pub Vec<Method>);

impl Methods {
    /// The level that they reach. `None` if no method counts.
    #[must_use]
    pub fn level(&self) -> Option<Level> {
        Level::of(&self.0)
    }

    /// Words of a newer version are left out: a server that does not know a method relies on none.
    pub(crate) fn parse(text: &str) -> Self {
        let methods = text.split_ascii_whitespace().map(Method::from);
        Self(methods.filter(|method| *method != Method::Unrecognised).collect())
    }
}

/// The words with spaces between them, as they are stored.
impl fmt::Display for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.0.iter().map(|method| method.as_str()).collect();
        f.write_str(&words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_survive_the_database_and_unknown_words_do_not() {
        let methods = Methods(vec![Method::Password, Method::DeviceKey, Method::Several]);
        assert_eq!(Methods::parse(&methods.to_string()), methods);
        assert_eq!(Methods::parse("pwd retina"), Methods(vec![Method::Password]));
        assert_eq!((Methods::parse("").level(), methods.level()), (None, Some(Level::Three)));
    }
}
