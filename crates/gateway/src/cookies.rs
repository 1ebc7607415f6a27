//! The cookies of a browser: the session, the grant between two steps, and the language.
//!
//! The prefix `__Host-` makes a browser refuse one that another host or an insecure page sets (RFC
//! 6265bis §4.1.3.2). No script can read them, and no other site's request carries them.

use crate::response::{Response, value};
use fourauth_daemon::settings::Domain;
use hyper::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};

/// What a cookie is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// The base token of a session.
    Session,
    /// The grant for `/verify-mfa` or `/enable-mfa`.
    Mfa,
    /// The grant for `/reset-password`.
    Reset,
    /// The grant for changes in the console.
    Proof,
    /// The check token that the services of a domain see.
    Visit,
    /// The language that a person has chosen.
    Language,
}

/// A request has a cookie twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Doubled;

impl Cookie {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Session => "__Host-fourauth",
            Self::Mfa => "__Host-mfa",
            Self::Reset => "__Host-reset",
            Self::Proof => "__Host-proof",
            Self::Visit => "__Secure-fourauth-fa",
            Self::Language => "__Host-language",
        }
    }

    /// How long a browser keeps it, in seconds: a day for a session, which the server ends earlier, the
    /// life of a grant, and a year for a choice.
    const fn seconds(self) -> u32 {
        match self {
            Self::Session => 86_400,
            Self::Mfa => 900,
            Self::Reset | Self::Visit => 600,
            Self::Proof => 300,
            Self::Language => 31_536_000,
        }
    }

    /// Its text, unless the request has it twice: another site may have planted the other one.
    pub(crate) fn read(self, headers: &HeaderMap) -> Option<String> {
        self.find(headers).ok().flatten()
    }

    /// As [`read`](Self::read), and tells a cookie that is there twice from an absent one.
    ///
    /// A proxy may have to find it too, so the name is compared without more than the space that RFC 6265
    /// §4.2.1 puts in front of it. Other cookies may have any bytes.
    pub(crate) fn find(self, headers: &HeaderMap) -> Result<Option<String>, Doubled> {
        let mut found = self.all(headers);
        let text = found.next();
        if found.next().is_some() { Err(Doubled) } else { Ok(text) }
    }

    fn all(self, headers: &HeaderMap) -> impl Iterator<Item = String> {
        let pairs = headers.get_all(COOKIE).iter().flat_map(|header| {
            header.as_bytes().split(|byte| *byte == b';').filter_map(|pair| {
                let pair = pair.strip_prefix(b" ").unwrap_or(pair);
                let equals = pair.iter().position(|byte| *byte == b'=')?;
                Some((&pair[..equals], &pair[equals + 1..]))
            })
        });
        let named = pairs.filter(move |(name, _)| *name == self.name().as_bytes());
        named.map(|(_, value)| String::from_utf8_lossy(value).trim_ascii().to_owned())
    }

    /// Sets it.
    pub(crate) fn set(self, response: &mut Response, text: &str) {
        self.add(response, text, self.seconds(), None);
    }

    /// Sets it for another time than usual.
    pub(crate) fn set_for_seconds(self, response: &mut Response, text: &str, seconds: u32) {
        self.add(response, text, seconds, None);
    }

    /// Removes it.
    pub(crate) fn clear(self, response: &mut Response) {
        self.add(response, "", 0, None);
    }

    /// Sets it for all hosts of a domain. A link from another site carries it, and no form does.
    pub(crate) fn set_for(self, response: &mut Response, text: &str, domain: &Domain) {
        self.add(response, text, self.seconds(), Some(domain));
    }

    /// Removes it from all hosts of a domain.
    pub(crate) fn clear_for(self, response: &mut Response, domain: &Domain) {
        self.add(response, "", 0, Some(domain));
    }

    fn add(self, response: &mut Response, text: &str, seconds: u32, domain: Option<&Domain>) {
        let (name, same_site) = (self.name(), if domain.is_some() { "Lax" } else { "Strict" });
        let domain = domain.map(|it| format!("Domain={}; ", it.as_str())).unwrap_or_default();
        let cookie = format!(
            "{name}={text}; {domain}Path=/; Max-Age={seconds}; Secure; HttpOnly; \
             SameSite={same_site}"
        );
        let mut header: HeaderValue = value(&cookie);
        header.set_sensitive(true);
        response.headers_mut().append(SET_COOKIE, header);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        Cookie::Session.read(&headers)
    }

    #[test]
    fn a_cookie_counts_only_if_it_is_there_once() {
        for (lines, expected) in [
            (&["a=b; __Host-fourauth=t; c=d"][..], Some("t")),
            (&["a=b", "__Host-fourauth=t"], Some("t")),
            (&["__Host-fourauth=t; __Host-fourauth=u"], None),
            (&["__Host-fourauth=t", "__Host-fourauth=t"], None),
            (&["fourauth=t; x__Host-fourauth=t"], None),
            (&["a=b;__Host-fourauth=t"], Some("t")),
            (&["a=b; __Host-fourauth =t"], None),
            (&["a=b;  __Host-fourauth=t"], None),
            (&["a=\u{e9}; __Host-fourauth=t"], Some("t")),
            (&[], None),
        ] {
            assert_eq!(read(lines).as_deref(), expected, "{lines:?}");
        }
    }
}
