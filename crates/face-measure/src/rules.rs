//! The rules of a login: how several pictures are combined, and how near they must be.

use fourauth_face::{Embedding, Likeness, Limits, Thresholds, pack::Pack};

/// The rules of one pack.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    thresholds: Thresholds,
}

impl Rules {
    pub(crate) fn of(pack: &Pack) -> Rules {
        Rules { thresholds: pack.thresholds().clone() }
    }

    #[cfg(test)]
    pub(crate) fn with(thresholds: Thresholds) -> Rules {
        Rules { thresholds }
    }

    /// The pictures as one likeness; `None` if they disagree.
    #[expect(clippy::unused_self, reason = "a pack will say which pictures agree")]
    pub(crate) fn combined(&self, pictures: &[Embedding]) -> Option<Likeness> {
        Likeness::of(pictures).ok()
    }

    /// The limits for a template of `enrolled` and a login with `shown` distinct pictures.
    pub(crate) fn limits(&self, enrolled: usize, shown: usize) -> Limits {
        self.thresholds.limits(enrolled, shown)
    }
}
