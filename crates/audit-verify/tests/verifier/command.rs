//! The command line program: exit codes, text and JSON output.

use crate::fixture::{Log, ORIGIN};
use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

fn command(arguments: &[&str], input: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fourauth-audit-verify"))
        .args(arguments)
        .arg(input)
        .output()
        .unwrap()
}

fn code(arguments: &[&str], input: &Path) -> Option<i32> {
    command(arguments, input).status.code()
}

#[test]
fn the_exit_code_is_0_unchanged_1_changed_2_unreadable() {
    let log = Log::of(30);
    let key = log.verifying_key().to_string();
    let exported = log.exported();
    let arguments = ["--key", &key, "--checkpoints", exported.to_str().unwrap()];
    let export = log.export();
    assert_eq!(code(&arguments, &log.file()), Some(0));
    assert_eq!(code(&arguments, &export), Some(0));
    log.run("UPDATE access_logs SET success = 0 WHERE id = 7", &[]);
    assert_eq!(code(&arguments, &log.file()), Some(1));
    assert_eq!(code(&arguments, &log.exported()), Some(2));
    assert_eq!(code(&["--key", "x"], &log.file()), Some(2));
    assert_eq!(code(&["--key", &key, "--checkpoints", "not-there"], &log.file()), Some(2));
}

#[test]
fn a_file_without_a_checkpoint_of_the_log_proves_nothing() {
    let log = Log::of(30);
    let key = log.verifying_key().to_string();
    let exported = fs::read_to_string(log.exported()).unwrap();
    let utf_16 = [0xfeff].into_iter().chain(exported.encode_utf16()).flat_map(u16::to_le_bytes);
    let unusable = [utf_16.collect(), exported.replace('\n', "\r").into_bytes(), Vec::new()];
    for content in unusable {
        fs::write(log.exported(), content).unwrap();
        let path = log.exported();
        let arguments = ["--key", &key, "--checkpoints", path.to_str().unwrap()];
        assert_eq!(code(&arguments, &log.file()), Some(2));
    }
}

#[test]
fn findings_are_printed_as_text_or_as_json() {
    let log = Log::of(30);
    let (key, first) = (log.folder.path().join("log.vkey"), log.folder.path().join("epoch-0"));
    fs::write(&key, format!("{}\n", log.verifying_key())).unwrap();
    fs::write(&first, format!("{}\n", "03".repeat(32))).unwrap();
    let arguments = ["--key", key.to_str().unwrap(), "--epoch-key", first.to_str().unwrap()];
    log.run("UPDATE access_logs SET success = 0 WHERE id = 7", &[]);

    let told = String::from_utf8(command(&arguments, &log.file()).stdout).unwrap();
    assert!(told.contains("edited_row: row 7 was changed"), "{told}");
    assert!(told.contains(&format!("{ORIGIN}: the log was changed. 30 rows")), "{told}");

    let told = command(&[&arguments[..], &["--json"]].concat(), &log.file()).stdout;
    let told: Value = serde_json::from_slice(&told).unwrap();
    assert_eq!(told["proved"], false);
    assert_eq!(told["has_epoch_key"], true);
    assert_eq!(told["findings"][0]["finding"], "edited_row");
    assert_eq!(told["findings"][0]["row"], 7);
    assert_eq!(told["counts"]["edited_row"], 1);
    assert!(told["rows_per_second"].as_u64().unwrap() > 0);
}

/// What the command says about its arguments.
fn complaint(arguments: &[&str]) -> String {
    let log = Log::of(3);
    let key = log.verifying_key().to_string();
    let arguments = [&["--key", key.as_str()], arguments].concat();
    String::from_utf8(command(&arguments, &log.file()).stderr).unwrap()
}

#[test]
fn what_is_neither_a_key_nor_a_file_is_not_shown() {
    // A digit too many.
    let text = "7".repeat(65);
    let told = complaint(&["--epoch-key", &text]);
    assert!(told.contains("neither a file nor a key") && !told.contains(&text), "{told}");
}

#[test]
fn the_cause_of_an_error_is_told_once() {
    let told = complaint(&["--checkpoints", "not-there"]);
    assert_eq!(told.matches("No such file").count(), 1, "{told}");
}

#[test]
fn an_unreadable_log_is_reported_as_json() {
    let log = Log::of(3);
    let key = log.verifying_key().to_string();
    let told = command(&["--json", "--key", &key], &log.exported()).stdout;
    let told: Value = serde_json::from_slice(&told).unwrap();
    assert_eq!(told["proved"], false);
    assert!(told["error"].is_string());
}

#[test]
fn a_line_of_the_greatest_length_hides_no_other_line() {
    let log = Log::of(30);
    let notes = fs::read_to_string(log.exported()).unwrap();
    for length in [(16 << 20) - 2, (16 << 20) - 1, 16 << 20] {
        fs::write(log.exported(), format!("{}\n{notes}", "x".repeat(length))).unwrap();
        let report = log.report();
        assert!(report.is_proved(), "{report}");
        assert_eq!(report.exported_checkpoints, 3, "{length}");
    }
}

#[test]
fn checkpoints_are_found_in_the_file_of_a_syslog_collector() {
    let log = Log::of(30);
    let notes = fs::read_to_string(log.exported()).unwrap();
    let (notes, _) = fourauth_audit::checkpoint::parse_all(&notes);
    let lines = notes.iter().map(|note| {
        let note = data_encoding::BASE64.encode(note.as_bytes());
        format!(
            "Mar  1 12:00:00 host 1 2025-03-01T12:00:00Z host fourauthd - checkpoint - {note}\n"
        )
    });
    fs::write(log.exported(), lines.collect::<String>()).unwrap();
    let report = log.report();
    assert!(report.is_proved(), "{report}");
    assert_eq!(report.exported_checkpoints, 3);
    log.set_back_to(25);
    assert_eq!(log.found(), ["tail_gone"]);
}
