//! Reads a file written by `fourauthd audit export`.
//!
//! The file is JSON Lines: rows in the order of the tree, then checkpoints, then rollbacks, then an
//! end line with the counts.
//!
//! The file is read twice, because the checkpoints and rollbacks come after the rows. The first key
//! of a line gives its kind.

use crate::{
    auditor::Auditor,
    exported::Known,
    finding::{Finding, Findings, Kind},
    lines::Lines,
    options::Options,
    report::{Input, Report},
    rollbacks::Noted,
    row::{Body, MAX_NODE, Row, Sealing, Text},
    signed::Stored,
    unreadable::Unreadable,
};
use data_encoding::HEXLOWER;
use fourauth_audit::VerifyingKey;
use serde::Deserialize;
use std::{borrow::Cow, path::Path};

const ROW: &str = "{\"position\":";
const CHECKPOINT: &str = "{\"checkpoint\":";
const ROLLBACK: &str = "{\"rollback\":";

/// Supported version of the format.
const VERSION: u32 = 1;

/// Most rollbacks that are read: one more than the auditor's own limit.
const MAX_ROLLBACKS: usize = 10_001;

pub(crate) fn verify(path: &Path, options: &Options) -> Result<Report, Unreadable> {
    let mut known = Known::read(options)?;
    let mut lines = Lines::open(path)?;
    check_header(&mut lines, options, &mut known.findings)?;
    let rows_from = (lines.offset, lines.number);
    let behind = Behind::read(&mut lines, &options.key)?;

    let mut checkpoints = Lines::open(path)?;
    checkpoints.skip_to(behind.offset, behind.line)?;
    let stored = std::iter::from_fn(|| next_checkpoint(&mut checkpoints).transpose());
    let mut auditor = Auditor::new(options, known, Box::new(stored), behind.rollbacks)?;
    lines.skip_to(rows_from.0, rows_from.1)?;
    for _ in 0..behind.rows {
        let number = lines.number + 1;
        let line = lines.next()?.ok_or(Unreadable::Truncated)?;
        let row: RowLine<'_> = json(line, number)?;
        auditor.row(&row.row().map_err(|NotBytes| bad(number, "has a malformed hash or salt"))?)?;
    }
    auditor.finish(Input::Export)
}

/// Checks that the export is of the log that the key belongs to.
fn check_header(
    lines: &mut Lines,
    options: &Options,
    findings: &mut Findings,
) -> Result<(), Unreadable> {
    let line = lines.next()?.ok_or(Unreadable::Truncated)?;
    let header: Header = json(line, 1)?;
    if header.fourauth_audit != VERSION {
        return Err(bad(1, "has an unsupported version of the format"));
    }
    let is_ours = header.origin == options.key.name()
        && header.vkey.is_none_or(|vkey| vkey == options.key.to_string());
    if !is_ours {
        findings.add(Finding::new(Kind::BadSignature, "the export names another key than yours"));
    }
    Ok(())
}

/// The part of the file after the rows.
struct Behind {
    /// Number of rows before this part.
    rows: u64,
    /// Byte offset of this part.
    offset: u64,
    /// Number of the line before this part.
    line: u64,
    rollbacks: Vec<Noted>,
}

impl Behind {
    fn read(lines: &mut Lines, key: &VerifyingKey) -> Result<Self, Unreadable> {
        let (mut offset, mut line) = (lines.offset, lines.number);
        let mut behind = Self { rows: 0, offset, line, rollbacks: Vec::new() };
        while lines.next()?.ok_or(Unreadable::Truncated)?.starts_with(ROW) {
            behind.rows += 1;
            (offset, line) = (lines.offset, lines.number);
        }
        (behind.offset, behind.line) = (offset, line);
        lines.skip_to(offset, line)?;
        behind.read_on(lines, key)?;
        Ok(behind)
    }

