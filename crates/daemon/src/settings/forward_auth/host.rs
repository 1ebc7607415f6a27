//! The hosts of services, and the domain that they share.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A domain, in lower case, with two labels at least: browsers set no cookie for a top-level domain.
///
/// A public suffix such as `co.uk` has two labels as well. Browsers refuse its cookies, so signing in
/// fails there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Domain(String);

/// A host, or all hosts below one, with a port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct HostPattern {
    includes_below: bool,
    name: String,
    /// `None` for the usual one.
    port: Option<u16>,
}

/// The text is not a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a domain is written as example.org, in lower case, with at least two labels")]
pub struct NotADomain;

/// The text is not a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a host is written as wiki.example.org or *.example.org, in lower case, or with :PORT")]
pub struct NotAHost;

impl Domain {
    /// The domain as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True for the domain itself and for every host below it.
    #[must_use]
    pub fn contains(&self, host: &str) -> bool {
        host == self.0 || is_below(host, &self.0)
    }
}

impl HostPattern {
    /// The name without its star and port.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// True if it is about this host and port. `port` is `None` for the usual one.
    #[must_use]
    pub fn matches(&self, host: &str, port: Option<u16>) -> bool {
        let is_named =
            if self.includes_below { is_below(host, &self.name) } else { host == self.name };
        is_named && port == self.port
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

/// True if each label has letters, digits and hyphens only (RFC 1123 §2.1), in lower case.
fn is_host_name(text: &str) -> bool {
    let is_plain = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(is_plain);
    // An address ends in a number, and has no domain.
    let is_name =
        !text.rsplit('.').next().unwrap_or_default().starts_with(|c: char| c.is_ascii_digit());
    is_name && text.len() <= 253 && text.split('.').all(is_label)
}

impl FromStr for Domain {
    type Err = NotADomain;

    fn from_str(text: &str) -> Result<Self, NotADomain> {
        let is_domain = is_host_name(text) && text.contains('.');
        if is_domain { Ok(Self(text.to_owned())) } else { Err(NotADomain) }
    }
}

impl FromStr for HostPattern {
    type Err = NotAHost;

    fn from_str(text: &str) -> Result<Self, NotAHost> {
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => (host, Some(port.parse().map_err(|_| NotAHost)?)),
            None => (text, None),
        };
        let (includes_below, name) = match host.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, host),
        };
        let is_usual = port == Some(443);
        if !is_host_name(name) || port == Some(0) {
            return Err(NotAHost);
        }
        Ok(Self { includes_below, name: name.to_owned(), port: port.filter(|_| !is_usual) })
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.includes_below { "*." } else { "" };
        write!(f, "{star}{}", self.name)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl TryFrom<String> for Domain {
    type Error = NotADomain;

    fn try_from(text: String) -> Result<Self, NotADomain> {
        text.parse()
    }
}

impl From<Domain> for String {
    fn from(domain: Domain) -> Self {
        domain.0
    }
}

impl TryFrom<String> for HostPattern {
    type Error = NotAHost;

    fn try_from(text: String) -> Result<Self, NotAHost> {
        text.parse()
    }
}

impl From<HostPattern> for String {
    fn from(host: HostPattern) -> Self {
        host.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_contains_itself_and_what_is_below() {
        let domain: Domain = "example.org".parse().unwrap();
        for host in ["example.org", "wiki.example.org", "a.b.example.org"] {
            assert!(domain.contains(host), "{host}");
        }
        for host in ["example.com", "badexample.org", ".example.org", "org", "example.org.evil"] {
            assert!(!domain.contains(host), "{host}");
        }
        for text in
            ["", "org", "Example.org", "example..org", ".example.org", "192.0.2.1", "a_b.org"]
        {
            assert_eq!(text.parse::<Domain>(), Err(NotADomain), "{text}");
        }
    }

    #[test]
    fn a_pattern_is_about_a_host_or_all_below_it() {
        let pattern = |text: &str| text.parse::<HostPattern>().unwrap();
        for (text, host, port, is_about) in [
            ("wiki.example.org", "wiki.example.org", None, true),
            ("wiki.example.org:443", "wiki.example.org", None, true),
            ("wiki.example.org", "wiki.example.org", Some(8443), false),
            ("wiki.example.org:8443", "wiki.example.org", Some(8443), true),
            ("wiki.example.org:8443", "wiki.example.org", None, false),
            ("wiki.example.org", "a.wiki.example.org", None, false),
            ("*.example.org", "wiki.example.org", None, true),
            ("*.example.org", "a.wiki.example.org", None, true),
            ("*.example.org", "example.org", None, false),
            ("*.example.org", "badexample.org", None, false),
            ("*.example.org", ".example.org", None, false),
        ] {
            assert_eq!(pattern(text).matches(host, port), is_about, "{text} {host} {port:?}");
        }
        assert_eq!(pattern("*.example.org:8443").to_string(), "*.example.org:8443");
    }

    #[test]
    fn what_is_not_a_host_is_refused() {
        for text in [
            "",
            "*",
            "*.",
            "Wiki.example.org",
            "a.*.org",
            "https://a.org",
            "a.org/",
            "a.org:0",
            "a.org:x",
        ] {
            assert_eq!(text.parse::<HostPattern>(), Err(NotAHost), "{text}");
        }
    }
}
