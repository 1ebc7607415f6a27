//! The distances at which comparisons are counted, so that the memory of the counts does not grow with
//! the number of comparisons.

/// Distances between 0 and 2 are a thousandth apart.
const STEPS: u16 = 2000;

/// The distances at which comparisons are counted, in ascending order: every thousandth from 0 to 2,
/// and the threshold of the pack.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Levels(Vec<f32>);

impl Levels {
    pub(crate) fn with(threshold: f32) -> Levels {
        let mut levels: Vec<f32> = (0..=STEPS).map(|step| f32::from(step) / 1000.0).collect();
        let place = levels.partition_point(|level| *level < threshold);
        if levels.get(place).is_none_or(|level| *level > threshold) {
            levels.insert(place, threshold);
        }
        Levels(levels)
    }

    /// The place of the least level that accepts a score; the number of levels if none does.
    pub(crate) fn place(&self, score: f32) -> u16 {
        // In this order a NaN is above every level.
        let place = self.0.partition_point(|level| level.total_cmp(&score).is_lt());
        u16::try_from(place).unwrap_or(u16::MAX)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn distance(&self, place: usize) -> f32 {
        self.0[place]
    }

    /// True for a level that lies on a thousandth, and not only on the threshold of the pack.
    pub(crate) fn is_even(&self, place: usize) -> bool {
        let scaled = f64::from(self.0[place]) * 1000.0;
        (scaled - scaled.round()).abs() < 1e-3
    }
}

/// Adds the counts of each level.
pub(crate) fn add_all<T: Copy + std::ops::AddAssign>(sums: &mut [T], more: &[T]) {
    sums.iter_mut().zip(more).for_each(|(sum, value)| *sum += *value);
}

/// Replaces the value of each level by the sum of all up to it.
pub(crate) fn accumulate<T: Copy + std::ops::AddAssign>(values: &mut [T]) {
    for place in 1..values.len() {
        let before = values[place - 1];
        values[place] += before;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_of_the_pack_is_a_level_of_its_own() {
        let threshold = 0.2785;
        let levels = Levels::with(threshold);
        let place = levels.place(threshold);
        assert_eq!(levels.place(threshold + 1e-6), place + 1);
        assert!(!levels.is_even(usize::from(place)) && levels.is_even(usize::from(place) + 1));
        assert_eq!(levels.len(), 2002);
        assert_eq!(Levels::with(0.278).len(), 2001);
        assert_eq!(usize::from(levels.place(f32::NAN)), levels.len());
        assert_eq!(usize::from(levels.place(f32::INFINITY)), levels.len());
    }
}
