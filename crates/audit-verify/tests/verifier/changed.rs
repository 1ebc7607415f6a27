//! Every change of the database yields a finding of the right kind.

use crate::fixture::{Log, ORIGIN, kinds};
use data_encoding::HEXLOWER;
use fourauth_audit::{EpochKey, Erasure, ErasureSigner, SigningKey, leaf::erasure_digest};
use fourauth_audit_verify::{Kind, Options, verify};
use rusqlite::ToSql;

/// Runs statements on a log of 300 rows and returns the kinds of the findings.
fn after(statements: &[(&str, &[&dyn ToSql])]) -> (Log, Vec<&'static str>) {
    let log = Log::of(300);
    for (sql, values) in statements {
        assert!(log.run(sql, values) > 0, "{sql}");
    }
    let found = log.found();
    (log, found)
}

#[test]
fn a_change_in_any_column_of_a_row_is_found() {
    for change in [
        "ts_utc = ts_utc || ' '",
        "username = 'mallory'",
        "username = NULL",
        "username = ''",
        "action = 'register'",
        "success = 0",
        "detail = ''",
        "detail = detail || x'00'",
        "detail = CAST(detail AS BLOB)",
        "ts_utc = 5.0",
    ] {
        let sql = format!("UPDATE access_logs SET {change} WHERE id = 37");
        let (log, found) = after(&[(&sql, &[])]);
        // A time that is not read may be any time.
        let both = ["edited_row", "backdated"];
        let expected = if change.starts_with("ts_utc") { &both[..] } else { &both[..1] };
        assert_eq!(found, expected, "{change}");
        let finding = &log.report().findings[0];
        assert_eq!((finding.row, finding.position), (Some(37), Some(36)), "{change}");
    }
}

#[test]
fn a_change_in_any_column_of_a_leaf_is_found() {
    for change in [
        "node = 'other'",
        "node_seq = 1000",
        "leaf_hash = zeroblob(32)",
        "leaf_hash = x'00'",
        "salt = zeroblob(16)",
        "salt = NULL",
        "salt = zeroblob(15)",
        "name_hash = zeroblob(32)",
        "detail_hash = zeroblob(32)",
        "erased_by = 5",
        "erased_by = 'x'",
        "position = 1000",
        "position = -1",
        "position = NULL",
        "position = 36.5",
        "log_id = 1000",
    ] {
        let sql = format!("UPDATE audit_leaf SET {change} WHERE log_id = 37");
        let (_, found) = after(&[(&sql, &[])]);
        assert!(!found.is_empty(), "{change}");
    }
}

#[test]
fn a_missing_leaf_and_a_missing_row_are_different_findings() {
    let (log, found) = after(&[("DELETE FROM access_logs WHERE id = 37", &[])]);
    assert_eq!(found, ["missing_row"]);
    assert_eq!(log.report().findings[0].row, Some(37));

    let (_, found) = after(&[("DELETE FROM audit_leaf WHERE log_id = 37", &[])]);
    assert!(found.contains(&"missing_leaf") && found.contains(&"missing_row"), "{found:?}");

    let row =
        "INSERT INTO access_logs VALUES (NULL, '2026-11-21T10:00:05Z', 'eve', 'login', 1, '')";
    let (log, found) = after(&[(row, &[])]);
    assert_eq!(found, ["inserted_row"]);
    assert_eq!(log.report().findings[0].row, Some(301));
}

#[test]
fn a_row_deleted_with_its_leaf_is_found() {
    for id in [1, 37, 300] {
        let (_, found) = after(&[
            ("DELETE FROM access_logs WHERE id = ?", &[&id]),
            ("DELETE FROM audit_leaf WHERE log_id = ?", &[&id]),
        ]);
        let expected = if id == 300 { "root_mismatch" } else { "missing_row" };
        assert!(found.contains(&expected), "{id}: {found:?}");
    }
}

