//! The shape of a route that answers by itself, for the description of the API: what its body and its
//! answer have. The route reads its body itself; this is not a check.

/// What the description says of a route.
#[derive(Debug)]
#[cfg_attr(not(test), expect(dead_code, reason = "the description is made by a test"))]
pub(crate) struct Shape {
    /// The group of the route.
    pub(crate) tag: &'static str,
    /// What it does.
    pub(crate) summary: &'static str,
    /// The bodies that it takes. Any of them will do; without one the body is ignored.
    pub(crate) bodies: &'static [&'static [Member]],
    /// The members of the answer.
    pub(crate) granted: &'static [Member],
    /// True if it takes the token of a session, which may be absent.
    pub(crate) takes_token: bool,
}

/// A member of a body or an answer.
#[derive(Debug)]
#[cfg_attr(not(test), expect(dead_code, reason = "the description is made by a test"))]
pub(crate) struct Member {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// An optional member of a body may be null.
    pub(crate) is_required: bool,
    /// What it is.
    pub(crate) about: &'static str,
}

/// The kind of a member.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(test), expect(dead_code, reason = "the description is made by a test"))]
pub(crate) enum Kind {
    Text,
    /// A text with the syntax of any of these schemas of the protocol.
    Syntax(&'static [&'static str]),
    /// A list of values of this schema of the protocol.
    List(&'static str),
    /// Null, or not there. It tells two bodies apart.
    Absent,
}

impl Member {
    /// A text that is always there.
    pub(crate) const fn text(name: &'static str, about: &'static str) -> Self {
        Self { name, kind: Kind::Text, is_required: true, about }
    }

    /// A text that may be absent.
    pub(crate) const fn optional(name: &'static str, about: &'static str) -> Self {
        Self { is_required: false, ..Self::text(name, about) }
    }

    /// The same member, of this kind.
    pub(crate) const fn of_kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }
}
