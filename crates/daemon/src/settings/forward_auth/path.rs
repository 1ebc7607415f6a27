//! Paths of services in rules.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A path and all below it, compared segment by segment: `/admin` is about `/admin`, `/admin/` and
/// `/admin/users`, and not about `/administrators`. It is written decoded, and compared with regard to
/// case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct PathPrefix(String);

/// The text is not a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a path begins with /, is written decoded, and has no empty segment, none that ends in a dot or a \
     space, and none of % ; \\ ? # *; it is about all below it"
)]
pub struct NotAPath;

impl PathPrefix {
    /// True if it is about this decoded path.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        path.strip_prefix(&self.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// True if every service reads a decoded path in the same way. Some take `//`, `..`, `;`, a second
/// encoding, an encoded `?` or `#`, or a dot or space at the end of a segment for something else than what
/// is written.
#[must_use]
pub fn is_plain(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else { return false };
    let segments = rest.split('/');
    let last = segments.clone().count() - 1;
    let is_segment = |(index, segment): (usize, &str)| {
        let is_empty = segment.is_empty() && index != last;
        let is_odd = |c: char| c.is_control() || matches!(c, '%' | ';' | '\\' | '?' | '#');
        // A dot alone and two dots end in one too.
        !is_empty && !segment.ends_with(['.', ' ']) && !segment.contains(is_odd)
    };
    segments.enumerate().all(is_segment)
}

impl FromStr for PathPrefix {
    type Err = NotAPath;

    fn from_str(text: &str) -> Result<Self, NotAPath> {
        // A path is about all below it. A star would look like that and be a letter.
        if !is_plain(text) || text.contains('*') {
            return Err(NotAPath);
        }
        Ok(Self(text.strip_suffix('/').unwrap_or(text).to_owned()))
    }
}

impl fmt::Display for PathPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "/" } else { &self.0 })
    }
}

impl TryFrom<String> for PathPrefix {
    type Error = NotAPath;

    fn try_from(text: String) -> Result<Self, NotAPath> {
        text.parse()
    }
}

impl From<PathPrefix> for String {
    fn from(path: PathPrefix) -> Self {
        path.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_at_a_segment() {
        let about = |prefix: &str, path: &str| prefix.parse::<PathPrefix>().unwrap().matches(path);
        for prefix in ["/admin", "/admin/"] {
            for path in ["/admin", "/admin/", "/admin/users"] {
                assert!(about(prefix, path), "{prefix} {path}");
            }
            for path in ["/", "/administrators", "/Admin", "/x/admin"] {
                assert!(!about(prefix, path), "{prefix} {path}");
            }
        }
        assert!(about("/", "/") && about("/", "/anything"));
        assert_eq!("/".parse::<PathPrefix>().unwrap().to_string(), "/");
    }

    #[test]
    fn a_path_that_services_read_differently_is_not_plain() {
        for path in ["/", "/a", "/a/", "/a/b.c", "/a/..b", "/größe", "/a b"] {
            assert!(is_plain(path), "{path}");
        }
        for path in [
            "", "a", "//", "//a", "/a//b", "/.", "/a/..", "/a/./b", "/a;x", "/a%2e", "/a\\b",
            "/a\n",
        ] {
            assert!(!is_plain(path), "{path}");
            assert_eq!(path.parse::<PathPrefix>(), Err(NotAPath), "{path}");
        }
        assert_eq!("/admin/*".parse::<PathPrefix>(), Err(NotAPath));
    }
}
