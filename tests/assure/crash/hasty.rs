//! The control: a program that acknowledges before it writes, killed and checked like the server.

use super::{
    SEED,
    ledger::{Change, Heard, Ledger},
    millis,
};
use crate::{
    chance::Chance,
    disk::{inquest::DATABASE, people},
    report::Figures,
    setup::Setup,
};
use anyhow::Context as _;
use fourauth_store::{Added, AuditEntry, Error, Location, Store, Tx};
use std::{env, io::Write as _, path::Path, process::Stdio, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
    runtime::Runtime,
    time::sleep,
};

/// Argument that makes this program call [`run`]. The database and the number of the first account
/// follow.
pub(crate) const HASTY: &str = "hasty";

/// Registrations that are acknowledged before any of them is written.
const GROUP: u32 = 8;

pub(super) async fn figures(setup: &Setup, figures: &mut Figures) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let database = folder.path().join(DATABASE);
    let (mut ledger, mut chance, mut people) = (Ledger::default(), Chance::of(SEED), 0);
    for _ in 0..setup.count(20, 4) {
        let life = Duration::from_millis(300 + millis(&mut chance, 300));
        let mut heard = Heard::default();
        for id in killed(&database, people, life).await? {
            let mac = people::mac(0)?.to_string();
            heard.told(&format!("person-{people}"), &Change::Registered { mac }, &id);
            people += 1;
        }
        ledger.take(heard);
        ledger.audit(&database, None).await?;
    }
    ledger.report(figures);
    Ok(())
}

/// What the program acknowledged until it was killed.
async fn killed(database: &Path, first: u32, life: Duration) -> anyhow::Result<Vec<String>> {
    let mut child = Command::new(env::current_exe()?)
        .arg(HASTY)
        .arg(database)
        .arg(first.to_string())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines =
        BufReader::new(child.stdout.take().context("the program has no output pipe")?).lines();
    // The first line means that the database is open.
    let mut said: Vec<_> = lines.next_line().await?.into_iter().collect();
    sleep(life).await;
    child.kill().await?;
    while let Some(line) = lines.next_line().await? {
        said.push(line);
    }
    Ok(said)
}

/// Registers one person after the other. The arguments are a database and a first number.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let [database, first] = arguments else { anyhow::bail!("expected a database and a number") };
    let (location, first) = (Location::Sqlite(database.into()), first.parse()?);
    Runtime::new()?.block_on(async {
        let keyring = Arc::new(people::keyring());
        let store = Arc::new(Store::open(&location, keyring).await?);
        for group in (first..).step_by(GROUP as usize) {
            let numbers = group..group + GROUP;
            for number in numbers.clone() {
                println!("hasty-{number}");
            }
            std::io::stdout().flush()?;
            for number in numbers {
                register(&store, number).await?;
            }
        }
        Ok(())
    })
}

async fn register(store: &Store, number: u32) -> anyhow::Result<()> {
    let user = people::new_user(number)?;
    let entry = AuditEntry {
        at: people::NOON,
        username: Some(user.username.to_string()),
        action: "register",
        success: true,
        detail: format!("request=hasty-{number}"),
    };
    let added: Result<Added, Error> = store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                tx.append(&entry).await?;
                tx.add_user(&user).await
            })
        })
        .await;
    anyhow::ensure!(added? == Added::Yes, "person {number} already exists");
    Ok(())
}
