//! `[web]`

use super::{BrandConfig, ForwardAuthConfig, Network, Origin};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashSet,
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
};

/// HTTP, off by default: without listeners nothing of it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebConfig {
    /// Where browsers find this server, such as `https://auth.example.org`. It never comes from a
    /// header of a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Proxies. Their `X-Forwarded-For` is believed, and their other headers are ignored.
    pub proxies: Vec<Network>,
    /// Connections in total, in addition to `limits.connections`.
    pub connections: usize,
    /// Connections of one source, which is an IPv4 address or an IPv6 network of 64 bits. A browser
    /// opens one with HTTP/2, and six without. Those of proxies are counted only in total.
    pub connections_per_source: usize,
    /// True if the console may be served on other addresses than those of this machine.
    pub console_everywhere: bool,
    /// The name, the logo and the colour of the pages for people.
    #[serde(skip_serializing_if = "BrandConfig::is_empty")]
    pub brand: BrandConfig,
    /// Other services. Their proxies ask this server whether a request may pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forward_auth: Option<ForwardAuthConfig>,
    /// The listeners.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub listener: Vec<WebListener>,
}

/// One listener for HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebListener {
    /// The address that it listens on.
    pub bind: SocketAddr,
    /// True for HTTPS with the certificate of the server. Plain HTTP is for loopback, where a proxy
    /// on this machine is the only peer.
    #[serde(default = "yes")]
    pub tls: bool,
    /// What is served there.
    pub resources: Vec<WebResource>,
}

/// A group of routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WebResource {
    /// The API of this project.
    Api,
    /// The routes of older HTTP systems.
    Compat,
    /// Where the proxies of other services ask whether a request may pass, and where people sign in.
    ForwardAuth,
    /// Where people sign in and see their own account.
    Portal,
    /// Where administrators see and change accounts, and read the audit log.
    Console,
    /// Whether the server runs and can work.
    Health,
    /// Numbers for monitoring.
    Metrics,
}

const fn yes() -> bool {
    true
}

impl Default for WebConfig {
    fn default() -> Self {
        Self {
            origin: None,
            brand: BrandConfig::default(),
            forward_auth: None,
            proxies: Vec::new(),
            connections: 1024,
            connections_per_source: 64,
            console_everywhere: false,
            listener: Vec::new(),
        }
    }
}

impl WebListener {
    /// True if it has routes that send commands of visitors.
    fn sends_commands(&self) -> bool {
        let sends = |resource: &WebResource| match resource {
            WebResource::Api
            | WebResource::Compat
            | WebResource::ForwardAuth
            | WebResource::Portal
            | WebResource::Console => true,
            WebResource::Health | WebResource::Metrics => false,
        };
        self.resources.iter().any(sends)
    }
}

/// What must be true of these settings, in addition to their types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requirement {
    /// The setting.
    pub key: &'static str,
    /// What it must be. It never quotes the value.
    pub reason: &'static str,
    /// True if it is so.
    pub holds: bool,
}

impl WebConfig {
    /// The range of [`connections`](Self::connections).
    pub const CONNECTIONS: RangeInclusive<i64> = 16..=1_000_000;

    /// The range of [`connections_per_source`](Self::connections_per_source).
    pub const CONNECTIONS_PER_SOURCE: RangeInclusive<i64> = 1..=1_000_000;

