//! `[web.forward_auth]`: which requests to other services a proxy may pass, and what they need.

mod host;
mod path;

pub use host::{Domain, HostPattern, NotADomain, NotAHost};
pub use path::{NotAPath, PathPrefix, is_plain};

use super::{Network, Origin};
use fourauth_protocol::{group::Group, level::Level};
use serde::{Deserialize, Serialize};

/// The services of one domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForwardAuthConfig {
    /// The domain that all services share with `web.origin`, such as `example.org`. Its cookie is sent
    /// to all of them.
    pub domain: Domain,
    /// The rules. The first one that is about a request decides; without one it is refused.
    #[serde(rename = "rule")]
    pub rules: Vec<ForwardAuthRule>,
}

/// One rule. A list that is absent stands for everything of its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForwardAuthRule {
    /// The hosts that it is about: `wiki.example.org`, or `*.example.org` for all below it, with the port
    /// unless it is the usual one.
    pub hosts: Vec<HostPattern>,
    /// The paths that it is about, each with all below it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<PathPrefix>,
    /// The methods that it is about, such as `GET`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// The networks of the visitors that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<Network>,
    /// The kind of visitor that may pass.
    #[serde(default)]
    pub access: Access,
    /// The level that a session must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// The account must be in one of these groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Group>,
}

/// The kind of visitor that may pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Everybody, without a session.
    Public,
    /// People with a session.
    #[default]
    SignedIn,
    /// No request.
    Refused,
}

impl ForwardAuthConfig {
    /// True if the portal, where people sign in, can set a cookie for the domain.
    pub(super) fn includes(&self, origin: Option<&Origin>) -> bool {
        origin.is_some_and(|origin| self.domain.contains(origin.host()))
    }

    /// True if every host is in the domain: elsewhere no browser sends its cookie.
    pub(super) fn includes_every_host(&self) -> bool {
        let mut hosts = self.rules.iter().flat_map(|rule| &rule.hosts);
        hosts.all(|host| self.domain.contains(host.name()))
    }

    /// True if there are rules, each of them about a host, and each with methods that exist.
    pub(super) fn has_usable_rules(&self) -> bool {
        let is_method = |method: &String| {
            !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase())
        };
        let is_usable =
            |rule: &ForwardAuthRule| !rule.hosts.is_empty() && rule.methods.iter().all(is_method);
        !self.rules.is_empty() && self.rules.iter().all(is_usable)
    }

    /// True if no rule asks something of people that it lets pass without a session, or refuses.
    pub(super) fn is_consistent(&self) -> bool {
        let asks_nothing = |rule: &ForwardAuthRule| rule.level.is_none() && rule.groups.is_empty();
        self.rules.iter().all(|rule| rule.access == Access::SignedIn || asks_nothing(rule))
    }
}
