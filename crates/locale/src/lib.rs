//! The texts of mails and pages, in the languages that this program has.
//!
//! They are in the folder `locales` of the repository, one file for each language, and compiled in.

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use fourauth_protocol::language::Language;
use serde::{Deserialize, Serialize};
use std::fmt;
use unic_langid::LanguageIdentifier;

/// A language that this program has texts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tongue {
    /// English.
    #[default]
    En,
    /// German.
    De,
    /// Arabic.
    Ar,
}

/// The direction of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From left to right.
    LeftToRight,
    /// From right to left.
    RightToLeft,
}

impl Tongue {
    /// Every language.
    pub const ALL: [Self; 3] = [Self::En, Self::De, Self::Ar];

    /// The language of an account, by its first part; `default` if this program has no texts in it.
    #[must_use]
    pub fn of(tag: Option<&Language>, default: Self) -> Self {
        tag.and_then(|tag| Self::find(tag.as_str())).unwrap_or(default)
    }

    /// The language of a tag of BCP 47, by its first part.
    #[must_use]
    pub fn find(tag: &str) -> Option<Self> {
        let first = tag.split('-').next().unwrap_or_default();
        Self::ALL.into_iter().find(|tongue| tongue.tag().eq_ignore_ascii_case(first))
    }

    /// The first language of an `Accept-Language` header (RFC 9110 §12.5.4) that this program has. The
    /// order counts and weights do not, because browsers send both alike.
    #[must_use]
    pub fn accepted(header: &str) -> Option<Self> {
        let mut tags = header.split(',').map(|range| range.split(';').next().unwrap_or_default());
        tags.find_map(|tag| Self::find(tag.trim()))
    }

    /// Its name in itself.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::De => "Deutsch",
            Self::Ar => "العربية",
        }
    }

    /// The tag of BCP 47.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
            Self::Ar => "ar",
        }
    }

    /// The direction of its script.
    #[must_use]
    pub const fn direction(self) -> Direction {
        match self {
            Self::En | Self::De => Direction::LeftToRight,
            Self::Ar => Direction::RightToLeft,
        }
    }
}

/// A set of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Catalogue {
    /// Of mails and text messages.
    Mail,
    /// Of the pages of the portal.
    Pages,
}

impl Catalogue {
    /// The texts of a language, as its file has them.
    #[must_use]
    pub const fn source(self, tongue: Tongue) -> &'static str {
        match (self, tongue) {
            (Self::Mail, Tongue::En) => include_str!("../../../locales/mail/en.ftl"),
            (Self::Mail, Tongue::De) => include_str!("../../../locales/mail/de.ftl"),
            (Self::Mail, Tongue::Ar) => include_str!("../../../locales/mail/ar.ftl"),
            (Self::Pages, Tongue::En) => include_str!("../../../locales/pages/en.ftl"),
            (Self::Pages, Tongue::De) => include_str!("../../../locales/pages/de.ftl"),
            (Self::Pages, Tongue::Ar) => include_str!("../../../locales/pages/ar.ftl"),
        }
    }
}

impl Direction {
    /// The value of the attribute `dir` of HTML.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LeftToRight => "ltr",
            Self::RightToLeft => "rtl",
        }
    }
}

/// A text cannot be made: a key is missing, or an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAText;

/// Values that texts refer to, by name.
pub type Arguments<'a> = [(&'static str, &'a str)];

/// The texts of one catalogue in one language.
pub struct Texts {
    /// With marks around values, so that a name from right to left does not turn the sentence.
    isolating: FluentBundle<FluentResource>,
    /// Without marks, for subjects and text messages: many programs show them as boxes there.
    plain: FluentBundle<FluentResource>,
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Texts").finish_non_exhaustive()
    }
}

impl Texts {
    /// Reads the texts of a language.
    ///
    /// # Errors
    ///
    /// [`NotAText`] if the file of the language is not valid.
    pub fn of(catalogue: Catalogue, tongue: Tongue) -> Result<Self, NotAText> {
        Self::read(catalogue.source(tongue), tongue)
    }

    /// Reads texts in the form of a file of the folder `locales`.
    ///
    /// # Errors
    ///
    /// [`NotAText`] if the form is not valid.
    pub fn read(source: &str, tongue: Tongue) -> Result<Self, NotAText> {
        let bundle = |is_isolating| bundle(source, tongue, is_isolating);
        Ok(Self { isolating: bundle(true)?, plain: bundle(false)? })
    }

    /// A text for a body.
    ///
    /// # Errors
    ///
    /// [`NotAText`] if there is no such text, or an argument is missing.
    pub fn body(&self, key: &str, arguments: &Arguments<'_>) -> Result<String, NotAText> {
        format(&self.isolating, key, arguments)
    }

    /// A text for a subject, a text message, or an attribute of a page.
    ///
    /// # Errors
    ///
    /// As for [`body`](Self::body).
    pub fn line(&self, key: &str, arguments: &Arguments<'_>) -> Result<String, NotAText> {
        format(&self.plain, key, arguments)
    }
}

