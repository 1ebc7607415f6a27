//! G-17: secrets leave no trace after use: not in a log at trace level, not in the database, not in
//! error replies, not in the server's memory.

use crate::{
    crowd::{self, Member, PASSWORD},
    daemon::Daemon,
    memory::Search,
    peer::{Peer, host},
    report::Figures,
    setup::{Defence, Setup},
};
use anyhow::{Context as _, ensure};
use data_encoding::{BASE32_NOPAD, BASE64};
use fourauth_config::Config;
use fourauth_protocol::{
    answer::{Answer, AnswerBody},
    command::{Command, ReadAudit},
    mac_address::MacAddress,
    picture::Picture,
    recovery_code::RecoveryCode,
    secret::Secret,
};
use fourauth_tests::{models::picture, persona::key_of, with::With as _};
use serde_json::json;
use std::{fs, time::Duration};
use tokio::time::sleep;

/// Time from the close of the last connection to the memory search.
const AFTERWARDS: Duration = Duration::from_secs(1);

/// The password after a recovery.
const NEW_PASSWORD: &str = "amber-Fox-17";

/// A value that the control leaves in every searched place.
const CANARY: &str = "canary-that-is-kept-on-purpose";

/// One session, and the values that must not outlive it.
struct Life {
    peer: Peer,
    /// All answers that were refusals.
    errors: Vec<u8>,
    secrets: Search,
}

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let daemon = Daemon::start(setup, |config| talkative(config, defence)).await?;
    match defence {
        Defence::On => nothing_stays(setup, daemon).await,
        Defence::Off => what_stays_is_found(daemon).await,
    }
}

/// Logs at trace level. In the control the data folder is named after the canary, so that the log
/// contains it.
fn talkative(config: &mut Config, defence: Defence) {
    config.log.filter = "trace".into();
    if defence == Defence::Off {
        config.data_dir = config.data_dir.join(CANARY);
    }
}

async fn nothing_stays(setup: &Setup, daemon: Daemon) -> anyhow::Result<Figures> {
    let mut people = crowd::register(&daemon, 1).await?;
    let person = people.first_mut().context("no person is registered")?;
    let peer = daemon.caller().open(host(0)).await?;
    let mut life = Life { peer, errors: Vec::new(), secrets: Search::default() };
    life.live(setup, person, daemon.admin()?).await.with_context(|| last_lines(&daemon))?;
    let Life { peer, errors, secrets } = life;
    drop(peer);
    sleep(AFTERWARDS).await;

    let mut figures = Figures::default();
    let mut resident = secrets.anew();
    let readable = resident.memory(daemon.process()?)?;
    figures.note("memory_is_readable", readable);
    figures.note("memory_searched_mib", resident.searched >> 20);
    figures.note("memory_found", json!(resident.names()));

    let mut lasting = secrets.anew();
    keys(&daemon, &mut lasting)?;
    let mut told = lasting.anew();
    told.bytes(&errors);
    figures.note("error_replies_searched_bytes", told.searched);
    figures.exactly("error_reply_hits", told.found(), 0);
    for (name, found) in afterwards(daemon, &lasting).await? {
        figures.note(&format!("{name}_searched_kib"), found.searched >> 10);
        figures.note(&format!("{name}_found"), json!(found.names()));
        figures.exactly(&format!("{name}_hits"), found.found(), 0);
    }
    figures.exactly("memory_hits", resident.found(), 0);
    Ok(figures)
}

/// The end of the server's log, for error messages.
fn last_lines(daemon: &Daemon) -> String {
    let log = daemon.log().unwrap_or_default();
    let lines: Vec<_> = log.lines().rev().take(3).collect();
    format!("the log ends with {lines:#?}")
}

