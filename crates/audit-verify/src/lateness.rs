//! Measures the time between a row and the first checkpoint that covers it.

use crate::{
    finding::{Finding, Findings, Kind},
    instant,
    options::Options,
};
use fourauth_audit::epoch::EPOCH_MS;
use std::collections::BTreeSet;

/// Length of an epoch, in seconds. A server signs each row within seconds.
const EPOCH: i64 = EPOCH_MS / 1000;

/// An epoch and a quarter, in seconds. An intruder that has the key of now can sign rows that were
/// inserted or changed since the last checkpoint, and date them as they like.
const TOO_LATE: i64 = EPOCH + EPOCH / 4;

/// The rows that no checkpoint covers yet.
#[derive(Debug)]
pub(crate) struct Lateness<'a> {
    /// Time and id of the oldest of them.
    oldest: Option<(i64, i64)>,
    /// Time of the newest row of the log.
    newest: i64,
    /// Ids of rows that are late for a known reason. `None` if the auditor has no epoch key: then an
    /// intruder can sign anything in any case.
    accepted: Option<&'a BTreeSet<i64>>,
}

impl<'a> Lateness<'a> {
    pub(crate) fn new(options: &'a Options) -> Self {
        let accepted = (!options.epoch_keys.is_empty()).then_some(&options.late);
        Self { oldest: None, newest: i64::MIN, accepted }
    }

    /// Records a row that no checkpoint covers yet.
    pub(crate) fn waits(&mut self, id: i64, ts_utc: &str) {
        let Some(at) = instant::seconds(ts_utc) else { return };
        self.newest = self.newest.max(at);
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
        if late > TOO_LATE && self.must_be_told(id) {
            findings.add(backdated(id, late).size(size));
        } else if late > EPOCH {
            let says = format!("no checkpoint covered row {id} for {late} s");
            findings.add(Finding::new(Kind::Late, says).row(id).size(size));
        }
    }

    /// Checks the rows that no checkpoint covers, at the end of the log.
    pub(crate) fn finish(&self, findings: &mut Findings) {
        let Some((oldest, id)) = self.oldest else { return };
        let late = self.newest.saturating_sub(oldest);
        if late > TOO_LATE && self.must_be_told(id) {
            findings.add(backdated(id, late));
        }
    }

    fn must_be_told(&self, id: i64) -> bool {
        self.accepted.is_some_and(|accepted| !accepted.contains(&id))
    }
}

fn backdated(id: i64, late: i64) -> Finding {
    let says = format!(
        "no checkpoint covered row {id} for {late} s. If the operator told you why, for example \
         because another system's log was imported or the server was killed, use --accept-late {id}"
    );
    Finding::new(Kind::Backdated, says).row(id)
}
