//! Malformed and hostile files.

use crate::fixture::Log;
use fourauth_audit_verify::{Unreadable, verify};
use proptest::prelude::*;
use std::fs;

#[test]
fn a_file_of_another_format_is_unreadable() {
    let log = Log::of(3);
    let file = log.folder.path().join("x");
    let texts =
        ["", "\n", "{}", "{}\n", "SQLite format 3\0", "{\"fourauth_audit\":2,\"origin\":\"\"}\n"];
    for text in texts {
        fs::write(&file, text).unwrap();
        assert!(verify(&file, &log.options()).is_err(), "{text:?}");
    }
    assert!(verify(&log.folder.path().join("not there"), &log.options()).is_err());
    assert!(verify(log.folder.path(), &log.options()).is_err());
}

#[test]
fn a_truncated_export_is_unreadable() {
    let log = Log::of(12);
    let whole = fs::read(log.export()).unwrap();
    let file = log.folder.path().join("cut");
    for length in (0..whole.len()).step_by(7).chain([whole.len() - 2]) {
        fs::write(&file, &whole[..length]).unwrap();
        assert!(verify(&file, &log.options()).is_err(), "{length}");
    }
    fs::write(&file, [&whole[..], b"more"].concat()).unwrap();
    assert!(verify(&file, &log.options()).is_err());
}

#[test]
fn an_error_about_a_hostile_export_is_short_and_printable() {
    let log = Log::of(3);
    let file = log.folder.path().join("x");
    let key = "\u{1b}[2J\u{202e}".repeat(10_000);
    fs::write(&file, format!("{{\"{key}\":1}}\n")).unwrap();
    let error = verify(&file, &log.options()).unwrap_err().to_string();
    assert!(error.len() < 10_000, "{}", error.len());
    assert!(!error.contains(['\u{1b}', '\u{202e}', '\n']), "{error}");
}

#[test]
fn an_export_that_lacks_a_line_is_unreadable() {
    let log = Log::of(12);
    let whole = fs::read_to_string(log.export()).unwrap();
    let file = log.folder.path().join("cut");
    for gone in 1..13 {
        let lines = whole.split_inclusive('\n').enumerate();
        let text: String =
            lines.filter(|(number, _)| *number != gone).map(|(_, line)| line).collect();
        fs::write(&file, text).unwrap();
        let error = verify(&file, &log.options()).unwrap_err();
        assert!(matches!(error, Unreadable::Miscounted { what: "rows", .. }), "{error}");
    }
}

#[test]
fn views_and_missing_tables_are_refused() {
    for (table, instead) in [
        ("access_logs", "CREATE VIEW access_logs AS SELECT 1 AS id"),
        (
            "audit_leaf",
            "CREATE VIEW audit_leaf AS WITH RECURSIVE c(x) AS \
          (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x AS log_id FROM c",
        ),
        ("audit_tile", "CREATE TABLE other (x)"),
    ] {
        let log = Log::of(3);
        log.run(&format!("DROP TABLE {table}"), &[]);
        log.database.execute_batch(instead).unwrap();
        let error = verify(&log.file(), &log.options()).unwrap_err();
        assert!(matches!(error, Unreadable::Schema(_)), "{error}");
    }
}

#[test]
fn a_missing_table_is_named_in_the_error() {
    let log = Log::of(0);
    log.database.execute_batch("DROP TABLE audit_leaf").unwrap();
    let error = verify(&log.file(), &log.options()).unwrap_err().to_string();
    assert_eq!(error, "the database has no table audit_leaf");
}

#[test]
fn values_of_any_type_in_any_column_are_findings() {
    const TABLES: [(&str, &[&str]); 6] = [
        ("access_logs", &["ts_utc", "username", "action", "success", "detail"]),
        (
            "audit_leaf",
            &[
                "node",
                "node_seq",
                "leaf_hash",
                "salt",
                "name_hash",
                "detail_hash",
                "erased_by",
                "position",
            ],
        ),
        ("audit_node", &["node", "node_seq", "leaf_hash"]),
        ("audit_tree", &["one", "size", "frontier", "legacy_to", "vkey"]),
        ("audit_tile", &["level", "number", "hash"]),
        ("audit_checkpoint", &["size", "ts_utc", "epoch", "note"]),
    ];
    let log = Log::of(257);
    log.run("PRAGMA ignore_check_constraints = ON", &[]);
    let values =
        ["-9223372036854775808", "9223372036854775807", "1e308", "x'ff'", "''", "'\u{e4}'"];
    for (table, columns) in TABLES {
        for column in columns {
            for value in values {
                log.run("BEGIN", &[]);
                // Changes that would duplicate a key are ignored.
                let sql = format!("UPDATE OR IGNORE {table} SET {column} = {value}");
                log.run(&sql, &[]);
                log.run("COMMIT", &[]);
                let _ = verify(&log.file(), &log.options());
            }
        }
    }
    assert!(!log.report().is_proved());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_byte_in_a_database_makes_the_verifier_panic(
        at in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
    ) {
        let log = Log::of(40);
        let copy = log.folder.path().join("copy.db");
        log.run("VACUUM INTO ?", &[&copy.to_str().unwrap()]);
        let mut bytes = fs::read(&copy).unwrap();
        for (index, byte) in at {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        fs::write(&copy, bytes).unwrap();
        let _ = verify(&copy, &log.options());
    }

    #[test]
    fn no_byte_in_an_export_makes_the_verifier_panic(
        at in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    ) {
        let log = Log::of(20);
        let file = log.export();
        let mut bytes = fs::read(&file).unwrap();
        for (index, byte) in at {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        fs::write(&file, bytes).unwrap();
        let _ = verify(&file, &log.options());
    }

    #[test]
    fn no_file_of_checkpoints_makes_the_verifier_panic(text in "(\\PC|\n|\u{2014} ){0,200}") {
        let log = Log::of(3);
        fs::write(log.exported(), text).unwrap();
        let _ = verify(&log.file(), &log.options());
    }
}
