//! The texts of one request, in the language of its browser.

use super::Pages;
use crate::{cookies::Cookie, problem::Problem, settings::Brand};
use fourauth_locale::{Texts, Tongue};
use hyper::header::{ACCEPT_LANGUAGE, HeaderMap};

/// The texts of one language.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words<'a> {
    texts: &'a Texts,
    tongue: Tongue,
    brand: &'a Brand,
}

impl<'a> Words<'a> {
    /// The texts in the language that the person has chosen, or else the first one of the browser that
    /// there is, or else English.
    pub(super) fn of(pages: &'a Pages, headers: &HeaderMap) -> Result<Self, Problem> {
        let chosen = Cookie::Language.read(headers).and_then(|tag| Tongue::find(&tag));
        let accepted = || Tongue::accepted(headers.get(ACCEPT_LANGUAGE)?.to_str().ok()?);
        let tongue = chosen.or_else(accepted).unwrap_or_default();
        let texts = pages.texts(tongue).ok_or_else(Problem::incomplete)?;
        Ok(Self { texts, tongue, brand: &pages.brand })
    }

    /// A text without arguments.
    pub(crate) fn say(&self, key: &str) -> String {
        self.made(key, &[])
    }

    /// A text with one argument.
    pub(crate) fn say_with(&self, key: &str, name: &'static str, value: &str) -> String {
        self.made(key, &[(name, value)])
    }

    /// A text that is missing shows its key. A test renders every page in every language.
    fn made(&self, key: &str, arguments: &[(&'static str, &str)]) -> String {
        self.texts.body(key, arguments).unwrap_or_else(|_| {
            tracing::error!(key, tongue = self.tongue.tag(), "a text is missing");
            key.to_owned()
        })
    }

    pub(crate) const fn brand(&self) -> &Brand {
        self.brand
    }

    pub(crate) const fn tag(&self) -> &'static str {
        self.tongue.tag()
    }

    pub(crate) const fn direction(&self) -> &'static str {
        self.tongue.direction().as_str()
    }

    #[expect(clippy::unused_self, reason = "templates have no other way to the languages")]
    pub(crate) const fn all(&self) -> [Tongue; Tongue::ALL.len()] {
        Tongue::ALL
    }

    pub(crate) fn is(&self, tongue: Tongue) -> bool {
        self.tongue == tongue
    }
}
