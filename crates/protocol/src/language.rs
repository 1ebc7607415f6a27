//! Language tags, which choose the language of a message to a person.

use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// Longest tag, in characters. RFC 5646 §4.4.1 gives this length to programs with a limit.
pub const MAX_TAG_CHARS: usize = 35;

/// Longest part of a tag, in characters (RFC 5646 §2.1).
const MAX_PART_CHARS: usize = 8;

/// A language tag of BCP 47 (RFC 5646), such as `de` or `zh-Hant-TW`.
///
/// Only its form is checked: parts of one to eight ASCII letters and digits, the first of them two
/// to eight letters. A program without texts in that language uses its default.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Language(String);

impl Language {
    /// Accepts a tag.
    ///
    /// # Errors
    ///
    /// [`NotALanguage`] if the text does not have the form of a tag.
    pub fn parse(text: &str) -> Result<Self, NotALanguage> {
        let is_part = |part: &str| {
            (1..=MAX_PART_CHARS).contains(&part.len())
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        let first = text.split('-').next().unwrap_or_default();
        let names_a_language =
            first.len() >= 2 && first.bytes().all(|byte| byte.is_ascii_alphabetic());
        let is_tag =
            text.len() <= MAX_TAG_CHARS && names_a_language && text.split('-').all(is_part);
        if is_tag { Ok(Self(text.to_owned())) } else { Err(NotALanguage) }
    }

    /// The tag as it was given. Compare it without regard to case (RFC 5646 §2.1.1).
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Language {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The text is not a language tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a language tag, such as de or zh-Hant-TW")]
pub struct NotALanguage;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_tags_of_rfc_5646_are_accepted() {
        // Appendix A.
        for tag in ["de", "zh-Hant", "sr-Latn-RS", "sl-rozaj-biske", "es-419", "de-DE-u-co-phonebk"]
        {
            assert_eq!(Language::parse(tag).unwrap().as_str(), tag);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let long = "de-".to_owned() + &"a-".repeat(17) + "b";
        for text in
            ["", "d", "4e", "de_AT", "de-", "-de", "de--AT", "deutschsprachig", "de\n", &long]
        {
            assert_eq!(Language::parse(text), Err(NotALanguage), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_tag_is_short_printable_ascii(text in "[a-zA-Z0-9-]{0,40}|\\PC{0,12}") {
            if let Ok(tag) = Language::parse(&text) {
                prop_assert!(tag.as_str().len() <= MAX_TAG_CHARS);
                prop_assert!(tag.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
                let json = serde_json::to_string(&tag).unwrap();
                prop_assert_eq!(serde_json::from_str::<Language>(&json).unwrap(), tag);
            }
        }
    }
}
