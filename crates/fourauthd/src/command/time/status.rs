//! `fourauthd time status`: prints the clock reports of the servers, with advice.

use super::{Output, Presence, age_ms};
use crate::{
    local_store::LocalStore,
    screen::{self, printable},
};
use anyhow::bail;
use fourauth_protocol::time::UnixMillis;
use fourauth_store::ClockReport;
use fourauth_timekeeper::{Reading, State};
use serde::Serialize;

/// Age after which a report is ignored, in milliseconds: one day.
const MAX_SILENCE_MS: u64 = 86_400_000;

/// Reports of all servers.
#[derive(Debug, Serialize)]
struct Overview {
    /// True if at least one server counts, and each that counts has a confirmed time.
    trusted: bool,
    servers: Vec<Line>,
}

/// Report of one server.
#[derive(Debug, Serialize)]
struct Line {
    server: String,
    running: bool,
    age_ms: i64,
    state: String,
    /// Upper bound on the clock error, if one is known.
    error_ms: Option<u32>,
    vouched: Option<UnixMillis>,
    agreeing: u32,
    asked: u32,
    waits_for_operator: bool,
    offer_ms: Option<i64>,
    alarm: Option<String>,
    alarm_at: Option<UnixMillis>,
    advice: String,
}

/// Prints the reports.
pub(super) async fn run(local: &LocalStore, output: Output) -> anyhow::Result<()> {
    let overview = Overview::of(local.store.clock_reports().await?, local.now);
    match output {
        Output::Json => screen::json(&overview)?,
        Output::Text => {
            let texts: Vec<String> = overview.servers.iter().map(Line::text).collect();
            print_out!("{}", texts.join("\n\n"))?;
        }
    }
    if overview.servers.is_empty() {
        bail!("no server has reported yet")
    }
    if !overview.trusted {
        bail!("the time is not confirmed")
    }
    Ok(())
}

impl Overview {
    fn of(reports: Vec<ClockReport>, now: UnixMillis) -> Self {
        let mut counted = reports.iter().filter(|report| counts(report, now)).peekable();
        let trusted = counted.peek().is_some() && counted.all(|report| is_trusted(report, now));
        Self { trusted, servers: reports.into_iter().map(|report| Line::of(report, now)).collect() }
    }
}

/// True if this server counts: it reported within a day, and did not report a clean shutdown.
pub(super) fn counts(report: &ClockReport, now: UnixMillis) -> bool {
    report.running && age_ms(report, now).unsigned_abs() <= MAX_SILENCE_MS
}

fn is_trusted(report: &ClockReport, now: UnixMillis) -> bool {
    let is_confirmed =
        matches!(State::from_word(&report.state), Some(State::Synced | State::Holdover));
    Presence::of(report, now) == Presence::Running && is_confirmed
}

impl Line {
    fn of(report: ClockReport, now: UnixMillis) -> Self {
        let alarm_at = report.alarm.as_ref().map(|alarm| alarm.at);
        Self {
            running: Presence::of(&report, now) == Presence::Running,
            age_ms: age_ms(&report, now),
            error_ms: (report.error_ms != Reading::UNBOUNDED).then_some(report.error_ms),
            advice: advice(&report, now),
            vouched: report.vouched,
            server: report.node,
            state: report.state,
            agreeing: report.agreeing,
            asked: report.asked,
            waits_for_operator: report.barred,
            offer_ms: report.offer_ms,
            alarm: report.alarm.map(|alarm| alarm.text),
            alarm_at,
        }
    }

    fn text(&self) -> String {
        let error = self.error_ms.map_or("not known".to_owned(), |ms| format!("{ms} ms"));
        let vouched = self.vouched.map_or("never".to_owned(), |instant| instant.to_string());
        let alarm = match (&self.alarm, self.alarm_at) {
            (Some(text), Some(at)) => format!("{at}: {}", printable(text)),
            (Some(_) | None, _) => "none".to_owned(),
        };
        format!(
            "server       {}, {} s ago\nstate        {}\nerror        {error}\n\
             confirmed    {vouched}\nagreeing     {} of {} time servers\nlast alarm   {alarm}\n\
             to do        {}",
            printable(&self.server),
            self.age_ms / 1000,
            printable(&self.state),
            self.agreeing,
            self.asked,
            self.advice,
        )
    }
}

