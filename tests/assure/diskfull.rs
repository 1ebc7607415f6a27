//! G-04: the disk is full, or broken, and nobody is told yes of whom the disk knows nothing.
//!
//! A real server on a real file system that is filled while people come; and a store on a disk that
//! fails in every way a disk fails, whose power then goes.

mod failing;
mod filled;

use crate::{
    report::Figures,
    setup::{Defence, Setup},
};

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let mut figures = Figures::default();
    failing::figures(setup, defence, &mut figures).await?;
    // A file system of a size of its own needs root, and some seconds of everybody's.
    if defence == Defence::On && !setup.is_short {
        filled::figures(setup, &mut figures).await?;
    }
    Ok(figures)
}
