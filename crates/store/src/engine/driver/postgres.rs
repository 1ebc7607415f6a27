//! Connection options for PostgreSQL, and the check that the connection is protected.
//!
//! sqlx parses the URL and takes missing values from the environment variables of libpq (`PGHOST`,
//! `PGSSLMODE` and so on). The check reads the result, so no spelling of the URL bypasses it.

use crate::{engine::location::Location, error::OpenError};
use fourauth_protocol::secret::Secret;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::{net::IpAddr, path::Path};

/// Parameters that sqlx knows. It would log any other parameter with its value.
const PARAMETERS: [&str; 18] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "ssl-mode",
    "ssl-root-cert",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "user",
];

impl Location {
    /// Checks that the connection is protected from attackers on the network: a file, a connection
    /// within this machine, or TLS with a verified host. Does not connect.
    ///
    /// # Errors
    ///
    /// [`OpenError::NotAUrl`] or [`OpenError::Unprotected`].
    pub fn check(&self) -> Result<(), OpenError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(url) => options(url).map(|_| ()),
        }
    }
}

/// Options from the URL and the environment variables of libpq.
pub(super) fn options(url: &Secret<String>) -> Result<PgConnectOptions, OpenError> {
    if !parameters(url.expose()).all(|name| PARAMETERS.contains(&name)) {
        return Err(OpenError::NotAUrl);
    }
    let options: PgConnectOptions = url.expose().parse().map_err(|_| OpenError::NotAUrl)?;
    let is_here = is_here(options.get_socket().map(AsRef::as_ref), options.get_host());
    if is_protected(is_here, options.get_ssl_mode()) {
        Ok(options)
    } else {
        Err(OpenError::Unprotected)
    }
}

/// Names of the parameters as written. A percent-encoded name counts as unknown.
fn parameters(url: &str) -> impl Iterator<Item = &str> {
    let whole = url.split('#').next().unwrap_or_default();
    let query = whole.split_once('?').map_or("", |(_, query)| query);
    let written = query.split('&').filter(|parameter| !parameter.is_empty());
    written.map(|parameter| parameter.split('=').next().unwrap_or_default())
}

/// True if a connection stays within this machine. A list of hosts does not count.
fn is_here(socket: Option<&Path>, host: &str) -> bool {
    // sqlx removes the brackets of an IPv6 address before it connects.
    let bare = host.trim_matches(['[', ']']);
    socket.is_some()
        || host.starts_with('/')
        || host == "localhost"
        || bare.parse().is_ok_and(|address: IpAddr| address.to_canonical().is_loopback())
}

/// True if no attacker on the network can read or answer. `verify-ca` accepts any certificate of
/// the authority, `require` accepts any certificate, and `prefer` and `allow` work without one.
const fn is_protected(is_here: bool, mode: PgSslMode) -> bool {
    match mode {
        PgSslMode::VerifyFull => true,
        PgSslMode::VerifyCa
        | PgSslMode::Require
        | PgSslMode::Prefer
        | PgSslMode::Allow
        | PgSslMode::Disable => is_here,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

    fn check(url: &str) -> Result<(), OpenError> {
        Location::parse(url).unwrap().check()
    }

    #[test]
    fn another_host_needs_verified_tls() {
        for host in ["db.example.org", "192.0.2.7", "[2001:db8::1]", "127.0.0.1.example.org"] {
            assert_eq!(check(&format!("postgres://{host}/d")), Err(OpenError::Unprotected));
            for mode in MODES {
                for name in ["sslmode", "ssl-mode"] {
                    let accepted = check(&format!("postgres://u@{host}/d?{name}={mode}")).is_ok();
                    assert_eq!(accepted, mode == "verify-full", "{host} {name}={mode}");
                }
            }
        }
    }

    #[test]
    fn every_way_to_name_another_host_is_checked() {
        for url in [
            "postgres:///d?host=db.example.org",
            "postgres:///d?hostaddr=192.0.2.7",
            "postgres://localhost/d?host=db.example.org",
            "postgres://localhost/d?hostaddr=192.0.2.7",
            "postgres:///d?host=localhost,db.example.org",
            "postgres://localhost,db.example.org/d",
            "postgres://localhost.example.org/d",
            "postgres://LOCALHOST./d",
            "postgres://0.0.0.0/d",
            "postgres://db.example.org/d?sslmode=verify-full&sslmode=require",
            "postgres://db.example.org/d?sslmode=verify-full&ssl-mode=disable",
        ] {
            assert_eq!(check(url), Err(OpenError::Unprotected), "{url}");
        }
    }

    #[test]
    fn every_tls_mode_is_accepted_within_this_machine() {
        for place in [
            "localhost/d?",
            "127.0.0.1/d?",
            "127.9.9.9/d?",
            "[::1]/d?",
            "[::ffff:127.0.0.1]/d?",
            "/d?host=/var/run/postgresql&",
            "%2Fvar%2Frun%2Fpostgresql/d?",
            "db.example.org/d?host=/var/run/postgresql&",
        ] {
            for mode in MODES {
                assert_eq!(check(&format!("postgres://{place}sslmode={mode}")), Ok(()), "{place}");
            }
        }
    }

    #[test]
    fn a_root_certificate_can_be_named() {
        for name in ["sslrootcert", "ssl-root-cert", "ssl-ca"] {
            let url = format!("postgres://h/d?sslmode=verify-full&{name}=/etc/fourauth/ca.pem");
            assert_eq!(check(&url), Ok(()), "{name}");
        }
    }

    #[test]
    fn an_unknown_parameter_is_refused_and_not_logged() {
        for parameter in ["pasword=Tr0ub4dor", "PASSWORD=x", "s%73lmode=verify-full", "sslmode=on"]
        {
            let url = format!("postgres://localhost/d?{parameter}");
            let refused = check(&url).unwrap_err();
            assert_eq!(refused, OpenError::NotAUrl, "{parameter}");
            assert!(!refused.to_string().contains("Tr0ub4dor"));
        }
    }
}