#[test]
fn swapped_rows_are_found() {
    let swap = |column: &str| {
        let sql = format!(
            "UPDATE access_logs SET {column} = (SELECT {column} FROM access_logs b \
             WHERE b.id = 57 - access_logs.id) WHERE id IN (20, 37)"
        );
        after(&[(&sql, &[])]).1
    };
    assert_eq!(swap("ts_utc"), ["edited_row"]);
    assert_eq!(swap("username"), ["edited_row"]);

    let (_, found) = after(&[
        ("UPDATE audit_leaf SET position = 1000 WHERE position = 20", &[]),
        ("UPDATE audit_leaf SET position = 20 WHERE position = 37", &[]),
        ("UPDATE audit_leaf SET position = 37 WHERE position = 1000", &[]),
    ]);
    assert!(found.contains(&"chain_broken"), "{found:?}");
    assert!(found.contains(&"root_mismatch") && found.contains(&"history_changed"), "{found:?}");
}

#[test]
fn a_change_in_any_column_of_a_checkpoint_is_found() {
    for change in [
        "ts_utc = '2026-11-21T10:00:00Z'",
        "epoch = 1",
        "size = 15",
        "note = replace(note, 'time 2026', 'time 2025')",
        "note = replace(note, 'epoch 0', 'epoch 1')",
        "note = ''",
        "note = x'ff'",
        "note = (SELECT note FROM audit_checkpoint b WHERE b.size = 30)",
    ] {
        let sql = format!("UPDATE audit_checkpoint SET {change} WHERE size = 20");
        let (_, found) = after(&[(&sql, &[])]);
        assert_eq!(found, ["bad_signature"], "{change}");
    }
}

#[test]
fn a_change_of_the_stored_tree_state_is_found() {
    for change in [
        "UPDATE audit_tree SET size = size - 1",
        "UPDATE audit_tree SET frontier = zeroblob(length(frontier))",
        "DELETE FROM audit_tree",
        "UPDATE audit_node SET node_seq = 7",
        "UPDATE audit_node SET leaf_hash = zeroblob(32)",
        "INSERT INTO audit_node VALUES ('other', 3, zeroblob(32))",
        "DELETE FROM audit_node",
        "UPDATE audit_tile SET hash = zeroblob(32)",
        "UPDATE audit_tile SET number = 5",
        "DELETE FROM audit_tile",
        "INSERT INTO audit_tile VALUES (16, 0, zeroblob(32))",
    ] {
        let (_, found) = after(&[(change, &[])]);
        assert_eq!(found, ["tree_state"], "{change}");
    }
}

#[test]
fn a_log_with_another_key_is_refused() {
    let log = Log::of(30);
    let other = SigningKey::from_seed(&[2; 32]).unwrap();
    log.sign_with(30, &other);
    assert_eq!(log.found(), ["bad_signature"]);

    let log = Log::of(30);
    log.run("UPDATE audit_tree SET vkey = ?", &[&log.verifying_key().to_string()]);
    assert_eq!(log.found(), [""; 0]);
    log.run("UPDATE audit_tree SET vkey = 'fourauth/other+00000000+AAAA'", &[]);
    assert_eq!(log.found(), ["bad_signature"]);
}

#[test]
fn exported_checkpoints_reveal_a_tail_cut_and_signed_again() {
    let log = Log::of(300);
    log.set_back_to(290);
    assert_eq!(log.found(), ["tail_gone"]);

    // Signed with the key of the machine: nothing in the database itself shows the change.
    log.append(301, Some("eve"), "login", "ok");
    log.sign_with(302, &log.key);
    let report = log.report();
    assert_eq!(kinds(&report), ["tail_gone"]);
    assert_eq!(report.findings[0].size, Some(300));
    let mut alone = log.options();
    alone.checkpoints.clear();
    assert!(verify(&log.file(), &alone).unwrap().is_proved());
}

#[test]
fn exported_checkpoints_reveal_a_rewritten_history() {
    let log = Log::of(50);
    log.set_back_to(30);
    for second in 31..=60 {
        log.append(second, Some("eve"), "login", "ok");
    }
    log.sign_with(60, &log.key);
    let report = log.report();
    assert_eq!(kinds(&report), ["history_changed"]);
    assert_eq!(report.findings[0].size, Some(40));
}

