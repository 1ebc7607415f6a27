//! The metrics of a running server: they agree with the audit log, name no user, and are what the
//! table in the documents, the dashboard and the alerts say.

use crate::checked_in;
use fourauth_config::Config;
use fourauth_protocol::{
    answer::AuditRow,
    command::{Authorise, Command},
    secret::Secret,
    username::Username,
};
use fourauth_tests::{persona::Persona, server::TestServer, with::With as _};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// One sample: its name, labels and value.
type Sample<'a> = (&'a str, BTreeMap<&'a str, &'a str>, f64);

/// The samples of an exposition.
fn samples(text: &str) -> Vec<Sample<'_>> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| sample(line).unwrap_or_else(|| panic!("not a sample: {line}"))).collect()
}

fn sample(line: &str) -> Option<Sample<'_>> {
    let (series, value) = line.rsplit_once(' ')?;
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    let labels = labels.strip_suffix('}')?.split(',').filter(|pair| !pair.is_empty());
    let pair = |pair: &'_ str| -> Option<(usize, usize)> {
        let (name, value) = pair.split_once("=\"")?;
        value.strip_suffix('"').map(|value| (name.len(), value.len()))
    };
    let labels = labels.map(|text| {
        let (name, value) = pair(text)?;
        Some((&text[..name], &text[name + 2..name + 2 + value]))
    });
    Some((name, labels.collect::<Option<_>>()?, value.parse().ok()?))
}

/// The kind of each metric, by name.
fn kinds(text: &str) -> BTreeMap<&str, &str> {
    text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect()
}

/// The value of the only sample with this name.
fn value(text: &str, name: &str) -> Option<f64> {
    samples(text).into_iter().find(|(of, ..)| *of == name).map(|(.., value)| value)
}

/// Numbers of attempts by action and outcome.
type Counts = BTreeMap<(String, String), u64>;

/// As the metrics tell them, without those that have not occurred.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "they are counts")]
fn told(text: &str) -> Counts {
    let mut counts = Counts::new();
    for (name, labels, count) in samples(text) {
        if name == "fourauth_attempts_total" && count > 0.0 {
            let key = (labels["action"].to_owned(), labels["outcome"].to_owned());
            *counts.entry(key).or_default() += count as u64;
        }
    }
    counts
}

/// As the audit log tells them.
fn logged(rows: &[AuditRow], actions: &BTreeSet<String>) -> Counts {
    let word = |row: &AuditRow, name: &str| {
        let value =
            row.detail.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        value.unwrap_or_else(|| panic!("{name} is not in {}", row.detail)).to_owned()
    };
    let mut counts = Counts::new();
    for row in rows {
        let (action, outcome, count) = match row.action.as_str() {
            "limited" => (word(row, "command"), "refused", word(row, "count").parse().unwrap()),
            "session_use" => (word(row, "command"), "granted", word(row, "count").parse().unwrap()),
            action if !actions.contains(action) => continue,
            action if row.success => (action.to_owned(), "granted", 1),
            action if row.detail.starts_with("Undecided.") => (action.to_owned(), "undecided", 1),
            action => (action.to_owned(), "denied", 1),
        };
        *counts.entry((action, outcome.to_owned())).or_default() += count;
    }
    counts
}

/// A server, a user with a distinctive name, and the token of the user's session.
async fn signed_in() -> (TestServer, Persona, Secret<String>) {
    let server = TestServer::start().await;
    let user = server.enrol("zebulon", "obama.jpg").await;
    let login = Command::Login(user.login(server.now()));
    let token = server.client().send_once(login).await.unwrap().body.token.unwrap();
    (server, user, token)
}

/// Attempts of several kinds, one of each outcome at least.
async fn attempt_all(server: &TestServer, user: &Persona, token: &Secret<String>) {
    // The code of the present step is spent.
    server.clock().advance_ms(30_000);
    let right = user.login(server.now());
    let wrong = [
        right.clone().with(|login| login.password = Secret::new("no".into())),
        right.clone().with(|login| login.username = Username::parse("zebedee").unwrap()),
        right.clone().with(|login| login.mac = None),
        right.clone(),
        right.clone(),
    ];
    let mut commands: Vec<Command> = wrong.into_iter().map(Command::Login).collect();
    for token in [token.clone(), token.clone(), Secret::new("zebra".into())] {
        commands.push(Command::Authorise(Authorise::new(token).device(user.mac)));
    }
    for command in commands {
        server.client().send_once(command).await.unwrap();
    }
    let authenticator = &server.server().context().authenticator;
    authenticator.set_full(true);
    server.client().send_once(Command::ConfirmTotp(user.confirm(server.now()))).await.unwrap();
    authenticator.set_full(false);
}

