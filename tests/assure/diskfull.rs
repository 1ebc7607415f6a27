//! G-04: nothing is acknowledged that is not on the disk, even if the disk is full or broken.
//!
//! One part fills the file system of a real server while people use it. The other gives a store a
//! disk that fails in every way, and then fails the power.

mod failing;
mod filled;

use crate::{
    report::Figures,
    setup::{Defence, Setup},
};

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let mut figures = Figures::default();
    failing::figures(setup, defence, &mut figures).await?;
    // Mounting a file system needs root, and the run takes some seconds.
    if defence == Defence::On && !setup.is_short {
        filled::figures(setup, &mut figures).await?;
    }
    Ok(figures)
}
