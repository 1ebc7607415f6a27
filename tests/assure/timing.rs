//! G-14: who is turned away cannot tell from the time whether there is such an account.
//!
//! "No significant difference" would show nothing: few samples find nothing. So the time has to be
//! shown to be the same, within a bound, and a server that is a fifth of a millisecond slower for one
//! kind of account has to be found out by the same measurement.

use crate::{
    crowd::{self, Member},
    daemon::Daemon,
    numbers::{auc_error, median, median_shift, percentile, separation},
    process,
    report::Figures,
    setup::{Defence, Setup},
    stopwatch::{self, Question, Sample},
};
use anyhow::{Context as _, ensure};
use fourauth_config::Config;
use fourauth_protocol::{
    command::{Command, Login},
    secret::Secret,
    username::Username,
};
use fourauth_tests::server::unlimited;
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{collections::BTreeSet, time::Duration};

/// How far the median of one kind may be from that of another, in microseconds.
const SHIFT_US: f64 = 100.0;

/// How much better than a coin one answer's time may tell one kind from another.
const AUC: f64 = 0.01;

/// What the control adds, in microseconds, and how unlikely it must be by chance.
const ADDED_US: u32 = 200;
const UNLIKELY: f64 = 1e-6;

/// When denials are answered, in milliseconds. Later than nearly all would be, as the default is for
/// hashes that cost what they should.
const DENIAL_MS: u32 = 8;

/// Samples that are thrown away: caches fill, threads start.
const WARM_UP: u32 = 500;

/// A bcrypt hash of some password, as an import brings it, and as cheap as this run's others.
const BCRYPT: &str = "$2b$04$/uaF/uaF/uaF/uaF/uaF/uipoQZSzXIVBS/vQ6McaCDU3COWhtBtG";

/// A name of the same length as the others, and nobody's.
const NOBODY: &str = "person-9";

/// How the server is set.
#[derive(Debug, Clone, Copy)]
struct Server {
    denial_ms: u32,
    /// Failures in a row after which an account is closed, if it ever is. Nobody waits before.
    closed_after: Option<u32>,
}

impl Default for Server {
    fn default() -> Self {
        Self { denial_ms: DENIAL_MS, closed_after: None }
    }
}

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let mut figures = Figures::default();
    match defence {
        Defence::On => {
            equivalence(setup, &mut figures).await?;
            locked(setup, &mut figures).await?;
            bare(setup, &mut figures).await?;
        }
        Defence::Off => a_difference(setup, &mut figures).await?,
    }
    Ok(figures)
}

/// Every kind against the first, where every denial has its time.
async fn equivalence(setup: &Setup, figures: &mut Figures) -> anyhow::Result<()> {
    let each = setup.count(5000, 100);
    let samples = measure(setup, Server::default(), each, |_| {}).await?;
    figures.note("samples_each", each);
    figures.note("denial_ms", DENIAL_MS);
    are_equal(setup, figures, "", &samples)
}