/// The whole log, once the row of the undecided attempt and all counts are in it.
async fn settled_log(server: &TestServer) -> Vec<AuditRow> {
    let later = server.now().saturating_add_ms(7_200_000);
    server.server().store().conclude_refusals(later).await.unwrap();
    server.server().store().conclude_uses(later).await.unwrap();
    loop {
        let rows = server.audit().await;
        if rows.iter().any(|row| row.detail.starts_with("Undecided.")) {
            return rows;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_counts_of_attempts_agree_with_the_audit_log() {
    let (server, user, token) = signed_in().await;
    attempt_all(&server, &user, &token).await;
    let rows = settled_log(&server).await;
    let text = server.server().metrics();
    let undecided = samples(&text).into_iter().filter_map(|(_, labels, _)| {
        let is_undecided = labels.get("outcome") == Some(&"undecided");
        is_undecided.then(|| labels["action"].to_owned())
    });
    let actions: BTreeSet<String> = undecided.collect();
    assert!(actions.len() > 15, "every action has a count from the start: {actions:?}");
    let (told, logged) = (told(&text), logged(&rows, &actions));
    assert_eq!(told, logged);
    // Control: the comparison covers every outcome.
    let outcomes: BTreeSet<&str> = logged.keys().map(|(_, outcome)| outcome.as_str()).collect();
    assert_eq!(outcomes, BTreeSet::from(["denied", "granted", "refused", "undecided"]));
    for factor in ["credentials", "device", "totp"] {
        let label = format!(r#"action="login",door="native",outcome="denied",factor="{factor}""#);
        assert!(text.contains(&label), "{factor}");
    }
}

#[tokio::test]
async fn no_label_names_a_user_or_an_address() {
    let (server, user, token) = signed_in().await;
    attempt_all(&server, &user, &token).await;
    let mut raw = server.raw().await;
    raw.send_payload(br#"{"cmd":"100","username":"zebulon","password":7}"#).await;
    raw.payload().await.unwrap();
    let text = server.server().metrics();
    let peer = server.last_row().await;
    assert!(peer.detail.contains("127.0.0.1"), "the log names the peer: {}", peer.detail);
    for secret in ["zeb", "127.0.0.1", user.password.expose()] {
        assert!(!text.contains(secret), "{secret} is in the metrics");
    }
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_.+I".contains(c);
    let mut values = 0;
    for (name, labels, _) in samples(&text) {
        assert!(
            labels.values().all(|label| label.chars().all(is_word) && label.len() < 20),
            "{name}"
        );
        values += labels.len();
    }
    assert!(values > 100, "only {values} labels were found");
}

#[tokio::test]
async fn an_exposition_has_one_type_for_each_sample() {
    let (server, user, token) = signed_in().await;
    attempt_all(&server, &user, &token).await;
    let text = server.server().metrics();
    let (kinds, mut seen) = (kinds(&text), BTreeSet::new());
    assert_eq!(text.matches("# TYPE ").count(), kinds.len(), "no metric is divided");
    for (name, labels, value) in samples(&text) {
        assert!(!value.is_nan() && seen.insert((name, labels)), "{name} is there twice");
        let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|end| {
            let family = name.strip_suffix(end)?;
            (kinds.get(family) == Some(&"histogram")).then_some(family)
        });
        let family = of_histogram.unwrap_or(name);
        let kind = kinds.get(family).unwrap_or_else(|| panic!("{name} has no type"));
        assert_eq!(*kind == "counter", name.ends_with("_total"), "{name}");
    }
}

#[tokio::test]
async fn frames_and_connections_are_counted_as_they_come() {
    let server = TestServer::start().await;
    let before = server.server().metrics();
    let mut raw = server.raw().await;
    raw.send_payload(b"[]").await;
    raw.payload().await.unwrap();
    let text = server.server().metrics();
    let malformed = r#"fourauth_rejected_frames_total{kind="malformed"}"#;
    assert!(before.contains(&format!("{malformed} 0")) && text.contains(&format!("{malformed} 1")));
    assert_eq!(value(&before, "fourauth_open_connections"), Some(0.0));
    assert_eq!(value(&text, "fourauth_open_connections"), Some(1.0));
    assert_eq!(value(&text, "fourauth_silent_connections"), Some(1.0));
}

/// Lets the server believe that 16 s have passed, so that the database may be counted again.
async fn time_of_a_count() {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(16)).await;
    tokio::time::resume();
}

/// The metrics, once they have this sample.
async fn metrics_with(server: &TestServer, line: &str) -> String {
    loop {
        let text = server.server().metrics();
        if text.lines().any(|of| of == line) {
            return text;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_database_is_counted_only_every_15_seconds() {
    let server = TestServer::start().await;
    let user = server.enrol("zebulon", "obama.jpg").await;
    assert!(server.client().login_once(user.login(server.now())).await.unwrap());
    for _ in 0..20 {
        assert!(server.server().metrics().contains("fourauth_open_sessions 0\n"));
        server.server().health().await;
    }
    time_of_a_count().await;
    let text = metrics_with(&server, "fourauth_open_sessions 1").await;
    assert!(value(&text, "fourauth_database_size_bytes") > Some(10_000.0));
    assert!(value(&text, "fourauth_audit_rows") >= Some(3.0));
}

#[tokio::test]
async fn a_sink_that_takes_no_checkpoint_is_behind() {
    let server = TestServer::configured(|config: &mut Config| {
        config.audit.checkpoint_s = 1;
        config.audit.checkpoint_sinks =
            Some(vec!["https://127.0.0.1:9/checkpoints".parse().unwrap()]);
    })
    .await;
    let text = metrics_with(&server, "fourauth_checkpoint_sinks_behind 1").await;
    assert_eq!(value(&text, "fourauth_checkpoint_sinks"), Some(1.0));
    // Control: the sink of every other test, a file in the data folder, is not behind.
    let text = TestServer::start().await.server().metrics();
    assert_eq!(value(&text, "fourauth_checkpoint_sinks_behind"), Some(0.0));
}

/// The names in a text, without the endings of histograms.
fn names(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c == '_';
    let words = text.split(|c| !is_part(c)).filter(|word| word.starts_with("fourauth_"));
    words.map(|word| word.strip_suffix("_bucket").unwrap_or(word).to_owned()).collect()
}

#[tokio::test]
async fn dashboard_and_alerts_use_metrics_that_exist() {
    let text = TestServer::start().await.server().metrics();
    let exists = kinds(&text);
    for file in ["deploy/grafana/fourauth.json", "deploy/prometheus/alerts.yml"] {
        let names = names(&checked_in::read(file));
        assert!(names.len() > 5, "only {names:?} were found in {file}");
        for name in names {
            assert!(exists.contains_key(name.as_str()), "{file} uses {name}");
        }
    }
    let dashboard = checked_in::read("deploy/grafana/fourauth.json");
    serde_json::from_str::<serde_json::Value>(&dashboard).unwrap();
}

#[tokio::test]
async fn the_table_of_metrics_is_what_a_server_shows() {
    let text = TestServer::start().await.server().metrics();
    let document = checked_in::read("docs/OPERATIONS.md");
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `fourauth_"));
    let documented: BTreeMap<String, String> = rows
        .map(|row| {
            let (name, rest) = row.split_once("` | ").unwrap();
            (format!("fourauth_{name}"), rest.split(" | ").next().unwrap().to_owned())
        })
        .collect();
    let shown = kinds(&text).into_iter().map(|(name, kind)| (name.to_owned(), kind.to_owned()));
    assert_eq!(documented, shown.collect());
}

#[test]
fn every_alert_has_words_and_a_runbook_that_exists() {
    let alerts = checked_in::read("deploy/prometheus/alerts.yml");
    let document = checked_in::read("docs/OPERATIONS.md");
    let anchor =
        |heading: &str| heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
    let anchors: BTreeSet<String> =
        document.lines().filter(|line| line.starts_with('#')).map(anchor).collect();
    let alerts: Vec<&str> = alerts.split("- alert: ").skip(1).collect();
    assert!(alerts.len() > 8, "only {} alerts were found", alerts.len());
    for alert in alerts {
        let field = |name: &str| {
            let mut lines = alert.lines().map(str::trim);
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        };
        let name = alert.lines().next().unwrap();
        assert!(field("summary").is_some() && field("description").is_some(), "{name}");
        let (file, anchor) = field("runbook").and_then(|link| link.split_once('#')).unwrap();
        assert_eq!(file, "docs/OPERATIONS.md", "{name}");
        assert!(anchors.contains(anchor), "{name} links to #{anchor}");
    }
}
