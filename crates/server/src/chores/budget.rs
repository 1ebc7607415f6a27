//! How many rows the time may have: a source that flaps must not fill the audit log.

use std::time::Duration;
use tokio::time::Instant;

/// Rows of one hour. What is beyond is counted, and the count is a row of the next.
const ROWS: u32 = 20;

const HOUR: Duration = Duration::from_hours(1);

/// What is left of this hour's rows.
#[derive(Debug)]
pub(super) struct Budget {
    began: Instant,
    left: u32,
    missed: u64,
}

impl Budget {
    pub(super) const fn new(now: Instant) -> Self {
        Self { began: now, left: ROWS, missed: 0 }
    }

    /// Whether there is room for one more row. If not, it is counted as missed.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        self.turn(now);
        let fits = self.left > 0;
        self.left = self.left.saturating_sub(1);
        self.missed += u64::from(!fits);
        fits
    }

    /// Counts rows that were lost on the way.
    pub(super) const fn miss(&mut self, rows: u64) {
        self.missed = self.missed.saturating_add(rows);
    }

    /// How many were missed, once there is room to say so.
    pub(super) fn settle(&mut self, now: Instant) -> Option<u64> {
        self.turn(now);
        let due = self.missed > 0 && self.left > 0;
        due.then(|| {
            self.left -= 1;
            std::mem::take(&mut self.missed)
        })
    }

    fn turn(&mut self, now: Instant) {
        if now.duration_since(self.began) >= HOUR {
            (self.began, self.left) = (now, ROWS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_flaps_gets_so_many_rows_an_hour_and_a_row_about_the_rest() {
        let start = Instant::now();
        let mut budget = Budget::new(start);
        let mut rows = 0;
        for second in 0..7200 {
            let now = start + Duration::from_secs(second);
            rows += u32::from(budget.take(now)) + u32::from(budget.settle(now).is_some());
        }
        assert_eq!(rows, 2 * ROWS);
        assert_eq!(budget.settle(start + 3 * HOUR), Some(3600 - u64::from(ROWS - 1)));
        assert_eq!(budget.settle(start + 3 * HOUR), None);
    }

    #[test]
    fn a_quiet_source_is_written_down_whole() {
        let start = Instant::now();
        let mut budget = Budget::new(start);
        assert!((0..ROWS).all(|_| budget.take(start)));
        assert_eq!(budget.settle(start + HOUR), None);
        assert!(budget.take(start + HOUR));
    }
}
