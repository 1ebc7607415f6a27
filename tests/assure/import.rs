//! G-25: the owner of a 4Auth account logs in with the same factors after the import, and the old
//! log is complete.

use crate::{
    crowd::{self, Entry},
    daemon::Daemon,
    report::Figures,
    setup::{Defence, Setup},
};
use anyhow::Context as _;
use fourauth_audit_verify::{Options, verify};
use fourauth_tests::{
    models::picture,
    old_system::{Kind, OldSystem, ROWS},
    persona::Persona,
};
use fourauthd::import_4auth::FourAuth;
use sqlx::{Connection as _, Row as _, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{fs, path::Path, time::Duration};

/// Timeout of one login.
const PATIENCE: Duration = Duration::from_secs(10);

/// Name, MAC address and picture of the imported people.
const PEOPLE: [(&str, &str, &str); 2] =
    [("alice", "00:1b:44:11:3a:b7", "obama2.jpg"), ("Ålesund", "00:1b:44:11:3a:c9", "biden.jpg")];

/// A valid key that sealed none of the data.
const STRANGE_KEY: &str = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let daemon = Daemon::start(setup, |_| {}).await?;
    let folder = tempfile::tempdir()?;
    let old = OldSystem::make(folder.path(), Kind::Good);
    let import = old.import();
    if defence == Defence::Off {
        fs::write(&import.key, STRANGE_KEY)?;
    }
    let mut figures = Figures::default();
    let before = counts(&daemon).await?;
    let foreseen = daemon.administer(&arguments(&import, true)?).await.is_ok();
    let unchanged = counts(&daemon).await? == before;
    let imported = daemon.administer(&arguments(&import, false)?).await.is_ok();
    let again = daemon.administer(&arguments(&import, false)?).await.is_ok();
    figures.exactly("dry_run_changed", u32::from(!unchanged), 0);
    figures.exactly("dry_run_was_wrong", u32::from(foreseen != imported), 0);
    figures.exactly("imported_twice", u32::from(again), 0);

    let (mut entered, mut kept) = (0, 0);
    for (name, mac, face) in PEOPLE {
        let person = Persona { face: picture(face), ..old.person(name, mac) };
        entered += u32::from(login(&daemon, &person).await?.is_in());
    }
    let database = daemon.config.data_dir.join("fourauth.db");
    let people = people(&database).await?;
    figures.exactly("people", u32::try_from(people.len())?, 2);
    figures.exactly("logins", entered, 2);
    let rehashed = people.iter().filter(|person| person.0.starts_with("$argon2id$")).count();
    figures.exactly("rehashed", u32::try_from(rehashed)?, 2);
    kept += people.iter().filter(|person| person.1).count();
    figures.exactly("pictures_kept", u32::try_from(kept)?, 0);
    figures.exactly(
        "log_rows",
        u32::try_from(same_rows(&old.database(), &database).await?)?,
        u32::try_from(ROWS)?,
    );

    let key = fs::read_to_string(daemon.config.data_dir.join("audit/log.vkey"))?;
    let folder = daemon.stop().await?;
    let report = verify(&database, &Options::new(key.trim().parse()?))?;
    figures.exactly("log_found_changed", u32::from(!report.is_proved()), 0);
    drop(folder);
    Ok(figures)
}

fn arguments(import: &FourAuth, dry: bool) -> anyhow::Result<Vec<&str>> {
    let database = import.database.to_str().context("the path is not UTF-8")?;
    let key = import.key.to_str().context("the path is not UTF-8")?;
    let mut arguments = vec!["import", "4auth", "--database", database, "--key", key];
    arguments.extend(dry.then_some("--dry-run"));
    Ok(arguments)
}

async fn login(daemon: &Daemon, person: &Persona) -> anyhow::Result<Entry> {
    Ok(crowd::enter(&daemon.client()?, &person.login(crowd::now()), PATIENCE).await)
}

async fn open(database: &Path) -> anyhow::Result<SqliteConnection> {
    let options = SqliteConnectOptions::new().filename(database).read_only(true);
    Ok(SqliteConnection::connect_with(&options).await?)
}

/// Number of accounts, and of log rows about them.
async fn counts(daemon: &Daemon) -> anyhow::Result<(i64, i64)> {
    const SQL: &str = "SELECT (SELECT COUNT(*) FROM users), \
        (SELECT COUNT(*) FROM access_logs WHERE username IS NOT NULL)";

    let mut database = open(&daemon.config.data_dir.join("fourauth.db")).await?;
    let row = sqlx::query(SQL).fetch_one(&mut database).await?;
    Ok((row.get(0), row.get(1)))
}

/// The password hash of each account, and true if its picture is stored.
async fn people(database: &Path) -> anyhow::Result<Vec<(String, bool)>> {
    const SQL: &str = "SELECT password_hash, face_image_enc IS NOT NULL FROM users";

    Ok(sqlx::query_as(SQL).fetch_all(&mut open(database).await?).await?)
}

/// Time, name, action, success and detail.
type Logged = (String, Option<String>, String, i64, Option<String>);

/// Number of rows of the old log that are unchanged in the new one, up to the first difference.
async fn same_rows(old: &Path, new: &Path) -> anyhow::Result<usize> {
    const SQL: &str = "SELECT ts_utc, username, action, success, detail FROM access_logs \
        WHERE ts_utc < '2025' ORDER BY id";

    let old: Vec<Logged> = sqlx::query_as(SQL).fetch_all(&mut open(old).await?).await?;
    let new: Vec<Logged> = sqlx::query_as(SQL).fetch_all(&mut open(new).await?).await?;
    Ok(old.iter().zip(&new).take_while(|(old, new)| old == new).count())
}