/// The attacker has the key of the eighth epoch and signs for the first one.
#[test]
fn the_current_epoch_key_cannot_sign_for_earlier_epochs() {
    let log = Log::empty();
    for quarter in 0..8 {
        log.append(quarter * 900, Some("ada"), "login", "ok");
        log.sign(quarter * 900 + 1);
    }
    log.set_back_to(0);
    for quarter in 0..8 {
        log.append(quarter * 900, Some("eve"), "login", "ok");
        log.sign_with(quarter * 900 + 1, &log.key);
    }
    let mut options = log.options();
    options.checkpoints.clear();
    assert_eq!(kinds(&verify(&log.file(), &options).unwrap()), ["bad_epoch_mac"]);
    options.epoch_keys.clear();
    assert!(verify(&log.file(), &options).unwrap().is_proved(), "without the first key");
    options.epoch_keys.push(EpochKey::new(0, [4; 32]));
    let report = verify(&log.file(), &options).unwrap();
    assert_eq!(kinds(&report), ["bad_epoch_mac"], "by another first key");
    assert_eq!(report.findings[0].size, Some(1));
}

/// The attacker has the keys of now, rewrites the first row, deletes checkpoints and signs once.
#[test]
fn the_current_epoch_key_cannot_sign_for_deleted_checkpoints() {
    for kept in [0, 4, 6] {
        let log = Log::empty();
        for quarter in 0..8 {
            log.append(quarter * 900, Some("ada"), "login", "ok");
            log.sign(quarter * 900 + 1);
        }
        log.set_back_to(kept);
        for quarter in kept..9 {
            log.append(quarter * 900, Some("eve"), "login", "ok");
        }
        log.sign_with(8 * 900 + 2, &log.key);
        let mut options = log.options();
        options.checkpoints.clear();
        let report = verify(&log.file(), &options).unwrap();
        assert!(kinds(&report).contains(&"bad_epoch_mac"), "{kept}: {report}");
        options.epoch_keys.clear();
        assert!(
            verify(&log.file(), &options).unwrap().is_proved(),
            "{kept}: without the first key"
        );
    }
}

#[test]
fn rows_of_the_past_under_a_checkpoint_of_now_are_found() {
    let log = Log::of(10);
    log.append(5000, Some("ada"), "login", "ok");
    let dated = log.append(200, Some("eve"), "login", "ok");
    log.sign(5001);
    let report = log.report();
    assert_eq!(kinds(&report), ["backdated"]);
    assert_eq!((report.findings[0].row, report.findings[0].size), (Some(dated), Some(12)));
    let mut options = log.options();
    options.late.push(dated..=dated);
    assert!(verify(&log.file(), &options).unwrap().is_proved(), "the operator told the auditor");
    // What the auditor was told of does not excuse another row under the same checkpoint.
    log.append(9000, Some("ada"), "login", "ok");
    let told = log.append(3000, Some("ada"), "login", "ok");
    let other = log.append(3001, Some("eve"), "login", "ok");
    log.sign(9001);
    options.late.push(told..=told);
    let report = verify(&log.file(), &options).unwrap();
    assert_eq!((kinds(&report), report.findings[0].row), (vec!["backdated"], Some(other)));
    options.late.push(told..=other);
    assert!(verify(&log.file(), &options).unwrap().is_proved());
    options.late.clear();
    options.epoch_keys.clear();
    let report = verify(&log.file(), &options).unwrap();
    assert_eq!(report.counts[&Kind::Late], 2, "notes without the first key");
}

#[test]
fn a_time_that_is_not_read_counts_as_the_oldest() {
    for ts_utc in ["2026-11-20T03:00:00,000Z", "2026-11-20 03:00:00", "2026-02-30T00:00:00Z", ""] {
        let log = Log::of(10);
        log.run(
            "INSERT INTO access_logs (ts_utc, username, action, success, detail) \
             VALUES (?, 'eve', 'login', 1, 'ok')",
            &[&ts_utc],
        );
        log.seal(11, "self");
        let report = log.report();
        assert_eq!(kinds(&report), ["backdated"], "{ts_utc}, before it is signed");
        log.sign(12);
        let report = log.report();
        assert_eq!(kinds(&report), ["backdated"], "{ts_utc}");
        let found = (report.findings[0].row, report.findings[0].size);
        assert_eq!(found, (Some(11), Some(11)));
        let mut options = log.options();
        options.late.push(11..=11);
        assert!(verify(&log.file(), &options).unwrap().is_proved());
    }
}

