//! Measures the time between a row and the first checkpoint that covers it.

use crate::{
    epochs::EPOCH,
    finding::{Finding, Findings, Kind},
    instant,
    options::Options,
};
use std::ops::RangeInclusive;

/// An epoch and a quarter, in seconds. An intruder that has the key of now can sign rows that were
/// inserted or changed since the last checkpoint, and date them as they like.
const TOO_LATE: i64 = EPOCH + EPOCH / 4;

/// The rows that no checkpoint covers yet.
#[derive(Debug)]
pub(crate) struct Lateness<'a> {
    /// Time and id of the oldest of them that the auditor was not told of. The time is [`UNREAD`]
    /// if it has no form that is read.
    oldest: Option<(i64, i64)>,
    /// Time of the newest row of the log.
    newest: i64,
    /// Ids of rows that are late for a known reason. `None` if the auditor has no epoch key: then an
    /// intruder can sign anything in any case.
    accepted: Option<&'a [RangeInclusive<i64>]>,
}

/// Stands for a time that is not read: it may be any time, so it counts as the oldest.
const UNREAD: i64 = i64::MIN;

impl<'a> Lateness<'a> {
    pub(crate) fn new(options: &'a Options) -> Self {
        let accepted = (!options.epoch_keys.is_empty()).then_some(options.late.as_slice());
        Self { oldest: None, newest: UNREAD, accepted }
    }

    /// Records a row that no checkpoint covers yet.
    pub(crate) fn waits(&mut self, id: i64, ts_utc: &str) {
        let at = instant::seconds(ts_utc);
        self.newest = self.newest.max(at.unwrap_or(UNREAD));
        let at = match (at, self.accepted) {
            (_, Some(told)) if told.iter().any(|rows| rows.contains(&id)) => return,
            (Some(at), _) => at,
            (None, Some(_)) => UNREAD,
            (None, None) => return,
        };
        if self.oldest.is_none_or(|(oldest, _)| at < oldest) {
            self.oldest = Some((at, id));
        }
    }

    /// Checks the delay. Rows before the first checkpoint are exempt: signing started with it.
    pub(crate) fn covered(
        &mut self,
        size: u64,
        at: Option<i64>,
        is_later: bool,
        findings: &mut Findings,
    ) {
        let (Some((oldest, id)), Some(at), true) = (self.oldest.take(), at, is_later) else {
            return;
        };
        let late = at.saturating_sub(oldest);
        if self.is_too_late(oldest, at) {
            findings.add(backdated(id, oldest, at).size(size));
        } else if late > EPOCH {
            let says = format!("no checkpoint covered row {id} for {late} s");
            findings.add(Finding::new(Kind::Late, says).row(id).size(size));
        }
    }

    /// Checks the rows that no checkpoint covers, at the end of the log.
    pub(crate) fn finish(&self, findings: &mut Findings) {
        let Some((oldest, id)) = self.oldest else { return };
        if self.is_too_late(oldest, self.newest) {
            findings.add(backdated(id, oldest, self.newest));
        }
    }

    fn is_too_late(&self, oldest: i64, end: i64) -> bool {
        let is_old = oldest == UNREAD || end.saturating_sub(oldest) > TOO_LATE;
        self.accepted.is_some() && is_old
    }
}

fn backdated(id: i64, oldest: i64, end: i64) -> Finding {
    let what = match oldest {
        UNREAD => format!("row {id} has a time of another form than the server writes"),
        oldest => format!("no checkpoint covered row {id} for {} s", end.saturating_sub(oldest)),
    };
    let says = format!(
        "{what}. If the operator told you why, for example because another system's log was \
         imported or no server ran then, use --accept-late {id}, or FIRST-LAST for several rows"
    );
    Finding::new(Kind::Backdated, says).row(id)
}

/// Reads `ROW` or `FIRST-LAST`.
///
/// # Errors
///
/// What is wrong with the text.
pub fn rows(text: &str) -> Result<RangeInclusive<i64>, String> {
    let number = |text: &str| text.parse().map_err(|_| format!("{text:?} is not the id of a row"));
    match text.split_once('-').filter(|(first, _)| !first.is_empty()) {
        Some((first, last)) => Ok(number(first)?..=number(last)?),
        None => number(text).map(|row| row..=row),
    }
}