    fn read_on(&mut self, lines: &mut Lines, key: &VerifyingKey) -> Result<(), Unreadable> {
        let mut checkpoints = 0;
        loop {
            let number = lines.number + 1;
            let line = lines.next()?.ok_or(Unreadable::Truncated)?;
            if line.starts_with(CHECKPOINT) && self.rollbacks.is_empty() {
                checkpoints += 1;
            } else if line.starts_with(ROLLBACK) && self.rollbacks.len() < MAX_ROLLBACKS {
                let RollbackLine { rollback: note, log_id: row } = json(line, number)?;
                self.rollbacks.push(Noted::read(&note, key, None, row));
            } else {
                let EndLine { end } = json(line, number)?;
                count("rows", end.rows, self.rows)?;
                count("checkpoints", end.checkpoints, checkpoints)?;
                break;
            }
        }
        let number = lines.number + 1;
        match lines.next()? {
            None => Ok(()),
            Some(_) => Err(bad(number, "comes after the end line")),
        }
    }
}

fn next_checkpoint(lines: &mut Lines) -> Result<Option<Stored>, Unreadable> {
    let number = lines.number + 1;
    match lines.next()? {
        Some(line) if line.starts_with(CHECKPOINT) => {
            let CheckpointLine { checkpoint: note } = json(line, number)?;
            Ok(Some(Stored { beside: None, note }))
        }
        _ => Ok(None),
    }
}

fn json<'a, T: Deserialize<'a>>(line: &'a str, number: u64) -> Result<T, Unreadable> {
    serde_json::from_str(line).map_err(|error| {
        if line.ends_with('\n') {
            bad(number, format!("does not have the expected form: {error}"))
        } else {
            Unreadable::Truncated
        }
    })
}

fn bad(line: u64, why: impl Into<String>) -> Unreadable {
    Unreadable::Line { line, why: why.into() }
}

fn count(what: &'static str, said: u64, counted: u64) -> Result<(), Unreadable> {
    if said == counted { Ok(()) } else { Err(Unreadable::Miscounted { what, said, counted }) }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    fourauth_audit: u32,
    origin: String,
    vkey: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RowLine<'a> {
    position: i64,
    id: i64,
    #[serde(borrow)]
    ts_utc: Cow<'a, str>,
    username: Option<String>,
    #[serde(borrow)]
    action: Cow<'a, str>,
    success: bool,
    #[serde(borrow)]
    detail: Cow<'a, str>,
    #[serde(borrow)]
    node: Cow<'a, str>,
    node_seq: i64,
    salt: Option<&'a str>,
    name_hash: Option<&'a str>,
    detail_hash: Option<&'a str>,
    erased_by: Option<i64>,
    leaf_hash: &'a str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckpointLine {
    checkpoint: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RollbackLine {
    rollback: String,
    log_id: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndLine {
    end: Counts,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Counts {
    rows: u64,
    checkpoints: u64,
}

impl RowLine<'_> {
    /// The row and its leaf; fails if a hash or salt is not valid.
    fn row(&self) -> Result<Row<'_>, NotBytes> {
        let text = Text {
            ts_utc: &self.ts_utc,
            username: self.username.as_deref(),
            action: &self.action,
            success: self.success,
            detail: &self.detail,
        };
        Ok(Row {
            id: self.id,
            position: Some(self.position),
            link: Some((&*self.node, self.node_seq)).filter(|(node, _)| node.len() <= MAX_NODE),
            sealing: Sealing::new(
                self.salt.map(bytes).transpose()?,
                self.name_hash.map(bytes).transpose()?,
                self.detail_hash.map(bytes).transpose()?,
                self.erased_by,
            ),
            leaf_hash: Some(bytes(self.leaf_hash)?),
            body: Body::Text(text),
        })
    }
}

/// Decodes exactly `N` bytes from hexadecimal digits.
fn bytes<const N: usize>(hex: &str) -> Result<[u8; N], NotBytes> {
    let mut bytes = [0; N];
    let is_whole = HEXLOWER.decode_len(hex.len()) == Ok(N);
    let is_read = is_whole && HEXLOWER.decode_mut(hex.as_bytes(), &mut bytes).is_ok();
    if is_read { Ok(bytes) } else { Err(NotBytes) }
}

/// The text is not a hash or salt of the expected length.
#[derive(Debug)]
struct NotBytes;
