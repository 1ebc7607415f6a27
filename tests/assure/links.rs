//! G-38: the owner of a data folder turns no command of root against root.

use crate::{
    report::Figures,
    setup::{Defence, Setup},
};
use anyhow::{Context as _, ensure};
use fourauth_config::{AuditConfig, Config};
use fourauth_private_file as private_file;
use fourauth_protocol::time::UnixMillis;
use fourauth_tests::{
    link_race::Stage,
    models,
    server::{TestServer, quick},
};
use fourauthd::backup::{BackupCommand, Create, Lock, Restore, Unlock};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tokio::{runtime::Handle, task::block_in_place};

/// Made with age-keygen for this test; protects nothing.
const RECIPIENT: &str = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";
const IDENTITY: &str =
    "AGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ72PVQ2Y5J33\n";

/// Time of the restores.
const NOW: UnixMillis = UnixMillis(1_795_219_200_000);

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let stage = Stage::set()?.context("only root can work in a folder of another user")?;
    let backup = backup(&stage).await?;
    let rounds = match defence {
        Defence::On => setup.count(1000, 25),
        Defence::Off => setup.count(100, 5),
    };
    let (mut exchanged, mut lost, mut restored) = (0, 0, 0);
    for number in 0..rounds {
        stage.renew_data()?;
        let work = || match defence {
            Defence::On => by_command(setup, &stage, &backup),
            Defence::Off => Ok(in_process(&stage, &backup)),
        };
        let (done, was) = block_in_place(|| {
            stage.race(usize::try_from(number)?, work).map_err(anyhow::Error::from)
        })?;
        exchanged += u32::from(was);
        restored += u32::from(done?);
        lost += u32::from(!stage.losses()?.is_empty());
    }
    let mut figures = Figures::default();
    figures.note("restores", rounds);
    figures.note("restores_that_succeeded", restored);
    figures.at_least("files_exchanged", exchanged.into(), f64::from(rounds) / 10.0);
    figures.exactly("races_lost", lost, 0);
    Ok(figures)
}

/// Makes a backup that every user can open.
async fn backup(stage: &Stage) -> anyhow::Result<PathBuf> {
    let folder = stage.folder().path();
    private_file::create(&folder.join("identity"), IDENTITY.as_bytes(), [0; 8])?;
    Stage::give(&folder.join("identity"))?;
    let server = TestServer::start().await;
    let file = folder.join("one.age");
    let lock = Lock { passphrase_file: None, recipient: vec![RECIPIENT.into()] };
    let create = Create { file: file.clone(), lock, files_only: false };
    BackupCommand::Create(create).run(&quick(server.folder()), NOW).await?;
    Stage::give(&file)?;
    Ok(file)
}

/// Restores by the command, which becomes the user of the data folder.
fn by_command(setup: &Setup, stage: &Stage, backup: &Path) -> anyhow::Result<bool> {
    let ran = Command::new(&setup.fourauthd)
        .env("FOURAUTH__DATA_DIR", stage.data())
        .env("FOURAUTH__FACE__PACKS_DIR", models::packs())
        .args(["backup", "restore"])
        .arg(backup)
        .arg("--identity")
        .arg(stage.folder().path().join("identity"))
        .stdin(Stdio::null())
        .output()?;
    let says = String::from_utf8_lossy(&ran.stderr);
    ensure!(ran.status.success() || says.contains("fourauthd: "), "{says}");
    Ok(ran.status.success())
}

/// The control restores by the same code in this process, which stays root's.
fn in_process(stage: &Stage, backup: &Path) -> bool {
    let audit = AuditConfig { checkpoint_sinks: Some(Vec::new()), ..AuditConfig::default() };
    let config = Config { data_dir: stage.data(), audit, ..Config::default() };
    let identity = Some(stage.folder().path().join("identity"));
    let restore = Restore {
        file: backup.to_owned(),
        unlock: Unlock { passphrase_file: None, identity },
        accept_rollback: false,
        checkpoints: Vec::new(),
        require_signature: false,
    };
    let restored = BackupCommand::Restore(restore).run(&config, NOW);
    Handle::current().block_on(restored).is_ok()
}
