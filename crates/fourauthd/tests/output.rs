//! Standard output of `fourauthd`: lists in a pipe, output that cannot be written, and secrets that are
//! shown once.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a failed fixture fails its test")]

mod support;

use serde_json::Value;
use std::{
    fs::{self, OpenOptions},
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Output, Stdio},
};
use support::{fourauthd, text};
use tempfile::TempDir;

/// Accounts of the HTTP OTP system. The hash is that of `Tr0ub4dor&3`.
const USERS: &str = "id,username,email,phone,password_hash\r\n\
    1,alice,alice@example.org,,$2b$04$lRL70mEaKyQOuJOYcelT2uO5cMA8oHSoXIzT8eNxOPdEXTj6s8Q4y\r\n";

/// The data folder of a server that has run, with the account `alice`.
fn house() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut server = fourauthd(&folder, &[])
        .env("FOURAUTH__LISTEN", "127.0.0.1:0")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("serving")));
    // A server that stops in order signs the log.
    assert!(
        Command::new("kill").args(["-TERM", &server.id().to_string()]).status().unwrap().success()
    );
    lines.for_each(drop);
    assert!(server.wait().unwrap().success());
    fs::write(folder.path().join("users.csv"), USERS).unwrap();
    run(&folder, "import otp users.csv");
    folder
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// Runs a command that succeeds, and returns what it prints.
fn run(folder: &TempDir, line: &str) -> String {
    let ran = fourauthd(folder, &words(line)).output().unwrap();
    assert!(ran.status.success(), "{line}: {}", text(&ran));
    String::from_utf8(ran.stdout).unwrap()
}

/// Runs a command with its standard output on a full disk.
fn full(folder: &TempDir, line: &str) -> Output {
    let disk = OpenOptions::new().write(true).open("/dev/full").unwrap();
    fourauthd(folder, &words(line)).stdout(disk).output().unwrap()
}

/// Runs a command that fails because its output is on a full disk.
fn must_fail_on_a_full_disk(folder: &TempDir, line: &str) {
    let ran = full(folder, line);
    assert_eq!(ran.status.code(), Some(1), "{line}: {}", text(&ran));
    assert!(
        text(&ran).contains("cannot write to standard output: No space left"),
        "{}",
        text(&ran)
    );
}

fn rows(folder: &TempDir, action: &str) -> usize {
    run(folder, &format!("audit --action {action}")).lines().count()
}

#[test]
fn a_reader_that_has_seen_enough_ends_a_command_quietly() {
    let folder = house();
    for line in ["audit", "user list", "config show", "audit keys", "audit verify", "admin list"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ran = fourauthd(&folder, &words(line)).stdout(writer).output().unwrap();
        // 128 and the number of SIGPIPE, as for a program that the signal ends.
        assert_eq!((ran.status.code(), text(&ran).as_str()), (Some(141), ""), "{line}");
    }
}

#[test]
fn a_full_disk_is_an_error_with_words() {
    let folder = house();
    for line in ["audit", "audit --json", "user list", "user show alice", "config show", "key list"]
    {
        must_fail_on_a_full_disk(&folder, line);
    }
    // Where not even the words can be written, the exit code is left.
    let disk = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    let ran = fourauthd(&folder, &["audit"]).stdout(disk()).stderr(disk()).status().unwrap();
    assert_eq!(ran.code(), Some(1));
}

#[test]
fn codes_that_cannot_be_shown_replace_none() {
    let folder = house();
    let line = "user recovery-codes alice";
    must_fail_on_a_full_disk(&folder, line);
    assert!(text(&full(&folder, line)).contains("alice keeps the older recovery codes"));
    assert_eq!(rows(&folder, "user_recovery_codes"), 0);
    assert_eq!(run(&folder, line).lines().count(), 10, "the control");
    assert_eq!(rows(&folder, "user_recovery_codes"), 1);
}

#[test]
fn codes_that_nothing_shows_replace_none() {
    let folder = house();
    let line = words("user recovery-codes alice");
    let null = Stdio::null();
    let mut closed = fourauthd(&folder, &line);
    // The shell closes standard output, and the runtime of the program opens the null device there.
    let program = closed.get_program().to_owned();
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec \"$0\" \"$@\" >&-"]).arg(program).args(closed.get_args());
    shell.current_dir(closed.get_current_dir().unwrap_or(folder.path()));
    for (name, value) in closed.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    for ran in [closed.stdout(null).output().unwrap(), shell.output().unwrap()] {
        assert_eq!(ran.status.code(), Some(1), "{}", text(&ran));
        assert!(text(&ran).contains("alice keeps the older recovery codes"), "{}", text(&ran));
        assert!(text(&ran).contains("shown only once"), "{}", text(&ran));
    }
    assert_eq!(rows(&folder, "user_recovery_codes"), 0);
}

#[test]
fn a_secret_that_cannot_be_shown_is_not_made() {
    let folder = house();
    must_fail_on_a_full_disk(&folder, "admin add bob");
    assert!(!run(&folder, "admin list").contains("bob"));
    assert_eq!(rows(&folder, "admin_add"), 0);
    assert!(folder.path().join("data/setup-secret").exists(), "the first administrator stays");

    run(&folder, "admin add bob");
    assert!(run(&folder, "admin list").contains("bob"), "the control");
    must_fail_on_a_full_disk(&folder, "admin secret bob");
    assert_eq!(rows(&folder, "admin_secret"), 0);
    run(&folder, "admin secret bob");
    assert_eq!(rows(&folder, "admin_secret"), 1, "the control");
}

