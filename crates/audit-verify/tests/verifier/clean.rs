//! An unchanged log has no findings.

use crate::fixture::{Log, kinds};
use fourauth_audit_verify::{Input, Kind, Options, verify};

#[test]
fn unchanged_logs_of_all_sizes_are_proved() {
    for rows in [0, 1, 2, 9, 10, 11, 255, 256, 257, 600] {
        let report = Log::of(rows).report();
        assert!(report.is_proved(), "{rows}: {report}");
        assert!(report.counts.is_empty(), "{rows}: {report}");
        assert_eq!(report.rows, rows);
        assert_eq!(report.exported_checkpoints, report.checkpoints);
    }
}

#[test]
fn an_export_and_the_database_give_the_same_report() {
    let log = Log::of(300);
    log.erase(301, "person-3");
    log.sign(302);
    let of_export = verify(&log.export(), &log.options()).unwrap();
    let of_database = log.report();
    assert_eq!(of_export.input, Input::Export);
    assert!(of_export.is_proved(), "{of_export}");
    assert_eq!(of_export.root, of_database.root);
    assert_eq!(of_export.erased_rows, of_database.erased_rows);
    assert_eq!(of_export.checkpoints, of_database.checkpoints);
}

#[test]
fn rows_that_are_only_in_the_journal_are_read() {
    let log = Log::of(5);
    assert!(log.file().with_file_name("users.db-wal").metadata().unwrap().len() > 0);
    assert_eq!(log.report().rows, 5);
}

#[test]
fn a_copy_without_a_journal_is_read() {
    let log = Log::of(5);
    let copy = log.folder.path().join("a copy %3f?.db");
    log.run("VACUUM INTO ?", &[&copy.to_str().unwrap()]);
    assert_eq!(verify(&copy, &log.options()).unwrap().rows, 5);
    assert!(!copy.with_file_name("a copy %3f?.db-wal").exists());
}

#[test]
fn several_nodes_and_erasures_are_proved() {
    let log = Log::of(20);
    for row in 0..20 {
        log.append_by(["a", "b", "c"][row % 3], 21, Some("ada"), "login", "ok");
    }
    log.erase(22, "person-1");
    log.erase(22, "ada");
    log.erase(22, "unknown");
    log.sign(23);
    let report = log.report();
    assert!(report.counts.is_empty(), "{report}");
    assert_eq!(report.erased_rows, 3 + 20);
}

#[test]
fn rows_that_are_older_than_the_tree_are_proved() {
    let log = Log::empty();
    for ts_utc in ["2019-03-01T12:00:00.123456+00:00", "2019-03-01 12:00:01"] {
        log.run("INSERT INTO access_logs VALUES (NULL, ?, 'ada', '100', 0, 'x')", &[&ts_utc]);
    }
    log.run("UPDATE audit_tree SET legacy_to = 2, legacy_done = 2", &[]);
    log.seal(1, "self");
    log.seal(2, "self");
    log.append(1, None, "login", "ok");
    log.sign(1);
    let report = log.report();
    assert!(report.counts.is_empty(), "{report}");
}

#[test]
fn rows_that_no_checkpoint_covers_are_only_a_note() {
    let log = Log::of(10);
    log.append(11, Some("ada"), "login", "ok");
    let report = log.report();
    assert!(report.is_proved());
    assert_eq!(report.counts[&Kind::UnsignedTail], 1);
    assert_eq!(report.findings[0].size, Some(10));
}

#[test]
fn rows_that_were_signed_late_are_only_a_note() {
    let log = Log::of(10);
    let late = log.append(20, Some("ada"), "login", "ok");
    log.append(1000, Some("ada"), "login", "ok");
    log.sign(921);
    let report = log.report();
    assert!(report.is_proved(), "{report}");
    assert_eq!(report.counts[&Kind::Late], 1);
    assert_eq!(report.findings[0].row, Some(late));
}

#[test]
fn a_log_across_many_epochs_is_proved() {
    let log = Log::empty();
    for hour in 0..13 {
        log.append(hour * 3600, None, "login", "ok");
        log.sign(hour * 3600 + 1);
    }
    let report = log.report();
    assert!(report.is_proved(), "{report}");
}

#[test]
fn a_rollback_that_the_auditor_knows_of_is_accepted() {
    let log = Log::of(50);
    let lost = log.sign(50);
    log.set_back_to(30);
    let (row, size) = log.accept_rollback(60, &lost);
    for second in 61..=90 {
        log.append(second, Some("ada"), "login", "ok");
        log.sign(second);
    }
    let report = log.report();
    assert_eq!(kinds(&report), ["rollback"], "{report}");
    assert_eq!((report.findings[0].row, report.findings[0].size), (Some(row), Some(size)));

    let mut options = log.options();
    options.accepted.insert(size);
    for input in [log.file(), log.export()] {
        let report = verify(&input, &options).unwrap();
        assert!(report.counts.is_empty(), "{report}");
        assert_eq!(report.given_up_checkpoints, 3, "the checkpoints of 40, 50 and 50 rows");
    }
}

#[test]
fn the_report_warns_if_there_are_no_exported_checkpoints() {
    let log = Log::of(30);
    let report = verify(&log.file(), &Options::new(log.verifying_key())).unwrap();
    assert!(report.is_proved());
    assert!(report.to_string().contains("a missing end cannot be detected"));
}
