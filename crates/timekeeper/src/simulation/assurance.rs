//! Runs every situation under every profile with many seeds, and counts false times.

use super::{Deceived, Start, table::SITUATIONS};
use crate::settings::Profile;

/// Number of seeds for each row. A seed selects the lying servers and the noise of the others.
const SEEDS: u64 = 64;

/// Results of the table. They are deterministic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assurance {
    /// Number of rows: situations times profiles.
    pub rows: u32,
    /// Number of runs: rows times seeds.
    pub runs: u32,
    /// Runs with a usable time more than 120 s off, although the row excludes it.
    pub false_accepts: u32,
    /// Runs that ended in a state other than the expected one.
    pub unexpected_states: u32,
    /// Rows where `secure` is deceived, as documented. There are no such rows under `strict`.
    pub conceded_rows: u32,
    /// Rows where servers or the system clock lie.
    pub lying_rows: u32,
    /// Control: lying rows that deceived a clock that takes the first answer.
    pub lying_rows_that_deceive_the_first_answer: u32,
    /// Control: lying rows that deceived a clock that takes the mean of the answers.
    pub lying_rows_that_deceive_the_mean: u32,
    /// Rounds where the clock that takes the first answer was more than 120 s off.
    pub naive_first_false_accepts: u32,
    /// Rounds where the clock that takes the mean was more than 120 s off.
    pub naive_mean_false_accepts: u32,
    /// Deviations from the table, as text.
    pub faults: Vec<String>,
}

impl Assurance {
    /// True if the timekeeper was deceived only where the table concedes it, and the control was
    /// deceived by every lie.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.faults.is_empty()
            && self.false_accepts == 0
            && self.unexpected_states == 0
            && self.lying_rows > 0
            && self.lying_rows_that_deceive_the_first_answer == self.lying_rows
            && self.lying_rows_that_deceive_the_mean == self.lying_rows
    }
}

/// Runs the table.
#[must_use]
pub fn assurance() -> Assurance {
    let mut found = Assurance::default();
    for situation in SITUATIONS {
        for (profile, ends) in [Profile::Secure, Profile::Strict].into_iter().zip(situation.ends) {
            let concedes = situation.concedes && profile == Profile::Secure;
            let row = format!("{} ({profile:?})", situation.name);
            let mut all = Deceived::default();
            for seed in 0..SEEDS {
                let world = (situation.play)(Start { profile, seed });
                found.runs += 1;
                if world.state() != ends {
                    found.unexpected_states += 1;
                    found.faults.push(format!("{row}: {}, expected {ends}", world.state()));
                }
                if world.deceived.ours > 0 && !concedes {
                    found.false_accepts += 1;
                    found.faults.push(format!("{row}: a false time was usable"));
                }
                all.add(world.deceived);
            }
            found.count(&row, situation.lies, concedes, all);
        }
    }
    found
}

impl Assurance {
    /// Adds the results of a row over all its seeds.
    fn count(&mut self, row: &str, lies: bool, concedes: bool, all: Deceived) {
        self.rows += 1;
        self.lying_rows += u32::from(lies);
        self.conceded_rows += u32::from(concedes);
        self.naive_first_false_accepts += all.first_answer;
        self.naive_mean_false_accepts += all.mean;
        self.lying_rows_that_deceive_the_first_answer += u32::from(lies && all.first_answer > 0);
        self.lying_rows_that_deceive_the_mean += u32::from(lies && all.mean > 0);
        if concedes && all.ours == 0 {
            self.faults.push(format!("{row}: conceded, but no false time was usable"));
        }
    }
}

impl Deceived {
    const fn add(&mut self, other: Self) {
        self.ours += other.ours;
        self.first_answer += other.first_answer;
        self.mean += other.mean;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lies_that_the_table_concedes_are_accepted() {
        let found = assurance();
        assert_eq!(found.faults, [""; 0]);
        assert_eq!((found.false_accepts, found.unexpected_states), (0, 0));
        assert!(found.rows >= 50 && found.runs == found.rows * 64, "{found:?}");
    }

    #[test]
    fn every_lie_deceives_the_naive_clocks() {
        let found = assurance();
        assert!(found.lying_rows > 20);
        assert_eq!(found.lying_rows_that_deceive_the_first_answer, found.lying_rows);
        assert_eq!(found.lying_rows_that_deceive_the_mean, found.lying_rows);
        assert!(found.holds());
    }
}
