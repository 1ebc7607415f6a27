//! The rules of a login: how several pictures are combined, how near they must be, and which faces
//! count as live.

use crate::{Face, compare::Pictures};
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

    /// The false match rate that the pack states for these numbers, to three digits: a float of four
    /// bytes would add digits of its own.
    pub(crate) fn stated_rate(&self, Pictures { enrolled, shown }: Pictures) -> f64 {
        let point = self.thresholds.point_for(enrolled.into(), shown.into());
        let stated = point.map_or(0.0, |point| point.false_match_rate);
        format!("{stated:.2e}").parse().unwrap_or_default()
    }

    /// False if the server would refuse the face as that of a print or a screen.
    pub(crate) fn counts_as_live(&self, face: &Face) -> bool {
        match (self.live, face.live) {
            (Some(threshold), Some(score)) => score > threshold,
            _ => true,
        }
    }
}