#[test]
fn old_rows_without_any_checkpoint_are_found() {
    let log = Log::of(10);
    log.run("DELETE FROM audit_checkpoint", &[]);
    log.append(5000, Some("ada"), "login", "ok");
    let mut options = log.options();
    options.checkpoints.clear();
    let report = verify(&log.file(), &options).unwrap();
    assert_eq!(kinds(&report), ["backdated"]);
    assert_eq!((report.findings[0].row, report.findings[0].size), (Some(1), None));
}

#[test]
fn a_clock_that_went_back_is_a_finding_until_it_is_told() {
    let log = Log::empty();
    // Three hours ahead at the first start, and set right soon after.
    for (row, seconds) in [(1, 10_800), (2, 10_801), (3, 5), (4, 6)] {
        log.append(seconds, Some("ada"), "login", "ok");
        log.sign_with(seconds, &log.key);
        assert_eq!(log.found().is_empty(), row < 3);
    }
    let report = log.report();
    assert_eq!(kinds(&report), ["clock_step"]);
    assert_eq!(report.findings[0].size, Some(3));
    let mut options = log.options();
    options.clock_steps.insert(3);
    assert!(verify(&log.file(), &options).unwrap().is_proved());
}

#[test]
fn a_second_chain_needs_its_own_first_key() {
    let log = Log::of(10);
    let second = EpochKey::new(0, [4; 32]);
    log.epoch.replace(second.clone());
    log.append(11, Some("ada"), "login", "ok");
    log.sign(12);
    assert_eq!(log.found(), ["bad_epoch_mac"]);
    let mut options = log.options();
    options.epoch_keys.push(second.clone());
    assert!(verify(&log.file(), &options).unwrap().is_proved());
    log.run("DELETE FROM audit_checkpoint WHERE epoch = 0 AND size < 11", &[]);
    let mut alone = options.clone();
    alone.checkpoints.clear();
    let report = verify(&log.file(), &alone).unwrap();
    assert_eq!(kinds(&report), ["bad_epoch_mac"], "the checkpoints of the first chain are gone");
    // Checkpoints before the first one of the given chains are not checked.
    options.epoch_keys = vec![second];
    assert!(verify(&log.file(), &options).unwrap().is_proved());
}

/// A change to a log. The number is the id of the row that erased a name.
type Change = &'static dyn Fn(&Log, i64);

#[test]
fn an_erasure_must_match_its_row() {
    let told = |log: &Log| log.erase(301, "person-3");
    let changes: [Change; 6] = [
        &|log, _| log.erase_row(4, "person-4", 301),
        &|log, _| log.erase_row(4, "person-4", 9),
        &|log, _| log.erase_row(4, "person-4", 900),
        &|log, told| {
            log.run("UPDATE audit_leaf SET erased_by = 9 WHERE erased_by = ?", &[&told]);
        },
        &|log, _| {
            log.run("UPDATE audit_leaf SET erased_by = 1 WHERE log_id = 3", &[]);
        },
        &|log, _| {
            log.run("UPDATE access_logs SET detail = 'rows=0 digest=' WHERE id = 301", &[]);
        },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let log = Log::of(300);
        let told = told(&log);
        log.sign(302);
        assert_eq!(log.found(), [""; 0]);
        change(&log, told);
        assert!(log.found().contains(&"erased_without_row"), "{number}: {}", log.report());
    }
}

#[test]
fn an_erasure_unknown_to_the_auditor_is_found() {
    let log = Log::of(300);
    let told = log.erase(301, "person-3");
    log.sign(302);
    assert!(log.report().is_proved(), "{}", log.report());
    let mut options = log.options();
    options.erasures.clear();
    let report = verify(&log.file(), &options).unwrap();
    assert_eq!(kinds(&report), ["erasure"]);
    assert_eq!(report.findings[0].row, Some(told));
    assert!(report.findings[0].says.ends_with(&format!("--accept-erasure {told}")));
}

#[test]
fn only_a_signed_erasure_can_be_accepted_unnamed() {
    let signer = |seed| ErasureSigner::new(SigningKey::from_seed(&[seed; 32]).unwrap(), ORIGIN);
    for (seed, changed) in [(Some(1), &[][..]), (Some(2), &["erasure"]), (None, &["erasure"])] {
        let log = Log::of(300);
        let signer = seed.map(|seed| signer(seed).unwrap());
        log.erase_with(301, "person-3", signer.as_ref());
        log.sign(302);
        assert_eq!(log.found(), ["erasure"], "without the option");
        let options = Options { signed_erasures: true, ..log.options() };
        for file in [log.file(), log.export()] {
            assert_eq!(kinds(&verify(&file, &options).unwrap()), changed, "{seed:?}");
        }
    }
}

