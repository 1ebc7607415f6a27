//! G-03: the power fails at any instant between two disk operations of SQLite, and any part of the
//! unsynced writes may be on the disk.

use crate::{
    chance::Chance,
    disk::{
        inquest::{DATABASE, folder},
        people,
        platter::Choice,
        recorder::{Event, Recorder},
        replay::Replay,
        script::{self, Operation},
    },
    report::Figures,
    setup::{Defence, Setup},
};
use anyhow::ensure;
use fourauth_store::{Store, VfsOverride};
use std::sync::Arc;

/// Seed of the random numbers.
const SEED: u64 = 3;

/// Images before each sync with a random subset of the uncertain writes.
const BY_CHANCE: u64 = 20;

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let waves = script::waves(setup.count(200, 16) as usize, &mut Chance::of(SEED));
    let events = record(&waves, defence).await?;
    let syncs = events.iter().filter(|event| is_sync(event)).count();
    setup.say(&format!("{} events, {syncs} of them syncs", events.len()));
    let mut replay = Replay::new(waves.concat());
    every_boundary(setup, defence, &events, &mut replay).await?;

    let mut figures = Figures::default();
    figures.note("boundaries", events.len());
    figures.note("syncs", syncs);
    match defence {
        Defence::On => {
            let least = setup.count(10_000, 200).into();
            figures.at_least("different_images", replay.different(), least);
        }
        Defence::Off => figures.note("different_images", replay.different()),
    }
    replay.report("", &mut figures);
    Ok(figures)
}

/// Runs the script on a recording disk: three quarters of it, and the rest after the store was
/// closed and opened again.
async fn record(waves: &[Vec<Operation>], defence: Defence) -> anyhow::Result<Vec<Event>> {
    let vfs = if defence == Defence::On { "powerfail" } else { "powerfail-control" };
    let (recorder, folder) = (Recorder::new(vfs)?, folder()?);
    let vfs_override = VfsOverride { vfs, waits: defence == Defence::On };
    let keyring = Arc::new(people::keyring());
    let (first, rest) = waves.split_at(waves.len() * 3 / 4);
    for part in [first, rest] {
        let path = folder.path().join(DATABASE);
        let store = Store::open_with_vfs(&path, vfs_override, Arc::clone(&keyring)).await?;
        let (store, told) = (Arc::new(store), Arc::clone(&recorder));
        let undone = script::run(&store, part, move |number| told.tell(number)).await?;
        ensure!(undone == 0, "{undone} operations were refused");
        store.close().await;
    }
    Ok(recorder.events())
}

const fn is_sync(event: &Event) -> bool {
    matches!(event, Event::Synced { .. })
}

/// Before each sync, everything that it will settle is uncertain: each deed alone, and random
/// subsets. Between two syncs only the last deed is. A short run draws one image for each boundary.
async fn every_boundary(
    setup: &Setup,
    defence: Defence,
    events: &[Event],
    replay: &mut Replay,
) -> anyhow::Result<()> {
    let mut chance = Chance::of(SEED);
    let next = events.iter().skip(1).map(Some).chain([None]);
    for ((event, next), boundary) in events.iter().zip(next).zip(1_u32..) {
        replay.take(event);
        let mut choices = match (defence, next.is_some_and(is_sync)) {
            (Defence::Off, _) => vec![Choice::Everything, Choice::Nothing],
            (Defence::On, true) => replay.disk.choices(BY_CHANCE, &mut chance),
            (Defence::On, false) => replay.disk.newest_choices(&mut chance),
        };
        if setup.is_short && defence == Defence::On {
            chance.shuffle(&mut choices);
            choices.truncate(1);
        }
        replay.fail(choices).await?;
        if boundary.is_multiple_of(500) {
            setup.say(&format!("{boundary} boundaries, {} images", replay.images));
        }
    }
    replay.finish().await
}
