//! G-37: a gateway for HTTP stays within its memory and answers visitors, whatever other peers send.
//!
//! There are several claims, each with a control of its own: the same attack on a server that uses
//! the same library without limits, or reads requests leniently.

mod bare;
mod bodies;
mod bomb;
mod heads;
mod honest;
mod idle;
mod lenient;
mod resets;
mod slots;
mod slow;
mod smuggled;
mod target;

pub(crate) use bare::{PROGRAM as BARE, run as run_bare};
pub(crate) use lenient::{PROGRAM as LENIENT, run as run_lenient};

use crate::{
    report::Figures,
    setup::{Defence, Setup},
};

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let mut claims = Vec::new();
    for claim in ["slow", "slots", "heads", "bodies", "idle", "resets", "smuggled"] {
        setup.say(claim);
        let figures = match claim {
            "slow" => slow::figures(setup, defence).await?,
            "slots" => slots::figures(setup, defence).await?,
            "heads" => heads::figures(setup, defence).await?,
            "bodies" => bodies::figures(setup, defence).await?,
            "idle" => idle::figures(setup, defence).await?,
            "resets" => resets::figures(setup, defence).await?,
            _ => smuggled::figures(setup, defence).await?,
        };
        claims.push((claim, figures));
    }
    Ok(Figures::of_claims(claims, defence))
}
