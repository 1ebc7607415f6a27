//! The environment variables that a registry client gets.
//!
//! The environment of a server may hold secrets (`FOURAUTH__STORE__URL`, and those of the system
//! that runs it), and a registry client is a large program that may run third-party code. So it
//! gets only the variables for finding programs, its settings and the registry.

use std::{ffi::OsString, fmt};

/// Variables that are passed on: program and settings paths, proxies and trusted certificates.
const PASSED: [&str; 14] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "NODE_EXTRA_CA_CERTS",
    "NPM_CONFIG_CAFILE",
    "NPM_CONFIG_REGISTRY",
    "npm_config_cafile",
    "npm_config_registry",
];

/// The variables that a client gets. A proxy URL may hold a password, so `Debug` shows only names.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ClientEnvironment(Vec<(OsString, OsString)>);

impl ClientEnvironment {
    /// Leaves out the folders of the user that started this program, for one that has become another
    /// user.
    #[must_use]
    pub fn of_another_user(self) -> Self {
        let is_folder = |name: &OsString| name == "HOME" || name == "TMPDIR";
        Self(self.0.into_iter().filter(|(name, _)| !is_folder(name)).collect())
    }

    pub(crate) fn has_home(&self) -> bool {
        self.0.iter().any(|(name, _)| name == "HOME")
    }

    pub(crate) fn variables(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.0.iter().map(|(name, value)| (name, value))
    }
}

/// Keeps only the variables that are passed on.
impl FromIterator<(OsString, OsString)> for ClientEnvironment {
    fn from_iter<I: IntoIterator<Item = (OsString, OsString)>>(environment: I) -> Self {
        let passed = |(name, _): &(OsString, OsString)| PASSED.iter().any(|it| name == it);
        Self(environment.into_iter().filter(passed).collect())
    }
}

impl fmt::Debug for ClientEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_variables_that_a_client_needs_are_passed_on() {
        let all = ["PATH", "HOME", "https_proxy", "FOURAUTH__STORE__URL", "PGPASSWORD", "path"];
        let kept: ClientEnvironment =
            all.iter().map(|name| (OsString::from(name), OsString::from("Tr0ub4dor"))).collect();
        let names: Vec<_> = kept.variables().map(|(name, _)| name.to_str().unwrap()).collect();
        assert_eq!(names, ["PATH", "HOME", "https_proxy"]);
        assert!(!format!("{kept:?}").contains("Tr0ub4dor"));
        assert!(kept.has_home() && !kept.of_another_user().has_home());
    }
}
