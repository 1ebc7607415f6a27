//! G-30: no byte of an erased person's data is left, and the audit log still proves that nothing
//! else was changed.

use crate::{
    crowd::{self, Member, PASSWORD},
    daemon::Daemon,
    memory::Search,
    peer::{Peer, host},
    report::Figures,
    setup::{Defence, Setup},
};
use anyhow::{Context as _, ensure};
use fourauth_audit_verify::{Options, Report, verify};
use fourauth_protocol::{
    command::Command,
    consent::Consent,
    contact::{Email, Phone},
    mac_address::MacAddress,
    secret::Secret,
};
use fourauth_tests::{models::picture, persona::Persona, with::With as _};
use serde_json::json;
use sqlx::{
    Connection as _, Executor as _, Row as _, SqliteConnection, sqlite::SqliteConnectOptions,
};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// Timeout of one login of a person that is not erased.
const PATIENCE: Duration = Duration::from_secs(10);

/// Characters of a sealed value to search for, and pieces taken from each value.
const PIECE: usize = 40;
const PIECES: usize = 4;

/// Columns with values that must disappear with the account's row.
const COLUMNS: [&str; 4] =
    ["password_hash", "face_template_enc", "totp_secret_enc", "face_image_enc"];

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let daemon = Daemon::start(setup, |config| config.face.keep_image = true).await?;
    let mut stay = crowd::register(&daemon, 2).await?;
    let mut search = Search::default();
    let mut leave = Vec::new();
    for number in 0..setup.count(20, 2) {
        leave.push(live(&daemon, number, &mut search).await?);
    }
    sealed_values(&daemon, &leave, &mut search).await?;

    let mut figures = Figures::default();
    figures.note("people", leave.len());
    figures.note("traces", search.len());
    let mut before = search.anew();
    files(&daemon.config.data_dir, &mut before)?;
    ensure!(before.found() > 0, "the database contains none of the values to erase");
    figures.note("hits_before", before.found());
    match defence {
        Defence::On => erase(daemon, &leave, &mut stay, &search, &mut figures).await?,
        Defence::Off => delete(daemon, &leave, &search, &mut figures).await?,
    }
    Ok(figures)
}

/// Erases by command, as an operator does, while others log in.
async fn erase(
    daemon: Daemon,
    leave: &[String],
    stay: &mut [Member],
    search: &Search,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let mut shut_out = 0;
    for name in leave {
        daemon.administer(&["user", "erase", name, "--yes"]).await?;
        let person = stay.first_mut().context("no account stays")?;
        let entry = crowd::enter(&daemon.client()?, &person.login().await?, PATIENCE).await;
        shut_out += u32::from(!entry.is_in());
        stay.rotate_left(1);
    }
    let mut running = search.anew();
    files(&daemon.config.data_dir, &mut running)?;
    let export = daemon.config.data_dir.join("export.jsonl");
    let path = export.to_str().context("the path is not UTF-8")?;
    daemon.administer(&["audit", "export", path]).await?;
    let mut exported = search.anew();
    exported.bytes(&fs::read(&export)?);
    ensure!(exported.searched > 0, "the export is empty");

    let (stopped, report) = afterwards(daemon, search).await?;
    for (name, found) in
        [("database", &running), ("stopped_database", &stopped), ("export", &exported)]
    {
        figures.note(&format!("{name}_searched_kib"), found.searched >> 10);
        figures.note(&format!("{name}_found"), json!(found.names()));
        figures.exactly(&format!("{name}_hits"), found.found(), 0);
    }
    figures.exactly("logins_refused", shut_out, 0);
    figures.note("erased_rows", report.erased_rows);
    figures.exactly("log_found_changed", u32::from(!report.is_proved()), 0);
    Ok(())
}

/// The control erases by SQL: it deletes rows and empties texts, with SQLite's defaults.
async fn delete(
    daemon: Daemon,
    leave: &[String],
    search: &Search,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let options = options(&daemon.config.data_dir).pragma("secure_delete", "OFF");
    let mut database = SqliteConnection::connect_with(&options).await?;
    database.execute("PRAGMA foreign_keys = ON").await?;
    for name in leave {
        for sql in [
            "DELETE FROM users WHERE username = $1",
            "UPDATE access_logs SET username = NULL, detail = '' WHERE username = $1",
        ] {
            sqlx::query(sql).bind(name).execute(&mut database).await?;
        }
    }
    database.close().await?;
    let (stopped, report) = afterwards(daemon, search).await?;
    figures.note("found", json!(stopped.names()));
    figures.exactly("stopped_database_hits", stopped.found(), 0);
    figures.exactly("log_found_changed", u32::from(!report.is_proved()), 0);
    Ok(())
}

