//! Where a person goes after signing in: a page of a service that a rule names, and nothing else.

use crate::console;
use fourauth_daemon::settings::{ForwardAuthConfig, Origin};
use std::fmt;

/// Longest address, in bytes. It becomes part of other addresses, which browsers cut after some more.
const LONGEST: usize = 4096;

/// The address of a page of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target(String);

impl Target {
    /// Accepts an address. `None` if it has another form, or if no rule names its host: this origin
    /// must not send people elsewhere.
    pub(super) fn of(url: String, config: &ForwardAuthConfig) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, page) = rest.split_at(end);
        let origin: Origin = format!("{scheme}://{authority}").parse().ok()?;
        let mut hosts = config.rules.iter().flat_map(|rule| &rule.hosts);
        let is_named = hosts.any(|host| host.matches(origin.host(), origin.port()));
        // Browsers read `\` as `/`, and leave out control characters.
        let is_plain = page.bytes().all(|byte| matches!(byte, b'!'..=b'~') && byte != b'\\');
        let is_page = page.starts_with('/') && is_plain && url.len() <= LONGEST;
        (is_named && is_page).then_some(Self(url))
    }

    /// The console of this origin, which needs no rule.
    pub(crate) fn console() -> Self {
        Self(console::START.to_owned())
    }

    /// The path within this origin, if it is a page of it.
    pub(super) fn own(&self) -> Option<&str> {
        Some(&*self.0).filter(|url| url.starts_with('/'))
    }

    /// The address, which a header can have.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The address as a value in a query: everything but unreserved characters is encoded (RFC 3986 §2.3).
    pub(crate) fn encoded(&self) -> Encoded<'_> {
        Encoded(&self.0)
    }
}

/// A text as a value in a query.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Encoded<'a>(&'a str);

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.bytes().try_for_each(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                write!(f, "{}", char::from(byte))
            }
            byte => write!(f, "%{byte:02X}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::percent::decoded_text;

    fn target(url: &str) -> Option<Target> {
        let config =
            "domain = 'example.org'\n[[rule]]\nhosts = ['wiki.example.org', '*.apps.example.org']";
        Target::of(url.to_owned(), &toml::from_str(config).unwrap())
    }

    #[test]
    fn only_pages_of_named_hosts_are_targets() {
        for url in ["https://wiki.example.org/", "https://a.apps.example.org/x?y=1&z#w"] {
            let target = target(url).unwrap();
            assert_eq!(target.as_str(), url);
            assert_eq!(decoded_text(&target.encoded().to_string()).as_deref(), Some(url));
        }
        for url in [
            "",
            "/",
            "//wiki.example.org/",
            "https://wiki.example.org",
            "https://wiki.example.org:8443/",
            "http://wiki.example.org/",
            "https://mail.example.org/",
            "https://evil.example/",
            "https://evil.example/wiki.example.org/",
            "https://wiki.example.org.evil.example/",
            "https://wiki.example.org@evil.example/",
            "https://wiki.example.org\\@evil.example/",
            "https://wiki.example.org/\\evil",
            "https://wiki.example.org/\r\nSet-Cookie: x",
            "https://WIKI.example.org/",
            "javascript://wiki.example.org/%0aalert(1)",
            &format!("https://wiki.example.org/{}", "x".repeat(LONGEST)),
        ] {
            assert_eq!(target(url), None, "{url}");
        }
    }
}
