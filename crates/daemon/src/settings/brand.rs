//! `[web.brand]`: the name, the logo and the colour of the pages for people.

use super::web::Requirement;
use fourauth_protocol::printable::is_unprintable;
use serde::{Deserialize, Serialize};
use std::{
    fmt, io,
    path::{Path, PathBuf},
    str::FromStr,
};

/// Most characters of a name.
const MOST_NAME: usize = 60;

/// Largest logo, in bytes. Every first visit loads it.
const MOST_LOGO: u64 = 32 * 1024;

/// The first bytes of a PNG (ISO/IEC 15948 §5.2).
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Least contrast between text and what is behind it (WCAG 2.2, success criterion 1.4.3).
const LEAST_CONTRAST: f64 = 4.5;

/// What the style sheet has behind links and as the text of buttons, in light and in dark.
pub const BEHIND_LIGHT: [Colour; 2] = [Colour([0xfb, 0xfb, 0xfc]), Colour([0xff, 0xff, 0xff])];
/// As [`BEHIND_LIGHT`], in dark.
pub const BEHIND_DARK: [Colour; 2] = [Colour([0x14, 0x17, 0x1c]), Colour([0x0c, 0x14, 0x20])];

/// How the pages for people show their organisation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BrandConfig {
    /// The name at the top of each page and in its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The file of a logo, shown in place of the name: an SVG or a PNG of at most 32 KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo: Option<PathBuf>,
    /// The colour of links and buttons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accent: Option<Colour>,
    /// That colour on dark pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accent_dark: Option<Colour>,
}

/// A colour: red, green and blue in sRGB, written `#1f4f9c`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Colour([u8; 3]);

/// A text is not a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a colour is written with six hexadecimal digits, such as #1f4f9c")]
pub struct NotAColour;

/// The picture of an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logo {
    /// Its media type.
    pub media_type: &'static str,
    /// Its content.
    pub content: Vec<u8>,
}

impl BrandConfig {
    /// True if nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Everything that must be true, in addition to the types.
    #[must_use]
    pub fn requirements(&self) -> [Requirement; 4] {
        let is_line = |name: &String| {
            let count = name.chars().count();
            (1..=MOST_NAME).contains(&count)
                && !name.chars().any(is_unprintable)
                && name.trim() == name.as_str()
        };
        let stands_out = |colour: Option<Colour>, behind: [Colour; 2]| {
            colour.is_none_or(|it| behind.iter().all(|other| it.contrast(*other) >= LEAST_CONTRAST))
        };
        [
            Requirement {
                key: "web.brand.name",
                reason: "must have 1 to 60 characters, on one line and none of them invisible",
                holds: self.name.as_ref().is_none_or(is_line),
            },
            Requirement {
                key: "web.brand.logo",
                reason: "needs web.brand.name, which screen readers say in its place",
                holds: self.logo.is_none() || self.name.is_some(),
            },
            Requirement {
                key: "web.brand.accent",
                reason: "must be darker: people could not read it on a light page (contrast 4.5)",
                holds: stands_out(self.accent, BEHIND_LIGHT),
            },
            Requirement {
                key: "web.brand.accent_dark",
                reason: "must be lighter: people could not read it on a dark page (contrast 4.5)",
                holds: stands_out(self.accent_dark, BEHIND_DARK),
            },
        ]
    }

    /// The logo, if there is one.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is larger than 32 KiB or is neither SVG nor PNG.
    pub fn read_logo(&self) -> io::Result<Option<Logo>> {
        self.logo.as_deref().map(Logo::read).transpose()
    }
}

impl Logo {
    fn read(path: &Path) -> io::Result<Self> {
        let content = fourauth_text_file::read_bounded(path, MOST_LOGO)?;
        let start = String::from_utf8_lossy(fourauth_text_file::unmarked_bytes(&content));
        let start = start.trim_start();
        let media_type = if content.starts_with(PNG) {
            "image/png"
        } else if start.starts_with("<svg") || start.starts_with("<?xml") {
            "image/svg+xml"
        } else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is neither SVG nor PNG"));
        };
        Ok(Self { media_type, content })
    }
}

