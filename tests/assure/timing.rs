//! G-14: the time of a refusal does not reveal if an account exists.
//!
//! "No significant difference" would show nothing: few samples find nothing. So the times must be
//! shown to be equal within a bound, and the same measurement must detect a server that is 0.2 ms
//! slower for one kind of account.

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
use fourauth_store::{Keyring, Store};
use fourauth_tests::{server::unlimited, with::With as _};
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// Upper bound of the difference between two medians, in microseconds.
const SHIFT_US: f64 = 100.0;

/// How far the AUC may be from 0.5.
const AUC: f64 = 0.01;

/// Delay that the control adds, in microseconds, and the p-value below which it counts as detected.
const ADDED_US: u32 = 200;
const UNLIKELY: f64 = 1e-6;

/// Time of every denial, in milliseconds. Longer than nearly all take without it, like the default
/// is for hashes of the default cost.
const DENIAL_MS: u32 = 8;

/// Samples that are discarded while caches fill and threads start.
const WARM_UP: u32 = 500;

/// A bcrypt hash as an import stores it, as cheap as the other hashes of this run.
const BCRYPT: &str = "$2b$04$/uaF/uaF/uaF/uaF/uaF/uipoQZSzXIVBS/vQ6McaCDU3COWhtBtG";

/// An unknown name of the same length as the others.
const UNKNOWN: &str = "person-9";

/// Settings of the server.
#[derive(Debug, Clone, Copy)]
struct Server {
    denial_ms: u32,
    /// Failures in a row that close an account, if any do. No wait is demanded before.
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

/// Compares every kind with the first, with the usual delay of denials.
async fn equivalence(setup: &Setup, figures: &mut Figures) -> anyhow::Result<()> {
    let each = setup.count(5000, 100);
    let samples = measure(setup, Server::default(), each, |_| {}).await?;
    figures.note("samples_each", each);
    figures.note("denial_ms", DENIAL_MS);
    are_equal(setup, figures, "", &samples)
}

/// The same with accounts that are locked by failures.
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
    // A hundred samples detect only large differences. Short runs test that everything works.
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

/// The times without the delay of denials: only the equal work hides the difference. Bcrypt takes
/// its own time.
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

/// The control: one kind is a little slower, which must be detected.
async fn a_difference(setup: &Setup, figures: &mut Figures) -> anyhow::Result<()> {
    let added_us = if setup.is_short { 20 * ADDED_US } else { ADDED_US };
    let slower = |question: &mut Question| {
        if question.name == "unknown" {
            question.held_back = Duration::from_micros(added_us.into());
        }
    };
    let samples = measure(setup, Server::default(), setup.count(5000, 100), slower).await?;
    let of = |wanted| {
        samples.iter().find(|sample| sample.name == wanted).context("a question was not measured")
    };
    let (known, unknown) = (of("known")?, of("unknown")?);
    figures.note("added_us", added_us);
    figures.note("unknown_shift_us", compare(known, unknown).0.map(f64::round).to_vec());
    figures.at_least("unknown_p", separation(&known.micros, &unknown.micros).p, UNLIKELY);
    Ok(())
}

/// Returns the shift of the median in microseconds, and the AUC.
fn compare(known: &Sample, other: &Sample) -> ([f64; 2], f64) {
    let apart = separation(&known.micros, &other.micros);
    (median_shift(&known.micros, &other.micros), apart.auc)
}

fn note(figures: &mut Figures, prefix: &str, sample: &Sample) {
    let name = sample.name;
    figures.note(&format!("{prefix}{name}_median_us"), median(&sample.micros).round());
    figures.note(&format!("{prefix}{name}_p99_us"), percentile(&sample.micros, 0.99).round());
}

/// Starts a server, makes an account of each kind, and asks each question `each` times. Server and
/// client have a core each, if there are two.
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
    /// Hashes have the lowest cost, so that thousands of attempts finish in minutes.
    fn configure(self, config: &mut Config) {
        (config.auth.argon2_memory_kib, config.auth.argon2_passes) = (64, 1);
        config.limits.denial_ms = self.denial_ms;
        config.attempts = unlimited();
        if let Some(failures) = self.closed_after {
            config.attempts.unknown_device = failures;
        }
    }
}

/// A wrong password for a known, an unknown and an imported account, and the right one for a
/// disabled account.
async fn questions(daemon: &Daemon, people: &[Member]) -> anyhow::Result<Vec<Question>> {
    let [known, disabled, imported] = people else { anyhow::bail!("expected three people") };
    let names =
        [&known.persona, &disabled.persona, &imported.persona].map(|persona| &persona.username);
    daemon.administer(&["user", "disable", names[1].as_str()]).await?;
    import(daemon, names[2]).await?;
    let right = known.persona.login(crowd::now()).with(|login| login.face = None);
    let wrong = right.clone().with(|login| login.password = Secret::new("violet-Ox-43".into()));
    let asked = |name, username: &Username, login: &Login| {
        let login = login.clone().with(|login| login.username = username.clone());
        let payload = Command::Login(login).to_json().expose().clone();
        Question { name, payload, held_back: Duration::ZERO }
    };
    let questions = vec![
        asked("known", names[0], &wrong),
        asked("unknown", &Username::parse(UNKNOWN)?, &wrong),
        asked("disabled", names[1], &right),
        asked("bcrypt", names[2], &wrong),
    ];
    let length = questions[0].payload.len();
    ensure!(
        questions.iter().all(|question| question.payload.len() == length),
        "the questions differ in length"
    );
    Ok(questions)
}

/// Gives an account the hash that an import would have stored.
async fn import(daemon: &Daemon, name: &Username) -> anyhow::Result<()> {
    let file = SqliteConnectOptions::new().filename(daemon.database());
    let mut database = SqliteConnection::connect_with(&file).await?;
    let done = sqlx::query("UPDATE users SET password_hash = ? WHERE username = ?")
        .bind(BCRYPT)
        .bind(name.as_str())
        .execute(&mut database)
        .await?;
    ensure!(done.rows_affected() == 1, "{name} has no account");
    sqlx::query("UPDATE users SET row_seal = NULL").execute(&mut database).await?;
    database.close().await?;
    // The import would also have sealed the row.
    let keyring = Arc::new(Keyring::load(&daemon.config.keyring_file())?);
    let store = Store::open_existing(&daemon.config.location(), keyring).await?;
    store.seal_rows().await?;
    store.close().await;
    Ok(())
}
