//! A browser as far as signing in needs one: cookies with their scopes, redirects, and pages that lead
//! on by `<meta http-equiv="refresh">`.

use super::encoded;
use reqwest::{
    Certificate, Client, Method, StatusCode, Url,
    header::{HeaderMap, SET_COOKIE},
    redirect,
};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The address of the visitor.
const VISITOR: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9)));

/// Most steps from an address to its page.
const STEPS: usize = 12;

/// A browser with an empty jar of cookies.
#[derive(Clone)]
pub(super) struct Browser {
    client: Client,
    jar: Vec<Cookie>,
}

#[derive(Debug, Clone)]
struct Cookie {
    name: String,
    value: String,
    /// A host alone, or a domain with all hosts below it.
    host: String,
    is_for_domain: bool,
    is_strict: bool,
}

/// A page that was shown.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) status: StatusCode,
    pub(super) url: Url,
    pub(super) text: String,
}

/// The origin that a navigation begins at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    /// An address that a person typed.
    Person,
    /// A link on another site: cookies that are strict stay behind.
    OtherSite,
}

impl Browser {
    /// A browser that finds every host at `proxy`, and trusts this certificate only.
    pub(super) fn new(hosts: &[&str], proxy: SocketAddr, certificate: &str) -> Self {
        let certificate = Certificate::from_pem(certificate.as_bytes()).unwrap();
        let client = Client::builder().tls_certs_only([certificate]).no_proxy();
        // HTTP/2 has no header Host that could differ from the address.
        let client = client.http1_only();
        // Another address than that of the proxy: a proxy that names itself names no visitor.
        let client = client.redirect(redirect::Policy::none()).local_address(VISITOR);
        let client = hosts.iter().fold(client, |it, host| it.resolve(host, proxy));
        Self { client: client.build().unwrap(), jar: Vec::new() }
    }

    /// Goes to an address, and on to where it leads.
    pub(super) async fn go(&mut self, url: &str, from: From) -> Page {
        self.follow(Method::GET, url.parse().unwrap(), None, from).await
    }

    /// Sends a form of the page at `url`.
    pub(super) async fn submit(&mut self, url: &str, fields: &[(&str, &str)]) -> Page {
        let pairs = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
        let form = pairs.collect::<Vec<_>>().join("&");
        self.follow(Method::POST, url.parse().unwrap(), Some(form), From::Person).await
    }

    /// One request with more headers, which is not followed.
    pub(super) async fn send(&mut self, method: Method, url: &str, more: &[(&str, &str)]) -> Page {
        let url: Url = url.parse().unwrap();
        let mut request = self.client.request(method, url.clone());
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        let request = request.header("cookie", self.cookies(&url, From::Person));
        let response = request.send().await.unwrap();
        Page { status: response.status(), url, text: response.text().await.unwrap() }
    }

    /// Adds a cookie of a host.
    pub(super) fn keep(&mut self, host: &str, name: &str, value: &str) {
        let (name, value, host) = (name.to_owned(), value.to_owned(), host.to_owned());
        self.jar.push(Cookie { name, value, host, is_for_domain: false, is_strict: false });
    }

    /// Adds a cookie of a host that is sent before the others.
    pub(super) fn keep_first(&mut self, host: &str, name: &str, value: &str) {
        self.keep(host, name, value);
        self.jar.rotate_right(1);
    }

    /// Forgets a cookie, as after its time.
    pub(super) fn forget(&mut self, name: &str) {
        let before = self.jar.len();
        self.jar.retain(|cookie| cookie.name != name);
        assert!(self.jar.len() < before, "there is no cookie {name}");
    }

    async fn follow(
        &mut self,
        mut method: Method,
        mut url: Url,
        mut form: Option<String>,
        mut from: From,
    ) -> Page {
        for _ in 0..STEPS {
            let mut request = self.client.request(method.clone(), url.clone());
            request = request.header("accept", "text/html,*/*;q=0.8");
            let cookies = self.cookies(&url, from);
            if !cookies.is_empty() {
                request = request.header("cookie", cookies);
            }
            if let Some(form) = form.take() {
                request = request.header("content-type", "application/x-www-form-urlencoded");
                request = request.body(form);
            }
            let response = request.send().await.unwrap();
            self.take(&url, response.headers());
            let status = response.status();
            let location = response.headers().get("location").cloned();
            let text = response.text().await.unwrap();
            method = Method::GET;
            if let Some(location) = location.filter(|_| status.is_redirection()) {
                // A redirect belongs to the navigation that it is part of.
                url = url.join(location.to_str().unwrap()).unwrap();
            } else if let Some(next) = refresh(&text) {
                url = url.join(&next).unwrap();
                from = From::Person;
            } else {
                return Page { status, url, text };
            }
        }
        panic!("it leads on and on: {url}");
    }

    /// The cookies that a request carries.
    fn cookies(&self, url: &Url, from: From) -> String {
        let host = url.host_str().unwrap();
        let is_sent = |cookie: &&Cookie| {
            let is_in = host == cookie.host
                || cookie.is_for_domain && host.ends_with(&format!(".{}", cookie.host));
            is_in && (from == From::Person || !cookie.is_strict)
        };
        let sent = self.jar.iter().filter(is_sent);
        let pairs: Vec<_> = sent.map(|it| format!("{}={}", it.name, it.value)).collect();
        pairs.join("; ")
    }

    /// Keeps the cookies of an answer, or refuses them as browsers do.
    fn take(&mut self, url: &Url, headers: &HeaderMap) {
        let host = url.host_str().unwrap();
        for set in headers.get_all(SET_COOKIE) {
            let mut parts = set.to_str().unwrap().split("; ");
            let (name, value) = parts.next().unwrap().split_once('=').unwrap();
            let attributes: Vec<_> = parts.collect();
            let attribute = |name: &str| {
                attributes.iter().find_map(|it| it.strip_prefix(name)?.strip_prefix('='))
            };
            let domain = attribute("Domain");
            assert!(attributes.contains(&"Secure") && url.scheme() == "https", "{set:?}");
            assert!(!name.starts_with("__Host-") || domain.is_none(), "{set:?}");
            let is_ours = domain.is_none_or(|it| host == it || host.ends_with(&format!(".{it}")));
            assert!(is_ours, "{host} set {set:?}");
            self.jar.retain(|cookie| cookie.name != name);
            if attribute("Max-Age") != Some("0") {
                self.jar.push(Cookie {
                    name: name.to_owned(),
                    value: value.to_owned(),
                    host: domain.unwrap_or(host).to_owned(),
                    is_for_domain: domain.is_some(),
                    is_strict: attribute("SameSite") == Some("Strict"),
                });
            }
        }
    }
}

/// Where a page leads by itself.
fn refresh(html: &str) -> Option<String> {
    let (_, rest) = html.split_once("<meta http-equiv=\"refresh\" content=\"0; url=")?;
    Some(rest.split_once('"')?.0.replace("&#38;", "&"))
}
