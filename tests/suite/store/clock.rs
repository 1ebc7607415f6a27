//! Clock reports of servers: a start reads what was stored, and a request is taken only once.

use super::fixture::{Database, NOW};
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{Alarm, AuditEntry, ClockPast, ClockReport, Error, Store};

on_both_databases![
    a_report_is_read_as_it_was_written,
    a_report_without_a_verified_time_keeps_the_stored_one,
    a_start_reads_the_reports_of_all_servers,
    without_reports_the_newest_successful_login_counts,
    a_request_is_taken_once_and_outlives_reports,
    a_clock_reset_applies_to_every_server,
];

const LATER: UnixMillis = NOW.saturating_add_ms(60_000);

fn synced(node: &str) -> ClockReport {
    ClockReport {
        node: node.into(),
        running: true,
        state: "synced".into(),
        error_ms: u32::MAX,
        vouched: Some(NOW),
        agreeing: 3,
        asked: 4,
        barred: false,
        offer_ms: Some(-3_600_000),
        alarm: Some(Alarm { at: NOW, text: "Time server b was outvoted.".into() }),
        updated: NOW,
    }
}

async fn report(store: &Store, report: ClockReport) {
    let written: Result<(), Error> =
        store.write(move |tx| Box::pin(async move { tx.report_clock(&report).await })).await;
    written.unwrap();
}

async fn ask(store: &Store, node: &'static str, offer_ms: i64) -> bool {
    let asked: Result<bool, Error> =
        store.write(move |tx| Box::pin(async move { tx.ask_clock(node, offer_ms).await })).await;
    asked.unwrap()
}

async fn take(store: &Store) -> bool {
    let taken: Result<bool, Error> =
        store.write(|tx| Box::pin(async move { tx.take_clock_request("a:1").await })).await;
    taken.unwrap()
}

async fn log(store: &Store, at: UnixMillis, action: &'static str, success: bool) {
    let detail = String::new();
    store.append(AuditEntry { at, username: None, action, success, detail }).await.unwrap();
}

async fn a_report_is_read_as_it_was_written(database: Database) {
    let store = database.open().await;
    assert_eq!(store.clock_reports().await.unwrap(), []);
    let bare = ClockReport { vouched: None, offer_ms: None, alarm: None, ..synced("a:1") };
    report(&store, synced("b:1")).await;
    report(&store, bare.clone()).await;
    assert_eq!(store.clock_reports().await.unwrap(), [bare, synced("b:1")]);
}

async fn a_report_without_a_verified_time_keeps_the_stored_one(database: Database) {
    let store = database.open().await;
    report(&store, synced("a:1")).await;
    let denied = ClockReport {
        state: "denied".into(),
        vouched: None,
        alarm: None,
        updated: LATER,
        ..synced("a:1")
    };
    report(&store, denied.clone()).await;
    let known = ClockReport { vouched: Some(NOW), alarm: synced("a:1").alarm, ..denied };
    assert_eq!(store.clock_reports().await.unwrap(), [known]);
}

async fn a_start_reads_the_reports_of_all_servers(database: Database) {
    let store = database.open().await;
    assert_eq!(store.clock_past().await, Ok(ClockPast { vouched: None, barred: false }));
    report(&store, ClockReport { barred: true, ..synced("a:1") }).await;
    report(&store, ClockReport { vouched: Some(LATER), ..synced("b:1") }).await;
    log(&store, LATER.saturating_add_ms(1), "login", true).await;
    let known = ClockPast { vouched: Some(LATER), barred: true };
    assert_eq!(store.clock_past().await, Ok(known));
    store.close().await;
    assert_eq!(database.open().await.clock_past().await, Ok(known));
}

async fn without_reports_the_newest_successful_login_counts(database: Database) {
    let store = database.open().await;
    log(&store, LATER, "login", true).await;
    log(&store, NOW, "login", true).await;
    // Rows written under an unverified clock do not count.
    log(&store, LATER, "login", false).await;
    log(&store, LATER, "user_disable", true).await;
    report(&store, ClockReport { vouched: None, ..synced("a:1") }).await;
    assert_eq!(store.clock_past().await.unwrap().vouched, Some(NOW));
}

async fn a_request_is_taken_once_and_outlives_reports(database: Database) {
    let store = database.open().await;
    assert!(!ask(&store, "a:1", 5).await, "no server of that name has reported");
    report(&store, synced("a:1")).await;
    report(&store, synced("b:1")).await;
    assert!(!take(&store).await);
    assert!(ask(&store, "a:1", -3_600_000).await);
    report(&store, synced("a:1")).await;

    assert_eq!(store.clock_request("b:1").await, Ok(None));
    assert_eq!(store.clock_request("a:1").await, Ok(Some(-3_600_000)));
    assert!(take(&store).await);
    assert!(!take(&store).await);
    assert_eq!(store.clock_request("a:1").await, Ok(None));

    assert_eq!(store.clock_answer("a:1").await, Ok(None));
    let answered: Result<(), Error> = store
        .write(|tx| Box::pin(async move { tx.answer_clock_request("a:1", "accepted").await }))
        .await;
    answered.unwrap();
    assert_eq!(store.clock_answer("a:1").await, Ok(Some("accepted".into())));
    assert!(ask(&store, "a:1", 7).await);
    assert_eq!(store.clock_answer("a:1").await, Ok(None), "a new request removes the old answer");
}

async fn a_clock_reset_applies_to_every_server(database: Database) {
    let store = database.open().await;
    report(&store, ClockReport { barred: true, vouched: Some(LATER), ..synced("a:1") }).await;
    report(&store, ClockReport { barred: true, vouched: None, ..synced("gone:1") }).await;
    let reset: Result<(), Error> =
        store.write(|tx| Box::pin(async move { tx.reset_clocks(NOW).await })).await;
    reset.unwrap();
    let known = ClockPast { vouched: Some(NOW), barred: false };
    assert_eq!(store.clock_past().await, Ok(known));
    let vouched: Vec<_> =
        store.clock_reports().await.unwrap().into_iter().map(|report| report.vouched).collect();
    assert_eq!(vouched, [Some(NOW), None]);
}
