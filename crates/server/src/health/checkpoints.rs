//! Whether every sink has the newest checkpoint of the audit log.

use super::Condition;
use fourauth_checkpoints::Behind;
use std::time::Duration;

/// A sink that lacks a checkpoint for less than this is not mentioned. In that time it was tried six
/// times at least: an attempt takes ten seconds at most.
const TOLERATED: Duration = Duration::from_mins(1);

/// Names the sinks that are behind.
pub(super) fn check(behind: &[Behind]) -> Condition {
    let late: Vec<String> =
        behind.iter().filter(|sink| sink.since >= TOLERATED).map(described).collect();
    if late.is_empty() {
        return Condition::Ok;
    }
    Condition::Warning(format!(
        "checkpoints of the audit log do not reach {}; check audit.checkpoint_sinks",
        late.join(", nor ")
    ))
}

fn described(behind: &Behind) -> String {
    let Behind { sink, since, error } = behind;
    let why = error.as_deref().unwrap_or("no answer yet");
    format!("{sink} for {} s ({why})", since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sink_is_named_once_it_is_late() {
        let behind = |seconds| Behind {
            sink: "file:/backup/log".to_owned(),
            since: Duration::from_secs(seconds),
            error: Some("disk is full".to_owned()),
        };
        assert_eq!(check(&[]), Condition::Ok);
        assert_eq!(check(&[behind(59)]), Condition::Ok);
        let found = check(&[behind(61)]);
        assert!(matches!(&found, Condition::Warning(words)
            if words.contains("file:/backup/log for 61 s (disk is full)")));
    }
}