/// Advice to the operator.
fn advice(report: &ClockReport, now: UnixMillis) -> String {
    match Presence::of(report, now) {
        Presence::Stopped => return "the server was stopped; start it".into(),
        Presence::Silent => {
            return "no current report: check that the server runs and the system clock is right"
                .into();
        }
        Presence::Running => {}
    }
    if let Some(offer_ms) = report.offer_ms {
        return offered(offer_ms);
    }
    match State::from_word(&report.state) {
        Some(State::Synced) => "nothing",
        Some(State::Holdover) => "check that the time servers answer (UDP, port 123)",
        Some(State::Local) if report.asked == 0 => {
            "keep the system clock right: no time servers are configured"
        }
        Some(State::Denied) if report.asked == 0 => {
            "set the system clock; `strict` also needs time.servers"
        }
        Some(State::Local | State::Denied) => {
            "set the system clock, and check that the time servers answer (UDP, port 123)"
        }
        None => "unknown state: use the version of `fourauthd` that the server runs",
    }
    .into()
}

fn offered(offer_ms: i64) -> String {
    if offer_ms == 0 {
        return "if the time agrees with a clock that you trust: `fourauthd time accept`".into();
    }
    let (span, direction) =
        (offer_ms.unsigned_abs(), if offer_ms < 0 { "earlier" } else { "later" });
    format!(
        "a time {span} ms {direction} is offered and refused. If it agrees with a clock that you \
         trust: `fourauthd time accept`; if not, check time.servers"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_store::Alarm;

    const NOW: UnixMillis = UnixMillis(1_795_262_400_000);

    fn synced() -> ClockReport {
        ClockReport {
            node: "self".into(),
            running: true,
            state: "synced".into(),
            error_ms: 31,
            vouched: Some(NOW),
            agreeing: 4,
            asked: 4,
            barred: false,
            offer_ms: None,
            alarm: Some(Alarm { at: NOW, text: "Time server b was outvoted.".into() }),
            updated: NOW.saturating_add_ms(-30_000),
        }
    }

    fn is_trusted_with(reports: Vec<ClockReport>) -> bool {
        Overview::of(reports, NOW).trusted
    }

    #[test]
    fn a_fresh_report_of_a_confirmed_time_is_trusted() {
        for state in ["synced", "holdover"] {
            assert!(is_trusted_with(vec![ClockReport { state: state.into(), ..synced() }]));
        }
    }

    #[test]
    fn an_old_stopped_or_unconfirmed_report_is_not_trusted() {
        for state in ["local", "denied", "", "certain"] {
            assert!(!is_trusted_with(vec![ClockReport { state: state.into(), ..synced() }]));
        }
        assert!(!is_trusted_with(Vec::new()));
        assert!(!is_trusted_with(vec![ClockReport { running: false, ..synced() }]));
        for age in [121_000, -121_000, i64::MAX] {
            let updated = NOW.saturating_add_ms(-age);
            assert!(!is_trusted_with(vec![ClockReport { updated, ..synced() }]), "{age}");
        }
    }

    #[test]
    fn only_servers_that_should_run_count() {
        let aged = |age: i64| ClockReport {
            updated: NOW.saturating_add_ms(-age),
            node: "other".into(),
            ..synced()
        };
        let stopped = ClockReport { running: false, node: "other".into(), ..synced() };
        assert!(is_trusted_with(vec![synced(), stopped]));
        assert!(is_trusted_with(vec![synced(), aged(90_000_000)]));
        assert!(!is_trusted_with(vec![synced(), aged(3_600_000)]));
    }

    #[test]
    fn json_output_is_one_line() {
        let json = serde_json::to_string(&Overview::of(vec![synced()], NOW)).unwrap();
        assert_eq!(
            json,
            r#"{"trusted":true,"servers":[{"server":"self","running":true,"age_ms":30000,"state":"synced","error_ms":31,"vouched":"2026-11-21T12:00:00.000Z","agreeing":4,"asked":4,"waits_for_operator":false,"offer_ms":null,"alarm":"Time server b was outvoted.","alarm_at":"2026-11-21T12:00:00.000Z","advice":"nothing"}]}"#
        );
    }

    #[test]
    fn a_refused_offer_is_shown_with_its_direction() {
        let report = ClockReport { state: "denied".into(), offer_ms: Some(-5_000), ..synced() };
        let line = Line::of(report, NOW).text();
        assert!(line.contains("5000 ms earlier") && line.contains("time accept"), "{line}");
    }
}
