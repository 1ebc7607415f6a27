//! G-24: a database of any earlier version can be migrated, even after interruptions.
//!
//! The migration of each version is stopped at every instant between two disk operations of SQLite.
//! In addition, a real server is killed at random instants.

mod interrupted;
mod piecemeal;

pub(crate) use interrupted::interrupted;

use crate::{
    disk::{
        evidence,
        inquest::{DATABASE, folder, lay_out},
        people,
        platter::{Choice, Platter},
        recorder::Recorder,
    },
    report::Figures,
    setup::{Defence, Setup},
};
use fourauth_private_file as private_file;
use fourauth_store::{Added, Error, Keyring, Location, OpenError, Store, VfsOverride};
use fourauth_tests::old_schema::{Dialect, Past, VERSIONS, dumps};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _, SqliteConnection,
    sqlite::SqliteConnectOptions,
};
use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

/// Accounts in each old database.
const PEOPLE: u32 = 5;

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let (mut figures, past) = (Figures::default(), past(setup.count(300, 30)).await?);
    match defence {
        Defence::On => {
            for version in VERSIONS {
                every_instant(setup, &past, version, &mut figures).await?;
            }
            newer(&past, &mut figures).await?;
            interrupted(setup, setup.kills.unwrap_or(setup.count(100, 2)), &mut figures).await?;
        }
        Defence::Off => piecemeal::figures(&past, &mut figures).await?,
    }
    Ok(figures)
}

/// The contents of every old database: `rows` log rows, and people sealed with today's keys.
async fn past(rows: u32) -> anyhow::Result<Past> {
    let folder = folder()?;
    let path = folder.path().join(DATABASE);
    let store = open(&path).await?;
    for person in 0..PEOPLE {
        let user = people::new_user(person)?;
        let added: Result<Added, Error> =
            store.write(move |tx| Box::pin(async move { tx.add_user(&user).await })).await;
        added?;
    }
    store.close().await;
    Ok(Past::of(&path, rows).await?)
}

fn keyring() -> Arc<Keyring> {
    Arc::new(people::keyring())
}

async fn open(path: &Path) -> anyhow::Result<Store> {
    Ok(Store::open(&Location::Sqlite(path.to_owned()), keyring()).await?)
}

async fn plain(path: &Path) -> sqlx::Result<SqliteConnection> {
    // Readable by its owner only, as the server makes it.
    let _there = private_file::create(path, b"", [0; 8]);
    SqliteConnectOptions::new().filename(path).connect().await
}

/// Makes an old database and returns its contents.
async fn make(past: &Past, version: usize, path: &Path) -> anyhow::Result<BTreeSet<String>> {
    let mut old = plain(path).await?;
    for statement in past.statements(version, Dialect::Sqlite) {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut old).await?;
    }
    let texts = texts(version, &mut old).await?;
    old.close().await?;
    Ok(texts)
}

/// Every row of every table, with the columns of `version`.
async fn texts(version: usize, plain: &mut SqliteConnection) -> anyhow::Result<BTreeSet<String>> {
    let mut texts = BTreeSet::new();
    for (table, dump) in dumps(version, Dialect::Sqlite) {
        for row in sqlx::query(AssertSqlSafe(dump)).fetch_all(&mut *plain).await? {
            texts.insert(format!("{table}: {}", row.try_get::<String, _>(0)?));
        }
    }
    Ok(texts)
}

/// True if a server would start on it, every row is there, and the log matches its tree.
async fn is_up_to_date(
    path: &Path,
    version: usize,
    before: &BTreeSet<String>,
) -> anyhow::Result<bool> {
    let Ok(store) = open(path).await else { return Ok(false) };
    let mut after = plain(path).await?;
    let has_all = before.is_subset(&texts(version, &mut after).await?);
    after.close().await?;
    let has_evidence = evidence::is_whole(&store).await.unwrap_or(false);
    store.close().await;
    Ok(has_all && has_evidence)
}

/// Migrates a database while recording every write, and checks what is left after each.
async fn every_instant(
    setup: &Setup,
    past: &Past,
    version: usize,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let folder = folder()?;
    let path = folder.path().join(DATABASE);
    let before = make(past, version, &path).await?;
    let (vfs, waits) = (["migrate-1", "migrate-2", "migrate-3"][version - 1], true);
    let recorder = Recorder::new(vfs)?;
    recorder.found(DATABASE, fs::read(&path)?);
    Store::open_with_vfs(&path, VfsOverride { vfs, waits }, keyring()).await?.close().await;

    let (mut disk, mut images, mut stuck) = (Platter::default(), 0, 0);
    for (event, number) in recorder.events().iter().zip(0_u32..) {
        disk.take(event);
        // The first three events create the old database.
        if number < 2 || number % setup.count(1, 9) != 2 % setup.count(1, 9) {
            continue;
        }
        for choice in [Choice::Everything, Choice::Nothing] {
            let found = crate::disk::inquest::folder()?;
            lay_out(&disk.image(choice), found.path())?;
            images += 1;
            let path = found.path().join(DATABASE);
            stuck += u32::from(!is_up_to_date(&path, version, &before).await?);
        }
    }
    setup.say(&format!("version {version}: {images} instants"));
    figures.note(&format!("version_{version}_rows"), before.len());
    figures.note(&format!("version_{version}_instants"), images);
    figures.exactly(&format!("version_{version}_not_up_to_date"), stuck, 0);
    Ok(())
}

/// A database written by a newer program is refused.
async fn newer(past: &Past, figures: &mut Figures) -> anyhow::Result<()> {
    const LATER: &str = "INSERT INTO _sqlx_migrations (version, description, success, checksum, \
                         execution_time) VALUES (9999, 'later', TRUE, x'00', 1)";

    let folder = folder()?;
    let path = folder.path().join(DATABASE);
    make(past, 3, &path).await?;
    let mut old = plain(&path).await?;
    sqlx::query(LATER).execute(&mut old).await?;
    old.close().await?;
    let location = Location::Sqlite(path);
    let opened = Store::open(&location, keyring()).await;
    let refused = opened.err() == Some(OpenError::NewerSchema { version: 9999 });
    figures.exactly("newer_schema_refused", refused.into(), 1);
    Ok(())
}
