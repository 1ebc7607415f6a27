//! The headers by which a service knows its visitor.
//!
//! Every answer that lets a request pass has all of them, empty if need be: a proxy that finds one missing
//! may pass on what the visitor has sent.

use crate::response::{self, Response};
use fourauth_protocol::{answer::AnswerBody, contact::Email, group::Group};
use hyper::{
    StatusCode,
    header::{HeaderName, HeaderValue},
};

const USER: HeaderName = HeaderName::from_static("remote-user");
const GROUPS: HeaderName = HeaderName::from_static("remote-groups");
const NAME: HeaderName = HeaderName::from_static("remote-name");
const EMAIL: HeaderName = HeaderName::from_static("remote-email");

/// A person, or an unknown visitor, as the headers of an answer name them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Identity {
    groups: Vec<Group>,
    user: HeaderValue,
    listed_groups: HeaderValue,
    email: HeaderValue,
}

impl Identity {
    /// A visitor without a session.
    pub(super) fn unknown() -> Self {
        Self::new("", Vec::new(), "")
    }

    /// The person that an answer to 130 names. `None` if it names none.
    pub(super) fn of(body: AnswerBody) -> Option<Self> {
        let email = body.email.as_ref().map_or("", Email::as_str);
        Some(Self::new(body.username?.as_str(), body.groups, email))
    }

    fn new(user: &str, groups: Vec<Group>, email: &str) -> Self {
        let listed = groups.iter().map(Group::as_str).collect::<Vec<_>>().join(",");
        // Names are UTF-8, and have no control characters.
        let value = |text: &str| {
            HeaderValue::from_bytes(text.as_bytes())
                .unwrap_or_else(|_| HeaderValue::from_static(""))
        };
        Self { groups, user: value(user), listed_groups: value(&listed), email: value(email) }
    }

    /// True if the person is in one of these groups, or if the list is empty.
    pub(super) fn has_one_of(&self, groups: &[Group]) -> bool {
        groups.is_empty() || self.groups.iter().any(|group| groups.contains(group))
    }

    /// The answer that lets a request pass.
    pub(super) fn response(&self) -> Response {
        let Self { user, listed_groups, email, .. } = self;
        let mut response = response::whole(StatusCode::OK, "text/plain; charset=utf-8", "");
        for (header, value) in [(USER, user), (NAME, user), (GROUPS, listed_groups), (EMAIL, email)]
        {
            response.headers_mut().insert(header, value.clone());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_protocol::username::Username;

    #[test]
    fn every_answer_has_every_header() {
        let mut body = AnswerBody::default();
        body.username = Username::parse("José").ok();
        body.groups = ["ops", "staff"].map(|name| Group::parse(name).unwrap()).into();
        let shown = |identity: Identity| {
            let response = identity.response();
            ["remote-user", "remote-name", "remote-groups", "remote-email"]
                .map(|name| String::from_utf8(response.headers()[name].as_bytes().into()).unwrap())
        };
        assert_eq!(shown(Identity::of(body).unwrap()), ["José", "José", "ops,staff", ""]);
        assert_eq!(shown(Identity::unknown()), ["", "", "", ""]);
    }

    #[test]
    fn one_of_the_groups_is_enough() {
        let groups = |names: &[&str]| -> Vec<Group> {
            names.iter().map(|name| Group::parse(name).unwrap()).collect()
        };
        let identity = Identity::new("alice", groups(&["staff"]), "");
        for (demanded, is_enough) in [(&[][..], true), (&["ops", "staff"], true), (&["ops"], false)]
        {
            assert_eq!(identity.has_one_of(&groups(demanded)), is_enough, "{demanded:?}");
        }
        assert!(!Identity::unknown().has_one_of(&groups(&["staff"])));
    }
}