impl Colour {
    /// The contrast ratio of two colours, from 1 to 21 (WCAG 2.2, "contrast ratio").
    #[must_use]
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// The relative luminance, from 0 to 1 (WCAG 2.2).
    fn luminance(self) -> f64 {
        let linear = |byte: u8| {
            let value = f64::from(byte) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        let [red, green, blue] = self.0.map(linear);
        0.2126f64.mul_add(red, 0.7152f64.mul_add(green, 0.0722 * blue))
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl FromStr for Colour {
    type Err = NotAColour;

    fn from_str(text: &str) -> Result<Self, NotAColour> {
        let digits = text.strip_prefix('#').ok_or(NotAColour)?;
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NotAColour);
        }
        let number = u32::from_str_radix(digits, 16).map_err(|_| NotAColour)?;
        let [_, red, green, blue] = number.to_be_bytes();
        Ok(Self([red, green, blue]))
    }
}

impl TryFrom<String> for Colour {
    type Error = NotAColour;

    fn try_from(text: String) -> Result<Self, NotAColour> {
        text.parse()
    }
}

impl From<Colour> for String {
    fn from(colour: Colour) -> Self {
        colour.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn colour(text: &str) -> Colour {
        text.parse().unwrap()
    }

    #[test]
    fn a_colour_has_six_digits() {
        assert_eq!(colour("#1F4f9c").to_string(), "#1f4f9c");
        for wrong in ["", "#", "1f4f9c", "#1f4f9", "#1f4f9c0", "#1f4f9g", "#+1f4f9", "red"] {
            assert_eq!(wrong.parse::<Colour>(), Err(NotAColour), "{wrong}");
        }
    }

    #[test]
    fn contrast_is_that_of_the_guidelines() {
        let (black, white) = (colour("#000000"), colour("#ffffff"));
        assert!((black.contrast(white) - 21.0).abs() < 1e-9);
        assert!((white.contrast(white) - 1.0).abs() < 1e-9);
        // The grey that is known for just reaching 4.5 on white.
        assert!((colour("#767676").contrast(white) - 4.54).abs() < 0.01);
    }

    #[test]
    fn a_colour_that_cannot_be_read_is_refused() {
        let broken = |brand: BrandConfig| {
            let requirements = brand.requirements().into_iter();
            requirements.filter(|it| !it.holds).map(|it| it.key).collect::<Vec<_>>()
        };
        let of = |accent, accent_dark| BrandConfig {
            accent: Some(colour(accent)),
            accent_dark: Some(colour(accent_dark)),
            ..BrandConfig::default()
        };
        assert!(broken(of("#1f4f9c", "#9cc0ff")).is_empty());
        let both = ["web.brand.accent", "web.brand.accent_dark"];
        assert_eq!(broken(of("#9cc0ff", "#1f4f9c")), both);
        let nameless = BrandConfig { logo: Some("x".into()), ..BrandConfig::default() };
        assert_eq!(broken(nameless), ["web.brand.logo"]);
        let invisible = "a\u{200b}b".to_owned();
        for name in [String::new(), "a\nb".to_owned(), "a".repeat(61), invisible, " ".to_owned()] {
            let named = BrandConfig { name: Some(name), ..BrandConfig::default() };
            assert_eq!(broken(named), ["web.brand.name"]);
        }
    }

    #[test]
    fn a_logo_is_known_by_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logo");
        let read = |content: &[u8]| {
            fs::write(&path, content).unwrap();
            Logo::read(&path).map(|logo| logo.media_type).ok()
        };
        assert_eq!(read(b"\x89PNG\r\n\x1a\nrest"), Some("image/png"));
        assert_eq!(read(b"\xef\xbb\xbf <svg xmlns='x'/>"), Some("image/svg+xml"));
        assert_eq!(read(b"<?xml version='1.0'?><svg/>"), Some("image/svg+xml"));
        let too_large = b" ".repeat(32 * 1024 + 1);
        for wrong in [&b"<html>"[..], b"", b"GIF89a", &too_large] {
            assert_eq!(read(wrong), None);
        }
        assert!(Logo::read(folder.path()).is_err());
    }
}
