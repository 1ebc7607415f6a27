//! The valid range of each numeric setting.
//!
//! A number without an entry here is refused, so that no new setting is forgotten.

use super::{Config, Unusable, WebConfig};
use std::ops::RangeInclusive;
use toml::Value;

const DAY_S: i64 = 86_400;

/// Connections, attempts and queued jobs: at least one, with a generous upper bound.
const COUNT: RangeInclusive<i64> = 1..=1_000_000;

/// Timeouts for a peer, in seconds. 0 would end every connection at once.
const DEADLINE_S: RangeInclusive<i64> = 1..=DAY_S;

/// Waits before a retry, in seconds. 0 means no wait.
const PAUSE_S: RangeInclusive<i64> = 0..=DAY_S;

/// The range of every numeric setting, by dotted name.
const BOUNDS: [(&str, RangeInclusive<i64>); 46] = [
    ("attempts.at_once", COUNT),
    ("attempts.backoff_max_s", PAUSE_S),
    ("attempts.face_before_waiting", COUNT),
    ("attempts.face_known_device", COUNT),
    ("attempts.face_unknown_device", COUNT),
    ("attempts.face_wait_s", PAUSE_S),
    ("attempts.known_device", COUNT),
    ("attempts.recovery_cooldown_s", 0..=30 * DAY_S),
    ("attempts.totp_in_a_minute", COUNT),
    ("attempts.unknown_device", COUNT),
    ("audit.checkpoint_s", DEADLINE_S),
    // The bounds of a stored hash (`fourauth_factors::password::Cost`).
    ("auth.argon2_memory_kib", 8..=262_144),
    ("auth.argon2_passes", 1..=8),
    // A token with a longer lifetime would be a password that its owner cannot change.
    ("auth.session_max_s", 1..=30 * DAY_S),
    ("auth.session_s", 1..=30 * DAY_S),
    // With less than the time of one hash, the server would always report that it is busy.
    ("compute.deadline_ms", 100..=3_600_000),
    // 0 means no queue.
    ("compute.queue", 0..=1_000_000),
    // A login takes two jobs.
    ("compute.queue_per_source", 2..=1_000_000),
    // 0 means one per core.
    ("compute.threads", 0..=1000),
    // The waits between so many attempts add up to two weeks.
    ("courier.attempts", 1..=100),
    ("courier.block_in_a_day", COUNT),
    ("courier.block_in_an_hour", COUNT),
    // Other notices wait during an attempt.
    ("courier.deadline_s", 1..=300),
    ("courier.owner_in_15_min", COUNT),
    ("courier.owner_in_a_day", COUNT),
    ("courier.passcodes_for_a_source", COUNT),
    ("limits.answer_s", DEADLINE_S),
    ("limits.commands_per_gateway", COUNT),
    ("limits.connections", COUNT),
    ("limits.connections_per_site", COUNT),
    ("limits.connections_per_source", COUNT),
    // Many peers cannot send a MiB per second.
    ("limits.crowded_bytes_per_s", 1..=1_048_576),
    ("limits.deciding_per_source", COUNT),
    // 0 sends denials at once, which causes a warning.
    ("limits.denial_ms", 0..=60_000),
    ("limits.first_frame_s", DEADLINE_S),
    ("limits.handshake_s", DEADLINE_S),
    ("limits.idle_s", DEADLINE_S),
    // At least two frames, at most one TiB.
    ("limits.in_flight_mib", 8..=1_048_576),
    ("limits.in_flight_mib_per_source", 8..=1_048_576),
    ("limits.in_flight_reserve_percent", 0..=90),
    // Many peers cannot send a MiB per second.
    ("limits.min_bytes_per_s", 1..=1_048_576),
    ("limits.shutdown_s", 1..=3600),
    ("limits.startups", COUNT),
    // 0 means no limit. The limit of SQLite is 256 TiB.
    ("store.max_mib", 0..=268_435_456),
    ("web.connections", WebConfig::CONNECTIONS),
    ("web.connections_per_source", WebConfig::CONNECTIONS_PER_SOURCE),
];