/// The same where so much has failed that nothing is looked at any more.
async fn locked(setup: &Setup, figures: &mut Figures) -> anyhow::Result<()> {
    let server = Server { closed_after: Some(3), ..Server::default() };
    let samples = measure(setup, server, setup.count(5000, 100), |_| {}).await?;
    let answers = samples.iter().flat_map(|sample| &sample.answers);
    let are_locked = answers.clone().all(|answer| answer.contains(r#""code":"locked""#));
    ensure!(are_locked, "not locked: {:?}", answers.collect::<Vec<_>>());
    are_equal(setup, figures, "locked_", &samples)
}

fn are_equal(
    setup: &Setup,
    figures: &mut Figures,
    prefix: &str,
    samples: &[Sample],
) -> anyhow::Result<()> {
    let (known, others) = samples.split_first().context("nothing was measured")?;
    note(figures, prefix, known);
    // A hundred samples find nothing smaller; that all of it works is what they are for.
    let (shift, auc) = if setup.is_short {
        (2000.0, 4.0 * auc_error(known.micros.len()))
    } else {
        (SHIFT_US, AUC)
    };
    for other in others {
        let (shifted, apart) = compare(known, other);
        let name = format!("{prefix}{}", other.name);
        figures.within(&format!("{name}_shift_us"), shifted, [-shift, shift]);
        figures.within(&format!("{name}_auc"), [apart; 2], [0.5 - auc, 0.5 + auc]);
    }
    let answers: BTreeSet<_> = samples.iter().flat_map(|sample| &sample.answers).collect();
    let different = u32::try_from(answers.len())?;
    figures.exactly(&format!("{prefix}different_answers"), different, 1);
    Ok(())
}

/// What the equal work gives alone, where no deadline covers it. Bcrypt's work is its own.
async fn bare(setup: &Setup, figures: &mut Figures) -> anyhow::Result<()> {
    let server = Server { denial_ms: 0, ..Server::default() };
    let samples = measure(setup, server, setup.count(5000, 50), |_| {}).await?;
    let (known, others) = samples.split_first().context("nothing was measured")?;
    note(figures, "bare_", known);
    for other in others {
        let (shifted, apart) = compare(known, other);
        figures.note(&format!("bare_{}_shift_us", other.name), shifted.map(f64::round).to_vec());
        figures.note(&format!("bare_{}_auc", other.name), (apart * 1000.0).round() / 1000.0);
    }
    Ok(())
}

/// The control: one kind is a little slower, and is found out.
async fn a_difference(setup: &Setup, figures: &mut Figures) -> anyhow::Result<()> {
    let added_us = if setup.is_short { 20 * ADDED_US } else { ADDED_US };
    let slower = |question: &mut Question| {
        if question.name == "unknown" {
            question.held_back = Duration::from_micros(added_us.into());
        }
    };
    let samples = measure(setup, Server::default(), setup.count(5000, 100), slower).await?;
    let of = |wanted| samples.iter().find(|sample| sample.name == wanted).context("a sample");
    let (known, unknown) = (of("known")?, of("unknown")?);
    figures.note("added_us", added_us);
    figures.note("unknown_shift_us", compare(known, unknown).0.map(f64::round).to_vec());
    figures.at_least("unknown_p", separation(&known.micros, &unknown.micros).p, UNLIKELY);
    Ok(())
}

/// By how many microseconds the second is slower, and how well one time tells them apart.
fn compare(known: &Sample, other: &Sample) -> ([f64; 2], f64) {
    let apart = separation(&known.micros, &other.micros);
    (median_shift(&known.micros, &other.micros), apart.auc)
}

fn note(figures: &mut Figures, prefix: &str, sample: &Sample) {
    let name = sample.name;
    figures.note(&format!("{prefix}{name}_median_us"), median(&sample.micros).round());
    figures.note(&format!("{prefix}{name}_p99_us"), percentile(&sample.micros, 0.99).round());
}

/// Starts a server, makes an account of each kind, and asks each `each` times. Server and clock have
/// a core each, if there are two.
async fn measure(
    setup: &Setup,
    server: Server,
    each: u32,
    change: impl Fn(&mut Question),
) -> anyhow::Result<Vec<Sample>> {
    let daemon = Daemon::start(setup, |config| server.configure(config)).await?;
    let people = crowd::register(&daemon, 3).await?;
    let mut questions = questions(&daemon, &people).await?;
    questions.iter_mut().for_each(change);
    let core = (process::cores() > 1).then_some(1);
    if core.is_some() {
        daemon.process()?.pin(0)?;
    }
    let (caller, warm_up) = (daemon.caller(), WARM_UP.min(each / 2));
    let measured = tokio::task::spawn_blocking(move || {
        stopwatch::measure(&caller, &questions, core, warm_up, each)
    });
    measured.await?
}

impl Server {
    /// Thousands of attempts must be over today: hashes are of the least cost.
    fn configure(self, config: &mut Config) {
        (config.auth.argon2_memory_kib, config.auth.argon2_passes) = (64, 1);
        config.limits.denial_ms = self.denial_ms;
        config.attempts = unlimited();
        if let Some(failures) = self.closed_after {
            config.attempts.unknown_device = failures;
        }
    }
}

/// A wrong password for somebody, for nobody, and for an account that was imported; and the right one
/// for an account that is disabled.
async fn questions(daemon: &Daemon, people: &[Member]) -> anyhow::Result<Vec<Question>> {
    let [known, disabled, imported] = people else { anyhow::bail!("three people") };
    let names = [&known.persona, &disabled.persona, &imported.persona].map(|who| &who.username);
    daemon.administer(&["user", "disable", names[1].as_str()]).await?;
    import(daemon, names[2]).await?;
    let right = Login { face: None, ..known.persona.login(crowd::now()) };
    let wrong = Login { password: Secret::new("violet-Ox-43".into()), ..right.clone() };
    let asked = |name, username: &Username, login: &Login| {
        let login = Login { username: username.clone(), ..login.clone() };
        let payload = Command::Login(login).to_json().expose().clone();
        Question { name, payload, held_back: Duration::ZERO }
    };
    let questions = vec![
        asked("known", names[0], &wrong),
        asked("unknown", &Username::parse(NOBODY)?, &wrong),
        asked("disabled", names[1], &right),
        asked("bcrypt", names[2], &wrong),
    ];
    let length = questions[0].payload.len();
    ensure!(questions.iter().all(|question| question.payload.len() == length), "lengths differ");
    Ok(questions)
}

/// Gives an account the hash that an import would have given it.
async fn import(daemon: &Daemon, name: &Username) -> anyhow::Result<()> {
    let file = SqliteConnectOptions::new().filename(daemon.database());
    let mut database = SqliteConnection::connect_with(&file).await?;
    let done = sqlx::query("UPDATE users SET password_hash = ? WHERE username = ?")
        .bind(BCRYPT)
        .bind(name.as_str())
        .execute(&mut database)
        .await?;
    ensure!(done.rows_affected() == 1, "{name} has no account");
    Ok(database.close().await?)
}