#[test]
fn the_signature_of_another_erasure_does_not_count() {
    let signer = ErasureSigner::new(SigningKey::from_seed(&[1; 32]).unwrap(), ORIGIN).unwrap();
    let log = Log::of(300);
    // As if the log was set back, and the row of this id was another one then.
    let other = Erasure::of(&[(4, [7; 32])]).detail(Some(&signer));
    let told = log.append(301, None, "erase_audit", &other);
    log.erase_row(4, "person-4", told);
    log.sign(302);
    let options = Options { signed_erasures: true, ..log.options() };
    assert_eq!(kinds(&verify(&log.file(), &options).unwrap()), ["erasure"]);
}

#[test]
fn an_erased_row_without_a_name_is_found() {
    let log = Log::of(30);
    let id = log.append(31, None, "admin_add", "ok");
    log.sign(32);
    // A writer of the database adds the row of an erasure, and the server signs it.
    let digest = HEXLOWER.encode(&erasure_digest([id].into_iter()));
    let told = log.append(33, None, "erase_audit", &format!("rows=1 digest={digest}"));
    log.erase_row(id, "", told);
    log.run("UPDATE audit_leaf SET name_hash = NULL WHERE log_id = ?", &[&id]);
    log.sign(34);
    let mut options = log.options();
    options.erasures.insert(told);
    let report = verify(&log.file(), &options).unwrap();
    assert_eq!(kinds(&report), ["edited_row"]);
    assert_eq!(report.findings[0].row, Some(id));
}

#[test]
fn erased_values_cannot_be_replaced() {
    for change in [
        "UPDATE access_logs SET username = 'person-3' WHERE id = 3",
        "UPDATE access_logs SET username = 'person-4', detail = 'ok' WHERE id = 3",
        "UPDATE audit_leaf SET erased_by = NULL WHERE log_id = 3",
        "UPDATE audit_leaf SET erased_by = NULL, salt = zeroblob(16), name_hash = NULL, \
         detail_hash = NULL WHERE log_id = 3",
        "UPDATE audit_leaf SET name_hash = zeroblob(32) WHERE log_id = 3",
        "UPDATE audit_leaf SET name_hash = NULL WHERE log_id = 3",
        "UPDATE audit_leaf SET detail_hash = zeroblob(32) WHERE log_id = 3",
    ] {
        let log = Log::of(300);
        log.erase(301, "person-3");
        log.sign(302);
        log.run(change, &[]);
        assert!(log.found().contains(&"edited_row"), "{change}");
    }
}

#[test]
fn a_rollback_without_its_row_has_no_effect() {
    let log = Log::of(50);
    let lost = log.sign(50);
    log.set_back_to(30);
    let (row, size) = log.accept_rollback(60, &lost);
    log.sign(61);
    let mut options = log.options();
    options.accepted.insert(size);
    assert!(verify(&log.file(), &options).unwrap().is_proved());

    log.run("UPDATE audit_rollback SET log_id = 3 WHERE log_id = ?", &[&row]);
    let found = kinds(&verify(&log.file(), &options).unwrap());
    assert_eq!(found, ["tail_gone", "rollback"]);
    log.run("UPDATE audit_rollback SET note = 'x'", &[]);
    let found = kinds(&verify(&log.file(), &options).unwrap());
    assert_eq!(found, ["bad_signature", "tail_gone"]);
}

#[test]
fn a_rollback_does_not_excuse_changes_before_it() {
    let log = Log::of(50);
    let lost = log.sign(50);
    log.set_back_to(5);
    for second in 6..=30 {
        log.append(second, Some("eve"), "login", "ok");
    }
    let (_, size) = log.accept_rollback(60, &lost);
    log.sign_with(61, &log.key);
    let mut options = log.options();
    options.accepted.insert(size);
    let report = verify(&log.file(), &options).unwrap();
    assert_eq!(kinds(&report), ["history_changed"], "{report}");
    assert_eq!(report.findings[0].size, Some(10));
}