/// Stops the server, searches its database and verifies its log.
async fn afterwards(daemon: Daemon, search: &Search) -> anyhow::Result<(Search, Report)> {
    let data = daemon.config.data_dir.clone();
    let folder = daemon.stop().await?;
    let mut stopped = search.anew();
    files(&data, &mut stopped)?;
    let key = fs::read_to_string(data.join("audit/log.vkey"))?;
    let mut options = Options::new(key.trim().parse()?);
    options.signed_erasures = true;
    let database = data.join("fourauth.db");
    let report = verify(&database, &options)?;
    drop(folder);
    Ok((stopped, report))
}

/// Searches the database, its journal and the journal's index.
fn files(data: &Path, search: &mut Search) -> anyhow::Result<()> {
    for name in ["fourauth.db", "fourauth.db-wal", "fourauth.db-shm"] {
        let path: PathBuf = data.join(name);
        if path.exists() {
            search.bytes(&fs::read(path)?);
        }
    }
    Ok(())
}

fn options(data: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(data.join("fourauth.db"))
}

/// Registers a person, logs in, fails to log in, and adds what should be erased to the search.
/// Returns the name.
async fn live(daemon: &Daemon, number: u32, search: &mut Search) -> anyhow::Result<String> {
    let name = format!("leaver-{number:04}-of-many");
    let address = host(100 + number);
    let mac = format!("02:a5:a5:a5:{:02x}:{:02x}", number >> 8, number & 0xff);
    let (mail, phone) = (format!("{name}@mail.example"), format!("+4420794{number:05}"));
    let notice = format!("notice for {number:04}, in plain words");
    let register = crowd::registration(daemon.admin()?, &name)?.with(|register| {
        register.mac = MacAddress::parse(&mac).ok();
        register.email = Email::parse(&mail).ok();
        register.phone = Phone::parse(&phone).ok();
        register.consent = Consent::parse(&notice).ok();
    });
    let mac_of = register.mac.context("no MAC address")?;
    let answer = daemon.client()?.send_once(Command::Register(register)).await?;
    let uri = answer.body.provisioning_uri.with_context(|| format!("{name} is not registered"))?;
    let persona = Persona::new(&name, Secret::new(PASSWORD.into()), mac_of, &uri);
    let mut peer = daemon.caller().open(address).await?;
    visit(&mut peer, &persona).await?;
    for (kind, text) in [
        ("name", name.clone()),
        ("mail", mail),
        ("phone", phone),
        ("mac", mac),
        ("peer", format!("peer={address} ")),
        ("notice", notice),
    ] {
        search.add(kind, text);
    }
    Ok(name)
}

/// Logs in, repeats the code, and shows a wrong face: three rows, an address and a failure. Then
/// guesses from an unknown device, once more too early: a row, and a refusal by name.
async fn visit(peer: &mut Peer, persona: &Persona) -> anyhow::Result<()> {
    let login = persona.login(crowd::now());
    let wrong = login.clone().with(|login| login.face = Some(picture("biden.jpg")));
    let guess = login.clone().with(|login| {
        login.password = Secret::new("a guess".into());
        login.mac = None;
    });
    for (login, gets_in) in [
        (login.clone(), true),
        (login, false),
        (wrong, false),
        (guess.clone(), false),
        (guess, false),
    ] {
        let answer = peer.ask(Command::Login(login).to_json().expose()).await?;
        ensure!(answer.is_ok() == gets_in, "{answer:?}");
    }
    Ok(())
}

/// Adds pieces of sealed and hashed values: a deleted row may be overwritten in part.
async fn sealed_values(
    daemon: &Daemon,
    leave: &[String],
    search: &mut Search,
) -> anyhow::Result<()> {
    let options = options(&daemon.config.data_dir).read_only(true);
    let mut database = SqliteConnection::connect_with(&options).await?;
    for name in leave {
        let row = sqlx::query(
            "SELECT password_hash, face_template_enc, totp_secret_enc, face_image_enc \
             FROM users WHERE username = $1",
        );
        let row = row.bind(name).fetch_one(&mut database).await?;
        for column in COLUMNS {
            let value: String = row.get(column);
            let apart = (value.len() / PIECES).max(PIECE);
            // From the end: all values sealed with one key begin alike.
            let pieces = value.as_bytes().rchunks(apart).take(PIECES);
            for piece in pieces.filter(|piece| piece.len() >= PIECE) {
                search.add(column, &piece[piece.len() - PIECE..]);
            }
        }
    }
    Ok(database.close().await?)
}
