//! The rules of a login: how several pictures are combined, how near they must be, and which faces
//! count as live.

use crate::Face;
use fourauth_face::{Embedding, Likeness, LikenessRules, Limits, Thresholds, pack::Pack};

/// The rules of one pack.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    thresholds: Thresholds,
    likeness: LikenessRules,
    /// Scores up to this one are refused; `None` if every face counts as live.
    live: Option<f32>,
}

impl Rules {
    pub(crate) fn of(pack: &Pack, judges_liveness: bool) -> Rules {
        Rules {
            thresholds: pack.thresholds().clone(),
            likeness: *pack.likeness_rules(),
            live: pack.live_threshold().filter(|_| judges_liveness),
        }
    }

    #[cfg(test)]
    pub(crate) fn with(thresholds: Thresholds, live: Option<f32>) -> Rules {
        Rules { thresholds, likeness: LikenessRules::DLIB, live }
    }

    /// The pictures as one likeness; `None` if they disagree.
    pub(crate) fn combined(&self, pictures: &[Embedding]) -> Option<Likeness> {
        Likeness::of(pictures, &self.likeness).ok()
    }

    /// The limits for a template of `enrolled` and a login with `shown` distinct pictures.
    pub(crate) fn limits(&self, enrolled: usize, shown: usize) -> Limits {
        self.thresholds.limits(enrolled, shown, &self.likeness)
    }

    /// False if the server would refuse the face as that of a print or a screen.
    pub(crate) fn counts_as_live(&self, face: &Face) -> bool {
        match (self.live, face.live) {
            (Some(threshold), Some(score)) => score > threshold,
            _ => true,
        }
    }
}
