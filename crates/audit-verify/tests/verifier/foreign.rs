//! Files of exported checkpoints that others write to as well.

use crate::fixture::{Log, ORIGIN, at, kinds};
use fourauth_audit::{
    Checkpoint, SigningKey,
    note::{SIGNATURE_LINE, signature_line},
};
use fourauth_audit_verify::{Kind, Report, Unreadable, verify};
use std::fs;

/// A checkpoint that another key signed under the name of this log.
fn foreign() -> String {
    let key = SigningKey::from_seed(&[9; 32]).unwrap();
    let (origin, at) = (ORIGIN.to_owned(), at(1));
    Checkpoint { origin, size: 7, root: [1; 32], at, epoch: 0 }.sign(&key, None)
}

/// The lines of all remarks about notes that are not of this log.
fn lines(report: &Report) -> Vec<Option<u64>> {
    let foreign = report.findings.iter().filter(|one| one.finding == Kind::ForeignNote);
    foreign.map(|one| one.line).collect()
}

#[test]
fn a_foreign_note_in_a_collectors_file_is_a_remark() {
    let log = Log::of(30);
    let own = fs::read_to_string(log.exported()).unwrap();
    let of_own = own.lines().count() as u64;
    fs::write(log.exported(), format!("{own}{}{own}", foreign())).unwrap();
    let report = log.report();
    assert!(report.is_proved(), "{report}");
    assert_eq!(lines(&report), [Some(of_own + 1)]);
    assert_eq!(report.exported_checkpoints, 6);
}

#[test]
fn text_beside_a_note_does_not_hide_it() {
    let log = Log::of(10);
    let note = fs::read_to_string(log.exported()).unwrap();
    let torn = &note[..note.len() - 40];
    let another = signature_line("witness", [7; 4], &[1; 8]);
    let twice = note.replace('\n', "\r\n");
    for (text, notes, remarks) in [
        (format!("collector restarted\n{note}"), 1, vec![]),
        (format!("{note}collector stopped\n"), 1, vec![]),
        (format!("{note}collector stopped\n{note}"), 2, vec![]),
        (format!("{note}{another}{note}"), 2, vec![]),
        (format!("{note}{SIGNATURE_LINE}x\n{note}"), 1, vec![Some(1)]),
        (format!("{torn}\n{note}"), 1, vec![Some(1)]),
        (format!("{twice}{note}"), 1, vec![Some(1)]),
        (format!("\n\n{twice}{twice}{note}"), 1, vec![Some(3), Some(11)]),
        (format!("{ORIGIN}\n{note}"), 1, vec![]),
    ] {
        fs::write(log.exported(), &text).unwrap();
        let report = log.report();
        assert!(report.is_proved(), "{text}: {report}");
        assert_eq!((report.exported_checkpoints, lines(&report)), (notes, remarks), "{text}");
    }
}

#[test]
fn a_file_of_foreign_notes_alone_is_unreadable() {
    let log = Log::of(10);
    let own = fs::read_to_string(log.exported()).unwrap();
    for text in [foreign(), own.replace('\n', "\r\n")] {
        fs::write(log.exported(), text).unwrap();
        let read = verify(&log.file(), &log.options());
        assert!(matches!(read, Err(Unreadable::NoCheckpoint { .. })));
    }
}

#[test]
fn a_foreign_note_among_the_logs_own_is_a_finding() {
    let log = Log::of(30);
    log.run("UPDATE audit_checkpoint SET note = ? WHERE size = 10", &[&foreign()]);
    assert_eq!(kinds(&log.report()), ["bad_signature"]);
}