    /// Everything that must be true.
    #[must_use]
    pub fn requirements(&self) -> [Requirement; 19] {
        let within = |number, range: &RangeInclusive<i64>| {
            i64::try_from(number).is_ok_and(|number| range.contains(&number))
        };
        let [name, logo, accent, accent_dark] = self.brand.requirements();
        [
            name,
            logo,
            accent,
            accent_dark,
            Requirement {
                key: "web.connections",
                reason: "must be 16 to 1000000",
                holds: within(self.connections, &Self::CONNECTIONS),
            },
            Requirement {
                key: "web.connections_per_source",
                reason: "must be 1 to 1000000",
                holds: within(self.connections_per_source, &Self::CONNECTIONS_PER_SOURCE),
            },
            Requirement {
                key: "web.listener",
                reason: "must have tls = true unless it listens on loopback: passwords and tokens \
                         would cross the network in clear text",
                holds: self.is_protected(),
            },
            Requirement {
                key: "web.listener",
                reason: "must not have the address of another listener",
                holds: self.has_distinct_listeners(),
            },
            Requirement {
                key: "web.listener",
                reason: "must name at least one of its resources, and none twice",
                holds: self.serves_something(),
            },
            Requirement {
                key: "web.forward_auth",
                reason: "must be set, because a listener has the resource forward-auth",
                holds: self.forward_auth.is_some() || !self.serves(WebResource::ForwardAuth),
            },
            Requirement {
                key: "web.proxies",
                reason: "must list the proxies that ask forward-auth: only they are believed about \
                         requests to other services",
                holds: !self.proxies.is_empty() || !self.serves(WebResource::ForwardAuth),
            },
            Requirement {
                key: "web.origin",
                reason: "must be set, because a listener has the resource portal",
                holds: self.origin.is_some() || !self.serves(WebResource::Portal),
            },
            Requirement {
                key: "web.origin",
                reason: "must be set, because a listener has the resource console",
                holds: self.origin.is_some() || !self.serves(WebResource::Console),
            },
            Requirement {
                key: "web.console_everywhere",
                reason: "must be true if a listener with the resource console does not listen on \
                         loopback: the network that reaches it should have administrators only",
                holds: self.console_everywhere || self.has_guarded_console(),
            },
            Requirement {
                key: "web.listener",
                reason: "must not have the resources portal and compat at one address: both answer /",
                holds: self.has_one_start(),
            },
            Requirement {
                key: "web.origin",
                reason: "must be set to an origin in web.forward_auth.domain: people sign in there",
                holds: self.holds(|it| it.includes(self.origin.as_ref())),
            },
            Requirement {
                key: "web.forward_auth.rule",
                reason: "must have rules, each with hosts, and with methods in capitals",
                holds: self.holds(ForwardAuthConfig::has_usable_rules),
            },
            Requirement {
                key: "web.forward_auth.rule",
                reason: "must name only hosts in web.forward_auth.domain",
                holds: self.holds(ForwardAuthConfig::includes_every_host),
            },
            Requirement {
                key: "web.forward_auth.rule",
                reason: "must not ask for level or groups where access is not signed-in",
                holds: self.holds(ForwardAuthConfig::is_consistent),
            },
        ]
    }

    /// True if there is no `[web.forward_auth]`, or if this holds for it.
    fn holds(&self, requirement: impl FnOnce(&ForwardAuthConfig) -> bool) -> bool {
        self.forward_auth.as_ref().is_none_or(requirement)
    }

    /// True if a listener has this resource.
    #[must_use]
    pub fn serves(&self, resource: WebResource) -> bool {
        self.listener.iter().any(|listener| listener.resources.contains(&resource))
    }

