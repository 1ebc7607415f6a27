//! Hourly limit on audit rows about the clock, so that an unstable time source cannot fill the log.

use std::time::Duration;
use tokio::time::Instant;

/// Rows per hour. Events beyond are counted, and the count is one row of a later hour.
const ROWS: u32 = 20;

const HOUR: Duration = Duration::from_hours(1);

/// Rows left in the current hour.
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

    /// Takes one row from the budget. Returns false, and counts the row as missed, if the budget is
    /// used up.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        self.refill_if_due(now);
        let fits = self.left > 0;
        self.left = self.left.saturating_sub(1);
        self.missed += u64::from(!fits);
        fits
    }

    /// Counts events that were lost before they reached the budget.
    pub(super) const fn miss(&mut self, rows: u64) {
        self.missed = self.missed.saturating_add(rows);
    }

    /// Number of missed rows, once the budget has room for the row that reports it.
    pub(super) fn settle(&mut self, now: Instant) -> Option<u64> {
        self.refill_if_due(now);
        let due = self.missed > 0 && self.left > 0;
        due.then(|| {
            self.left -= 1;
            std::mem::take(&mut self.missed)
        })
    }

    fn refill_if_due(&mut self, now: Instant) {
        if now.duration_since(self.began) >= HOUR {
            (self.began, self.left) = (now, ROWS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flapping_source_gets_limited_rows_and_one_for_the_rest() {
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
    fn a_quiet_source_loses_no_row() {
        let start = Instant::now();
        let mut budget = Budget::new(start);
        assert!((0..ROWS).all(|_| budget.take(start)));
        assert_eq!(budget.settle(start + HOUR), None);
        assert!(budget.take(start + HOUR));
    }
}