fn bundle(
    source: &str,
    tongue: Tongue,
    is_isolating: bool,
) -> Result<FluentBundle<FluentResource>, NotAText> {
    let source = FluentResource::try_new(source.to_owned()).map_err(|_| NotAText)?;
    let language: LanguageIdentifier = tongue.tag().parse().map_err(|_| NotAText)?;
    let mut bundle = FluentBundle::new_concurrent(vec![language]);
    bundle.set_use_isolating(is_isolating);
    bundle.add_resource(source).map_err(|_| NotAText)?;
    Ok(bundle)
}

fn format(
    bundle: &FluentBundle<FluentResource>,
    key: &str,
    arguments: &Arguments<'_>,
) -> Result<String, NotAText> {
    let pattern = bundle.get_message(key).and_then(|message| message.value()).ok_or(NotAText)?;
    let mut values = FluentArgs::new();
    for (name, value) in arguments {
        values.set(*name, FluentValue::from(*value));
    }
    let mut errors = Vec::new();
    let text = bundle.format_pattern(pattern, Some(&values), &mut errors).into_owned();
    if errors.is_empty() { Ok(text) } else { Err(NotAText) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CATALOGUES: [Catalogue; 2] = [Catalogue::Mail, Catalogue::Pages];

    /// Every argument that a text may name.
    const ALL: [(&str, &str); 16] = [
        ("user", "alice"),
        ("issuer", "4Auth"),
        ("name", "laptop"),
        ("factors", "password"),
        ("code", "7K2QXA"),
        ("until", "2026-11-21 12:03 UTC"),
        ("when", "2026-11-21 12:00 UTC"),
        ("peer", "192.0.2.7"),
        ("text", "A text."),
        ("gateway", "portal"),
        ("request", "01J"),
        ("seconds", "3"),
        ("level", "2"),
        ("count", "2"),
        ("hours", "24"),
        ("reason", "The server is busy."),
    ];

    /// The keys of a source, in order.
    fn keys(source: &str) -> Vec<&str> {
        let names = source.lines().filter_map(|line| line.split_once(" = "));
        names.map(|(key, _)| key).filter(|key| !key.starts_with(['#', ' '])).collect()
    }

    fn in_all_tongues(catalogue: Catalogue) -> impl Iterator<Item = (Catalogue, Tongue)> {
        Tongue::ALL.into_iter().map(move |tongue| (catalogue, tongue))
    }

    #[test]
    fn every_language_has_the_same_keys_in_the_same_order() {
        for catalogue in CATALOGUES {
            let english = keys(catalogue.source(Tongue::En));
            assert!(english.len() > 30, "only {} keys were found", english.len());
            for tongue in Tongue::ALL {
                assert_eq!(keys(catalogue.source(tongue)), english, "{catalogue:?} {tongue:?}");
            }
        }
    }

    #[test]
    fn every_key_is_rendered_in_every_language_without_errors() {
        for (catalogue, tongue) in CATALOGUES.into_iter().flat_map(in_all_tongues) {
            let texts = Texts::of(catalogue, tongue).unwrap();
            for key in keys(catalogue.source(tongue)) {
                for text in [texts.body(key, &ALL), texts.line(key, &ALL)] {
                    let text = text.unwrap_or_else(|_| panic!("{tongue:?} {key}"));
                    assert!(!text.is_empty() && !text.contains(['{', '}']), "{key}: {text}");
                }
            }
        }
    }

    #[test]
    fn a_missing_argument_or_key_is_an_error() {
        let texts = Texts::of(Catalogue::Mail, Tongue::En).unwrap();
        assert_eq!(texts.body("greeting", &[]), Err(NotAText));
        assert_eq!(texts.body("no-such-key", &ALL), Err(NotAText));
        assert!(FluentResource::try_new("key = { $a ->\n".to_owned()).is_err());
    }

    #[test]
    fn only_bodies_have_isolation_marks() {
        let texts = Texts::of(Catalogue::Mail, Tongue::Ar).unwrap();
        assert!(texts.body("greeting", &ALL).unwrap().contains("\u{2068}alice\u{2069}"));
        assert!(!texts.line("greeting", &ALL).unwrap().contains(['\u{2068}', '\u{2069}']));
    }

    #[test]
    fn a_language_is_chosen_by_its_first_part() {
        let of = |tag: &str| Tongue::of(Language::parse(tag).ok().as_ref(), Tongue::Ar);
        assert_eq!(of("de-AT"), Tongue::De);
        assert_eq!(of("EN"), Tongue::En);
        assert_eq!(of("den"), Tongue::Ar);
        assert_eq!(Tongue::of(None, Tongue::De), Tongue::De);
        assert_eq!(Tongue::accepted("fr-FR, ar-EG;q=0.8, de"), Some(Tongue::Ar));
        assert_eq!(Tongue::accepted("*"), None);
    }
}