    /// A warning about visitors that the server cannot tell apart, if there is reason for one.
    #[must_use]
    pub fn warning(&self) -> Option<&'static str> {
        let is_behind_a_proxy = self.listener.iter().any(|it| !it.tls && it.sends_commands());
        let is_listed = |it: &Network| Network::LOOPBACK.iter().any(|here| here.overlaps(it));
        let warns = is_behind_a_proxy && !self.proxies.iter().any(is_listed);
        warns.then_some(
            "web.listener serves commands without TLS, and web.proxies lists no address of this \
             machine: all visitors of a proxy on it are one source, which penalties exempt",
        )
    }

    /// True if plain HTTP is confined to this machine.
    fn is_protected(&self) -> bool {
        self.listener.iter().all(|it| it.tls || is_loopback(it.bind.ip()))
    }

    /// True if the console is confined to this machine.
    fn has_guarded_console(&self) -> bool {
        let has_console = |it: &&WebListener| it.resources.contains(&WebResource::Console);
        self.listener.iter().filter(has_console).all(|it| is_loopback(it.bind.ip()))
    }

    /// True if no two listeners have the same address. Port 0 is a new port each time.
    fn has_distinct_listeners(&self) -> bool {
        let mut seen = HashSet::new();
        self.listener.iter().all(|it| it.bind.port() == 0 || seen.insert(it.bind))
    }

    /// True if no listener has two pages for `/`.
    fn has_one_start(&self) -> bool {
        let has = |it: &WebListener, resource| it.resources.contains(&resource);
        let has_two = |it| has(it, WebResource::Portal) && has(it, WebResource::Compat);
        !self.listener.iter().any(has_two)
    }

    /// True if every listener serves something, and nothing twice.
    fn serves_something(&self) -> bool {
        let is_useful = |listener: &WebListener| {
            let distinct: HashSet<_> = listener.resources.iter().collect();
            !distinct.is_empty() && distinct.len() == listener.resources.len()
        };
        self.listener.iter().all(is_useful)
    }
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct File {
        web: WebConfig,
    }

    fn checked(text: &str) -> Result<(), String> {
        let File { web } = toml::from_str(text).map_err(|error| error.to_string())?;
        let broken = web.requirements().into_iter().find(|requirement| !requirement.holds);
        broken.map_or(Ok(()), |it| Err(format!("{}: {}", it.key, it.reason)))
    }

    fn listener(bind: &str, tls: bool, resources: &str) -> String {
        format!("[[web.listener]]\nbind = '{bind}'\ntls = {tls}\nresources = {resources}\n")
    }

    #[test]
    fn tls_is_the_default_and_plain_http_is_for_loopback() {
        let bare = "[[web.listener]]\nbind = '0.0.0.0:443'\nresources = ['api']\n";
        assert_eq!(checked(bare), Ok(()));
        for bind in ["127.0.0.1:8080", "127.9.9.9:8080", "[::1]:8080", "[::ffff:127.0.0.1]:80"] {
            assert_eq!(checked(&listener(bind, false, "['health']")), Ok(()), "{bind}");
        }
        for bind in ["0.0.0.0:80", "[::]:80", "192.168.0.1:80", "10.0.0.1:9090"] {
            let refused = checked(&listener(bind, false, "['metrics']")).unwrap_err();
            assert!(refused.starts_with("web.listener: must have tls = true"), "{refused}");
        }
    }

    #[test]
    fn a_listener_that_cannot_work_is_refused() {
        let api = listener("127.0.0.1:8080", true, "['api', 'compat', 'health', 'metrics']");
        assert_eq!(checked(&api), Ok(()));
        for web in [
            format!("{api}{api}"),
            listener("127.0.0.1:8080", true, "[]"),
            listener("127.0.0.1:8080", true, "['api', 'api']"),
            listener("127.0.0.1:8080", true, "['files']"),
            listener("localhost:8080", true, "['api']"),
            format!("{api}path = '/'\n"),
            "[web]\norigin = 'http://auth.example.org'\n".to_owned(),
            "[web]\nconnections = 1\n".to_owned(),
        ] {
            assert!(checked(&web).is_err(), "{web}");
        }
        let two = listener("127.0.0.1:0", true, "['api']");
        assert_eq!(checked(&format!("{two}{two}")), Ok(()), "two new ports");
    }

    #[test]
    fn the_console_is_for_loopback_unless_told_otherwise() {
        let of = |origin: &str, everywhere: &str, bind: &str| {
            let listener = listener(bind, true, "['console']");
            checked(&format!("[web]\n{origin}\n{everywhere}\n{listener}"))
        };
        let origin = "origin = 'https://auth.example.org'";
        assert_eq!(of(origin, "", "127.0.0.1:9444"), Ok(()));
        assert_eq!(of(origin, "console_everywhere = true", "10.0.0.1:9444"), Ok(()));
        let open = of(origin, "", "10.0.0.1:9444").unwrap_err();
        assert!(open.starts_with("web.console_everywhere: "), "{open}");
        assert!(of("", "", "127.0.0.1:9444").unwrap_err().starts_with("web.origin: "));
    }

    const WIKI: &str = "[[web.forward_auth.rule]]\nhosts = ['wiki.example.org']\n";

    fn forward_auth(origin: &str, rules: &str) -> String {
        let listener = listener("127.0.0.1:8080", false, "['forward-auth']");
        format!(
            "[web]\norigin = '{origin}'\nproxies = ['127.0.0.1']\n[web.forward_auth]\n\
             domain = 'example.org'\n{rules}{listener}"
        )
    }

    #[test]
    fn a_domain_and_its_services_fit_together() {
        let whole = forward_auth("https://auth.example.org", WIKI);
        assert_eq!(checked(&whole), Ok(()));
        for (change, to, key) in [
            ("proxies = ['127.0.0.1']", "", "web.proxies"),
            ("origin = 'https://auth.example.org'", "", "web.origin"),
            ("auth.example.org", "auth.example.com", "web.origin"),
            ("hosts = ['wiki.example.org']", "hosts = []", "web.forward_auth.rule"),
            ("wiki.example.org", "wiki.example.com", "web.forward_auth.rule"),
            (
                "wiki.example.org']",
                "wiki.example.org']\nmethods = ['get']",
                "web.forward_auth.rule",
            ),
            (
                "wiki.example.org']",
                "wiki.example.org']\naccess = 'public'\nlevel = 2",
                "web.forward_auth.rule",
            ),
        ] {
            let refused = checked(&whole.replace(change, to)).unwrap_err();
            assert!(refused.starts_with(&format!("{key}: ")), "{change}: {refused}");
        }
        let unset = listener("127.0.0.1:8080", true, "['forward-auth']");
        assert!(checked(&unset).unwrap_err().starts_with("web.forward_auth: must be set"));
    }

    #[test]
    fn a_rule_with_a_value_that_means_nothing_is_refused() {
        for (setting, is_valid) in [
            ("level = 4", true),
            ("level = 5", false),
            ("groups = ['staff']", true),
            ("groups = ['Staff']", false),
            ("paths = ['/a']", true),
            ("paths = ['a']", false),
            ("networks = ['10.0.0.0/8']", true),
            ("access = 'signed-in'", true),
            ("access = 'everybody'", false),
            ("path = '/a'", false),
        ] {
            let web = forward_auth("https://auth.example.org", &format!("{WIKI}{setting}\n"));
            assert_eq!(checked(&web).is_ok(), is_valid, "{setting}");
        }
    }
}
