//! A store on a disk that fails for a while. Nothing is acknowledged during the fault, everything
//! works afterwards, and whenever the power fails, everything acknowledged is there.
//!
//! The last is easily lost: Linux marks pages clean that it could not write, so a second sync
//! succeeds and writes nothing. A program that retries and trusts the second sync loses data. That
//! is the control.

use crate::{
    chance::Chance,
    disk::{
        inquest::{DATABASE, folder},
        people,
        platter::Choice,
        recorder::{Event, Fault, Recorder},
        replay::Replay,
        script::{self, Operation, What},
    },
    report::Figures,
    setup::{Defence, Setup},
};
use fourauth_store::{Store, VfsOverride};
use std::{collections::BTreeSet, sync::Arc};

/// Seed of the random numbers.
const SEED: u64 = 4;

/// Images at each boundary with a random subset of the uncertain writes.
const BY_CHANCE: u64 = 3;

pub(super) async fn figures(
    setup: &Setup,
    defence: Defence,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let faults: &[_] = match defence {
        Defence::On => {
            &[("enospc_", Fault::NoRoom), ("eio_", Fault::BadWrites), ("fsync_", Fault::BadSyncs)]
        }
        Defence::Off => &[("retried_fsync_", Fault::RetriedSyncs)],
    };
    for (name, fault) in faults {
        one(setup, name, *fault, figures).await?;
    }
    Ok(())
}

/// Runs a third of the script before the fault, a third during it, and a third after it.
async fn one(
    setup: &Setup,
    name: &'static str,
    fault: Fault,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let count = setup.count(120, 24) as usize;
    let waves = script::waves(count, &mut Chance::of(SEED));
    let (first, rest) = waves.split_at(waves.len() / 3);
    let (second, third) = rest.split_at(rest.len() / 2);
    let (recorder, folder) = (Recorder::new(name)?, folder()?);
    let vfs_override = VfsOverride { vfs: name, waits: true };
    let (path, keyring) = (folder.path().join(DATABASE), Arc::new(people::keyring()));
    let store = Arc::new(Store::open_with_vfs(&path, vfs_override, keyring).await?);

    let (mut undone, mut struck) = ([0; 3], 0);
    let faults = [None, Some(fault), None];
    for ((waves, fault), undone) in [first, second, third].into_iter().zip(faults).zip(&mut undone)
    {
        recorder.set_fault(fault);
        let told = Arc::clone(&recorder);
        *undone = script::run(&store, waves, move |number| told.tell(number)).await?;
        struck = struck.max(recorder.struck());
    }
    store.close().await;

    figures.exactly(&format!("{name}refused_before"), as_count(undone[0]), 0);
    figures.at_least(&format!("{name}faults"), struck.into(), 1.0);
    let meanwhile: usize = second.iter().map(Vec::len).sum();
    let acknowledged = as_count(meanwhile - undone[1]);
    if fault == Fault::RetriedSyncs {
        figures.note(&format!("{name}acknowledged_meanwhile"), acknowledged);
    } else {
        figures.exactly(&format!("{name}acknowledged_meanwhile"), acknowledged, 0);
        let in_vain = as_count(in_vain(second, third));
        figures.exactly(&format!("{name}refused_afterwards"), as_count(undone[2]), in_vain);
    }
    replay(setup, name, waves.concat(), &recorder.events(), figures).await
}

/// Operations of `third` on people with a refused registration in `second`.
fn in_vain(second: &[Vec<Operation>], third: &[Vec<Operation>]) -> usize {
    let registered = second.iter().flatten().filter(|one| one.what == What::Register);
    let missing: BTreeSet<u32> = registered.map(|one| one.person).collect();
    let needs = |what| matches!(what, What::Login | What::NewDevice | What::NewCodes);
    third.iter().flatten().filter(|one| needs(one.what) && missing.contains(&one.person)).count()
}

/// Fails the power at every boundary: with nothing, everything, and random parts of the uncertain
/// writes.
async fn replay(
    setup: &Setup,
    name: &str,
    script: Vec<Operation>,
    events: &[Event],
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let (mut replay, mut chance) = (Replay::new(script), Chance::of(SEED));
    let step = setup.count(1, 7);
    for (event, number) in events.iter().zip(0_u32..) {
        replay.take(event);
        // Every acknowledgement is checked.
        if !number.is_multiple_of(step) && !matches!(event, Event::Told(_)) {
            continue;
        }
        let mut choices = vec![Choice::Nothing, Choice::Everything];
        if !setup.is_short {
            choices.extend((0..BY_CHANCE).map(|_| Choice::Any(chance.next())));
        }
        replay.fail(choices).await?;
    }
    replay.finish().await?;
    setup.say(&format!("{name} {} images", replay.images));
    replay.report(name, figures);
    Ok(())
}

fn as_count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
