//! What the rules of the settings demand for a request to another service.

use super::original::Original;
use fourauth_daemon::settings::{Access, ForwardAuthRule};
use fourauth_protocol::{group::Group, level::Level};
use std::{cell::LazyCell, net::IpAddr};

/// What a request must have.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Demand<'a> {
    /// Nothing: anybody may pass.
    Nothing,
    /// A session of at least this level, of an account in one of these groups; no group stands for any.
    Session { level: Option<Level>, groups: &'a [Group] },
    /// It is refused for everybody, for this reason.
    Refusal(&'static str),
}

/// The demand of the first rule that is about the request.
pub(super) fn demand<'a>(
    rules: &'a [ForwardAuthRule],
    original: &Original,
    peer: IpAddr,
) -> Demand<'a> {
    let path = LazyCell::new(|| original.path());
    for rule in rules.iter().filter(|rule| is_about(rule, original, peer)) {
        if !rule.paths.is_empty() {
            // The service may take the path for one of the rule, or for none.
            let Some(path) = &*path else {
                return Demand::Refusal("The path of this page is ambiguous.");
            };
            if !rule.paths.iter().any(|prefix| prefix.matches(path)) {
                continue;
            }
        }
        return match rule.access {
            Access::Public => Demand::Nothing,
            Access::SignedIn => Demand::Session { level: rule.level, groups: &rule.groups },
            Access::Refused => Demand::Refusal("This page is not open to you."),
        };
    }
    Demand::Refusal("This page is not open to you.")
}

/// True if the rule is about the host, method and network of a request.
fn is_about(rule: &ForwardAuthRule, original: &Original, peer: IpAddr) -> bool {
    let (origin, method) = (original.origin(), original.method());
    rule.hosts.iter().any(|host| host.matches(origin.host(), origin.port()))
        && (rule.methods.is_empty() || rule.methods.iter().any(|it| it == method))
        && (rule.networks.is_empty() || rule.networks.iter().any(|it| it.contains(peer)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::{HeaderMap, HeaderName, HeaderValue};
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct File {
        rule: Vec<ForwardAuthRule>,
    }

    const RULES: &str = "
        [[rule]]
        hosts = ['wiki.example.org']
        paths = ['/public']
        methods = ['GET']
        access = 'public'
        [[rule]]
        hosts = ['wiki.example.org']
        paths = ['/admin']
        groups = ['ops']
        level = 3
        [[rule]]
        hosts = ['*.example.org']
        networks = ['10.0.0.0/8']
        access = 'public'
        [[rule]]
        hosts = ['wiki.example.org']
        [[rule]]
        hosts = ['old.example.org']
        access = 'refused'
    ";

    fn of(method: &str, host: &str, uri: &str, peer: &str) -> String {
        let rules = toml::from_str::<File>(RULES).unwrap().rule;
        let mut headers = HeaderMap::new();
        for (name, value) in [("method", method), ("proto", "https"), ("host", host), ("uri", uri)]
        {
            let name = HeaderName::from_bytes(format!("x-forwarded-{name}").as_bytes()).unwrap();
            headers.insert(name, HeaderValue::from_str(value).unwrap());
        }
        let original = Original::read(&headers).unwrap();
        match demand(&rules, &original, peer.parse().unwrap()) {
            Demand::Nothing => "nothing".into(),
            Demand::Session { level, groups } => {
                format!("level {:?}, {} groups", level.map(Level::number), groups.len())
            }
            Demand::Refusal(reason) => reason.into(),
        }
    }

    #[test]
    fn the_first_rule_about_a_request_decides() {
        const HOME: &str = "198.51.100.7";
        const OFFICE: &str = "10.1.2.3";
        const PERSON: &str = "level None, 0 groups";
        const CLOSED: &str = "This page is not open to you.";
        for (method, host, uri, peer, demand) in [
            ("GET", "wiki.example.org", "/public/a?b", HOME, "nothing"),
            ("HEAD", "wiki.example.org", "/public", HOME, "nothing"),
            ("POST", "wiki.example.org", "/public", HOME, PERSON),
            ("GET", "wiki.example.org", "/publication", HOME, PERSON),
            ("GET", "wiki.example.org", "/admin/x", OFFICE, "level Some(3), 1 groups"),
            ("GET", "wiki.example.org", "/%61dmin", HOME, "level Some(3), 1 groups"),
            ("GET", "wiki.example.org", "/", OFFICE, "nothing"),
            ("GET", "wiki.example.org", "/", HOME, PERSON),
            ("GET", "wiki.example.org:8443", "/", HOME, CLOSED),
            ("GET", "old.example.org", "/", HOME, CLOSED),
            ("GET", "old.example.org", "/", OFFICE, "nothing"),
            ("GET", "unknown.example.org", "/", HOME, CLOSED),
            ("GET", "evil.example", "/", OFFICE, CLOSED),
        ] {
            assert_eq!(of(method, host, uri, peer), demand, "{method} {host}{uri} {peer}");
        }
    }

    #[test]
    fn an_ambiguous_path_never_gets_round_a_rule() {
        for uri in ["/x/../admin", "//admin", "/public/..;/admin", "/public%2f..%2fadmin", "/a%5cb"]
        {
            let demand = of("GET", "wiki.example.org", uri, "10.1.2.3");
            assert_eq!(demand, "The path of this page is ambiguous.", "{uri}");
        }
        // Where no rule is about paths, any path will do.
        assert_eq!(of("GET", "mail.example.org", "//a", "10.1.2.3"), "nothing");
    }
}
