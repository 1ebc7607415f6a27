//! Processor time of examinations.

use crate::{Examination, Outcome};
use serde::Serialize;
use std::time::Duration;

/// Processor time of a picture, in milliseconds, and how many were examined.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Times {
    /// Pictures that this run has examined.
    pub examined: usize,
    /// Pictures that an earlier run has examined.
    pub known: usize,
    /// Half of the pictures take no longer.
    pub median_ms: f64,
    /// 95 of 100 pictures take no longer.
    pub most_ms: f64,
    /// The longest.
    pub longest_ms: f64,
}

impl Times {
    pub(crate) fn of<'a>(examinations: impl Iterator<Item = &'a Examination>) -> Times {
        let (mut all, mut known) = (Vec::new(), 0);
        for file in examinations.flat_map(|examination| &examination.files) {
            if let Outcome::Picture { spent, is_known, .. } = &file.outcome {
                all.push(*spent);
                known += usize::from(*is_known);
            }
        }
        all.sort_unstable();
        let at = |percent: usize| {
            let place = (all.len() * percent).div_ceil(100).saturating_sub(1);
            all.get(place).map_or(0.0, |spent: &Duration| spent.as_secs_f64() * 1000.0)
        };
        Times {
            examined: all.len() - known,
            known,
            median_ms: at(50),
            most_ms: at(95),
            longest_ms: at(100),
        }
    }
}