/// The control: a name in the log and in the database, and an unfinished frame.
async fn what_stays_is_found(daemon: Daemon) -> anyhow::Result<Figures> {
    let mut search = Search::default();
    search.add("canary", CANARY);
    let register = crowd::registration(daemon.admin()?, CANARY)?;
    let answer = daemon.client()?.send_once(Command::Register(register)).await?;
    ensure!(answer.is_ok(), "not registered: {answer:?}");
    let mut peer = daemon.caller().open(host(0)).await?;
    peer.send(&[0, 0, 4, 0]).await?;
    peer.send(CANARY.as_bytes()).await?;
    sleep(AFTERWARDS).await;

    let mut resident = search.anew();
    let readable = resident.memory(daemon.process()?)?;
    drop(peer);
    let mut figures = Figures::default();
    // A place where the canary is not found would hide a secret too.
    let mut fewest = if readable { resident.found() } else { u32::MAX };
    figures.note("memory_hits", resident.found());
    for (name, found) in afterwards(daemon, &search).await? {
        figures.note(&format!("{name}_hits"), found.found());
        fewest = fewest.min(found.found());
    }
    figures.exactly("hits_where_fewest", fewest, 0);
    Ok(figures)
}

/// Stops the server and searches its log and its database, the journal included.
async fn afterwards(
    daemon: Daemon,
    search: &Search,
) -> anyhow::Result<[(&'static str, Search); 2]> {
    let data = daemon.config.data_dir.clone();
    let journal = fs::read(data.join("fourauth.db-wal")).unwrap_or_default();
    let folder = daemon.stop().await?;
    let (mut log, mut database) = (search.anew(), search.anew());
    log.bytes(&fs::read(folder.path().join("log"))?);
    database.bytes(&journal);
    database.bytes(&fs::read(data.join("fourauth.db"))?);
    Ok([("log", log), ("database", database)])
}

/// Adds the master keys and the pepper from their file. They are in use, and so in memory.
fn keys(daemon: &Daemon, search: &mut Search) -> anyhow::Result<()> {
    const SHORTEST: usize = 32;
    let text = fs::read_to_string(daemon.config.keyring_file())?;
    let before = search.anew();
    for word in text.split('"').filter(|word| word.len() >= SHORTEST) {
        search.add("keyring", word);
        if let Ok(bytes) = BASE64.decode(word.as_bytes()) {
            search.add("keyring", bytes);
        }
    }
    ensure!(search.len() > before.len(), "the keyring file contains no keys");
    Ok(())
}

impl Life {
    /// Uses every command of a person, correctly and incorrectly.
    async fn live(
        &mut self,
        setup: &Setup,
        person: &mut Member,
        admin: Secret<String>,
    ) -> anyhow::Result<()> {
        self.know(person, &admin);
        let body = self.granted(Command::Login(person.login().await?)).await?;
        self.granted(Command::ConfirmTotp(person.persona.confirm(crowd::now()))).await?;
        let token = body.token.context("the answer to a login has no token")?;
        self.secrets.add("session token", token.expose().as_bytes());
        self.send_wrong(person).await?;
        if !setup.is_short {
            self.recover(person).await?;
        }
        let code = person.recovery_codes.first().context("the person has no recovery codes")?;
        let recovery_code = Some(RecoveryCode::parse(code.expose())?);
        let recover = person.persona.recover_totp(crowd::now());
        let recover = recover.with(|recover| recover.recovery_code = recovery_code);
        let body = self.granted(Command::RecoverTotp(recover)).await?;
        person.persona.key =
            key_of(&body.provisioning_uri.context("the answer has no provisioning URI")?);
        self.know_key(person);
        self.granted(Command::ReadAudit(ReadAudit::newest(admin))).await?;
        Ok(())
    }

    /// Adds the values that must not be found.
    fn know(&mut self, person: &Member, admin: &Secret<String>) {
        self.secrets.add("password", PASSWORD);
        self.secrets.add("new password", NEW_PASSWORD);
        self.secrets.add("administrator's secret", admin.expose().as_bytes());
        self.know_key(person);
        for code in &person.recovery_codes {
            self.secrets.add("recovery code", code.expose().as_bytes());
        }
        for (name, file) in [("enrolled picture", "obama.jpg"), ("shown picture", "obama2.jpg")] {
            self.know_picture(name, &picture(file));
        }
    }

    fn know_key(&mut self, person: &Member) {
        let key = person.persona.key.as_bytes();
        self.secrets.add("TOTP secret", key);
        self.secrets.add("TOTP secret as text", BASE32_NOPAD.encode(key));
    }

    /// Adds pieces from all over a picture, raw and in base64.
    fn know_picture(&mut self, name: &'static str, picture: &Picture) {
        const PIECES: usize = 16;
        const PIECE: usize = 24;
        let step = picture.bytes().len() / (PIECES + 1) / 3 * 3;
        for piece in picture.bytes().chunks(step.max(PIECE)).skip(1).take(PIECES - 1) {
            let piece = &piece[..PIECE.min(piece.len())];
            self.secrets.add(name, piece);
            self.secrets.add(name, BASE64.encode(piece));
        }
    }

    /// Sends logins with one wrong factor each, and invalid commands that contain secrets.
    async fn send_wrong(&mut self, person: &Member) -> anyhow::Result<()> {
        let right = person.persona.login(crowd::now());
        for login in [
            right.clone().with(|login| login.password = Secret::new(NEW_PASSWORD.into())),
            right.clone().with(|login| login.totp = None),
            right.clone().with(|login| login.face = Some(Picture::new(PASSWORD.into()))),
            right.clone().with(|login| login.mac = None),
            right.with(|login| login.client_ts_utc = None),
        ] {
            self.refused(Command::Login(login).to_json().expose()).await?;
        }
        for garbled in [
            format!(r#"{{"cmd":"100","username":"person-0","password":["{PASSWORD}"]}}"#),
            format!(r#"{{"cmd":"100","username":{{}},"password":"{PASSWORD}"}}"#),
            format!(r#"{{"cmd":"100","password":"{PASSWORD}","#),
            format!(r#"{{"cmd":"{PASSWORD}"}}"#),
        ] {
            self.refused(garbled.as_bytes()).await?;
        }
        Ok(())
    }

    /// Recovers password, face and device, each with a one-time code and its own recovery code.
    /// Without the latter, a new factor could not change others for a day.
    async fn recover(&mut self, person: &mut Member) -> anyhow::Result<()> {
        let mac = MacAddress::parse("00:1b:44:11:3a:ff")?;
        let codes = person.recovery_codes.clone();
        let code = |number: usize| -> anyhow::Result<Option<RecoveryCode>> {
            Ok(Some(RecoveryCode::parse(
                codes.get(number).context("the person has too few recovery codes")?.expose(),
            )?))
        };
        let totp = person.login().await?.totp;
        let recover = person.persona.recover_password(NEW_PASSWORD, crowd::now());
        let recovery_code = code(1)?;
        let recover = recover.with(|it| (it.totp, it.recovery_code) = (totp, recovery_code));
        self.granted(Command::RecoverPassword(recover)).await?;
        person.persona.password = Secret::new(NEW_PASSWORD.into());
        let totp = person.login().await?.totp;
        let recover = person.persona.recover_face(picture("obama3.jpg"), crowd::now());
        let recovery_code = code(2)?;
        let recover = recover.with(|it| (it.totp, it.recovery_code) = (totp, recovery_code));
        self.know_picture("new picture", &picture("obama3.jpg"));
        self.granted(Command::RecoverFace(recover)).await?;
        let totp = person.login().await?.totp;
        let recover = person.persona.recover_device(mac, crowd::now());
        let recovery_code = code(3)?;
        let recover = recover.with(|it| (it.totp, it.recovery_code) = (totp, recovery_code));
        self.granted(Command::RecoverDevice(recover)).await?;
        person.persona.mac = mac;
        Ok(())
    }

    async fn granted(&mut self, command: Command) -> anyhow::Result<AnswerBody> {
        let answer = self.peer.ask(command.to_json().expose()).await?;
        ensure!(answer.is_ok(), "refused: {answer:?}");
        Ok(*answer.body)
    }

    async fn refused(&mut self, payload: &[u8]) -> anyhow::Result<()> {
        self.peer.say(payload).await?;
        let answer = self.peer.hear().await?;
        ensure!(!Answer::from_json(&answer)?.is_ok(), "a wrong request was accepted");
        self.errors.extend(answer);
        Ok(())
    }
}