/// Refuses the first number that is out of range.
pub(super) fn check(config: &Config) -> Result<(), Unusable> {
    // TOML cannot represent integers beyond signed 64 bits.
    let settings = config.settings().map_err(|_| Unusable {
        key: "the configuration".to_owned(),
        reason: "has a number that is too large".to_owned(),
    })?;
    numbers(settings).into_iter().try_for_each(|(key, number)| judge(&key, number, &BOUNDS))
}

/// Checks that a number is within its bounds.
fn judge(key: &str, number: f64, bounds: &[(&str, RangeInclusive<i64>)]) -> Result<(), Unusable> {
    let refused = |reason| Err(Unusable { key: key.to_owned(), reason });
    let Some((_, range)) = bounds.iter().find(|(name, _)| *name == key) else {
        return refused("is a number without bounds in this program and cannot be set".to_owned());
    };
    let (least, most) = (*range.start(), *range.end());
    if (as_float(least)..=as_float(most)).contains(&number) {
        Ok(())
    } else {
        refused(format!("must be {least} to {most}"))
    }
}

/// The numeric settings.
fn numbers(settings: Vec<(String, Value)>) -> Vec<(String, f64)> {
    let number = |value: Value| match value {
        Value::Integer(number) => Some(as_float(number)),
        Value::Float(number) => Some(number),
        Value::String(_)
        | Value::Boolean(_)
        | Value::Datetime(_)
        | Value::Array(_)
        | Value::Table(_) => None,
    };
    settings.into_iter().filter_map(|(key, value)| Some((key, number(value)?))).collect()
}

#[expect(clippy::cast_precision_loss, reason = "all bounds are far below 2^53")]
const fn as_float(number: i64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use toml::Table;

    /// The default configuration with one number changed.
    fn with(key: &str, number: i64) -> Result<Config, toml::de::Error> {
        let mut table = Table::try_from(Config::default()).unwrap();
        let (section, name) = key.split_once('.').unwrap();
        let section = table.get_mut(section).and_then(Value::as_table_mut).unwrap();
        section.insert(name.to_owned(), Value::Integer(number));
        table.try_into()
    }

    #[test]
    fn exactly_the_numeric_settings_have_bounds() {
        let defaults = Config::default().settings().unwrap();
        let mut set: Vec<String> = numbers(defaults).into_iter().map(|(key, _)| key).collect();
        let mut bounded = BOUNDS.map(|(key, _)| key.to_owned());
        set.sort();
        bounded.sort();
        assert_eq!(set, bounded);
        assert_eq!(check(&Config::default()), Ok(()));
    }

    #[test]
    fn a_number_out_of_its_bounds_is_refused_by_name() {
        for (key, range) in BOUNDS {
            for within in [*range.start(), *range.end()] {
                assert_eq!(check(&with(key, within).unwrap()), Ok(()), "{key} = {within}");
            }
            for beyond in [range.start() - 1, range.end() + 1] {
                // The type of the setting refuses some of these values.
                let Ok(config) = with(key, beyond) else { continue };
                assert_eq!(check(&config).unwrap_err().key, key, "{key} = {beyond}");
            }
        }
    }

    #[test]
    fn a_number_without_bounds_cannot_be_set() {
        assert!(judge("limits.new_s", 5.0, &BOUNDS).is_err());
        assert!(judge("limits.new_s", f64::NAN, &[("limits.new_s", 0..=9)]).is_err());
    }

    #[test]
    fn no_deadline_can_be_zero() {
        for (key, range) in BOUNDS {
            let is_deadline = ["deadline_ms", "handshake_s", "first_frame_s", "idle_s", "answer_s"]
                .iter()
                .chain(&[
                    "shutdown_s",
                    "min_bytes_per_s",
                    "session_s",
                    "session_max_s",
                    "checkpoint_s",
                    "deadline_s",
                ])
                .any(|name| key.ends_with(name));
            assert!(!is_deadline || *range.start() > 0, "{key}");
        }
    }
}
