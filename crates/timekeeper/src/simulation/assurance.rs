//! Plays every situation under every profile and many seeds, and counts who was deceived.

use super::{Deceived, Start, table::SITUATIONS};
use crate::settings::Profile;

/// Seeds that each row is played with: they decide which server lies and what noise the others have.
const SEEDS: u64 = 64;

/// What became of the table. Nothing in it is random: it is the same at each call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assurance {
    /// Situations times profiles.
    pub rows: u32,
    /// How often a row was played.
    pub runs: u32,
    /// Runs in which a time more than 120 s off could decide, though the row says it cannot.
    pub false_accepts: u32,
    /// Runs that ended in another state than the table says.
    pub unexpected_states: u32,
    /// Rows in which `secure` is deceived, as the documents admit. None under `strict`.
    pub conceded_rows: u32,
    /// Rows in which servers or the system clock lie.
    pub lying_rows: u32,
    /// The control: lying rows that deceived a clock which believes the first answer.
    pub lying_rows_that_deceive_the_first_answer: u32,
    /// The control: lying rows that deceived a clock which believes the mean of the answers.
    pub lying_rows_that_deceive_the_mean: u32,
    /// Rounds in which the clock that believes the first answer was more than 120 s off.
    pub naive_first_false_accepts: u32,
    /// Rounds in which the clock that believes the mean was.
    pub naive_mean_false_accepts: u32,
    /// What went against the table, in words.
    pub faults: Vec<String>,
}

impl Assurance {
    /// Whether the timekeeper was deceived where the table allows it and nowhere else, and the
    /// control was by every lie.
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

/// Plays the table.
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
                    found.faults.push(format!("{row}: {} and not {ends}", world.state()));
                }
                if world.deceived.ours > 0 && !concedes {
                    found.false_accepts += 1;
                    found.faults.push(format!("{row}: deceived"));
                }
                all.add(world.deceived);
            }
            found.count(&row, situation.lies, concedes, all);
        }
    }
    found
}

impl Assurance {
    /// Adds what a row has shown over all its seeds.
    fn count(&mut self, row: &str, lies: bool, concedes: bool, all: Deceived) {
        self.rows += 1;
        self.lying_rows += u32::from(lies);
        self.conceded_rows += u32::from(concedes);
        self.naive_first_false_accepts += all.first_answer;
        self.naive_mean_false_accepts += all.mean;
        self.lying_rows_that_deceive_the_first_answer += u32::from(lies && all.first_answer > 0);
        self.lying_rows_that_deceive_the_mean += u32::from(lies && all.mean > 0);
        if concedes && all.ours == 0 {
            self.faults.push(format!("{row}: conceded, and never deceived"));
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
    fn no_lie_is_believed_but_those_that_the_table_concedes() {
        let found = assurance();
        assert_eq!(found.faults, [""; 0]);
        assert_eq!((found.false_accepts, found.unexpected_states), (0, 0));
        assert!(found.rows >= 50 && found.runs == found.rows * 64, "{found:?}");
    }

    #[test]
    fn every_lie_deceives_a_clock_that_believes_what_it_is_told() {
        let found = assurance();
        assert!(found.lying_rows > 20);
        assert_eq!(found.lying_rows_that_deceive_the_first_answer, found.lying_rows);
        assert_eq!(found.lying_rows_that_deceive_the_mean, found.lying_rows);
        assert!(found.holds());
    }
}