#[test]
fn a_secret_is_not_shown_for_a_name_that_is_taken_or_unknown() {
    let folder = house();
    run(&folder, "admin add bob");
    for line in ["admin add bob", "admin secret carol"] {
        let ran = fourauthd(&folder, &words(line)).output().unwrap();
        assert_eq!((ran.status.code(), ran.stdout.len()), (Some(1), 0), "{line}: {}", text(&ran));
    }
}

#[test]
fn the_epoch_key_stays_until_it_was_shown() {
    let folder = house();
    let file = folder.path().join("data/audit/epoch-0");
    must_fail_on_a_full_disk(&folder, "audit epoch-key");
    assert!(text(&full(&folder, "audit epoch-key")).contains("still in its file"));
    let kept = fs::read_to_string(&file).unwrap();
    let line = run(&folder, "audit epoch-key");
    let words: Vec<_> = line.split_whitespace().collect();
    assert_eq!(words[0], kept.trim());
    // With what the log is at that moment, for the auditor.
    assert!(fourauth_audit_verify::first_keys(&line).unwrap()[0].1.is_some(), "{words:?}");
    assert!(!file.exists());
}

#[test]
fn an_import_goes_on_if_its_lines_cannot_be_written() {
    let folder = house();
    let more = USERS.replace("alice", "carol").replace("\n1,", "\n2,");
    fs::write(folder.path().join("users.csv"), more).unwrap();
    must_fail_on_a_full_disk(&folder, "import otp users.csv");
    assert!(run(&folder, "user list").contains("carol"));
}

#[test]
fn an_erasure_is_finished_if_it_cannot_be_printed() {
    let folder = house();
    must_fail_on_a_full_disk(&folder, "user erase alice --yes");
    assert_eq!(run(&folder, "user list"), "");
    assert_eq!(run(&folder, "audit --user alice"), "");
}

#[test]
fn every_list_is_one_line_a_row_in_a_pipe_and_json_on_request() {
    let folder = house();
    run(&folder, "admin add bob");
    let key = "ed25519:PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=";
    run(&folder, &format!("gateway add edge --key {key}"));
    for (line, columns, names) in [
        ("audit", 6, &["id", "ts_utc", "username", "action", "success", "detail"][..]),
        ("user list", 5, &["username", "device", "totp_confirmed", "state", "created_at"]),
        ("admin list", 1, &["name"]),
        ("gateway list", 3, &["name", "key", "added_at"]),
        ("key list", 4, &["id", "created_at", "state", "sealed_values"]),
    ] {
        let plain = run(&folder, line);
        assert!(!plain.is_empty(), "{line}");
        for row in plain.lines() {
            assert_eq!(row.split('\t').count(), columns, "{line}: {row}");
        }
        let json = run(&folder, &format!("{line} --json"));
        assert_eq!(json.lines().count(), plain.lines().count(), "{line}");
        for row in json.lines() {
            let row: Value = serde_json::from_str(row).unwrap();
            assert!(names.iter().all(|name| row.get(name).is_some()), "{line}: {row}");
        }
    }
    for line in ["session list alice", "device list alice", "outbox list --all"] {
        assert_eq!(run(&folder, line), "", "{line}");
        assert_eq!(run(&folder, &format!("{line} --json")), "", "{line}");
    }
}

#[test]
fn rows_are_chosen_by_their_time() {
    let folder = house();
    let all = run(&folder, "audit").lines().count();
    let newest = run(&folder, "audit --json --limit 1");
    let newest: Value = serde_json::from_str(&newest).unwrap();
    let second = &newest["ts_utc"].as_str().unwrap()[..19];
    let count = |line: &str| run(&folder, line).lines().count();
    assert!(count(&format!("audit --since {second}")) >= 1);
    assert_eq!(
        count(&format!("audit --since {second}Z")) + count(&format!("audit --before {second}Z")),
        all
    );
    assert_eq!(count("audit --since 2020-01-01 --before 9000-01-01T00:00"), all);
    assert_eq!(count("audit --before 2020-01-01"), 0);
    let id = newest["id"].as_i64().unwrap();
    assert_eq!(count(&format!("audit --before-id {id}")), all - 1);
    let ran = fourauthd(&folder, &["audit", "--since", "yesterday"]).output().unwrap();
    assert!(text(&ran).contains("write 2026-11-21"), "{}", text(&ran));
}

#[test]
fn the_proof_of_a_row_is_printed_as_a_file() {
    let folder = house();
    let missing = fourauthd(&folder, &["audit", "proof", "4711"]).output().unwrap();
    assert!(text(&missing).contains("no checkpoint covers row 4711"), "{}", text(&missing));
    let proof = run(&folder, "audit proof 1");
    fs::write(folder.path().join("proof.json"), &proof).unwrap();
    let vkey = fs::read_to_string(folder.path().join("data/audit/log.vkey")).unwrap();
    let key = fourauth_audit::VerifyingKey::parse(vkey.trim()).unwrap();
    let file: &Path = &folder.path().join("proof.json");
    let options = fourauth_audit_verify::Options::new(key);
    let report = fourauth_audit_verify::verify(file, &options).unwrap();
    assert!(report.is_proved(), "{report}");
}
