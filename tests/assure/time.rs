//! G-19: no false report of a server or clock lets the server decide with a time that is far off.
//!
//! The timekeeper defines the table of situations; this run simulates it and compares the results
//! with their limits.

use crate::{
    report::Figures,
    setup::{Defence, Setup},
};
use anyhow::ensure;
use fourauth_timekeeper::simulation::assurance;

pub(crate) fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let found = assurance();
    let mut figures = Figures::default();
    match defence {
        Defence::On => {
            for fault in &found.faults {
                setup.say(fault);
            }
            figures.note("rows", found.rows);
            figures.note("runs", found.runs);
            figures.note("conceded_rows", found.conceded_rows);
            figures.exactly("false_accepts", found.false_accepts, 0);
            figures.exactly("unexpected_states", found.unexpected_states, 0);
        }
        // Clocks without the defence. Every lie of the table must deceive them, or it shows
        // nothing.
        Defence::Off => {
            let deceived = found
                .lying_rows_that_deceive_the_first_answer
                .min(found.lying_rows_that_deceive_the_mean);
            ensure!(deceived == found.lying_rows, "a lie deceives neither naive clock: {found:?}");
            figures.note("lying_rows", found.lying_rows);
            figures.exactly("false_accepts_of_the_mean", found.naive_mean_false_accepts, 0);
            let first = found.naive_first_false_accepts;
            figures.exactly("false_accepts_of_the_first_answer", first, 0);
        }
    }
    Ok(figures)
}
