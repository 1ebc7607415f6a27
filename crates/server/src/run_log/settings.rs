//! A snapshot of the settings at a start, and the changes since the previous one.
//!
//! Settings are compared by a digest of the full value. The displayed value may be shorter: a long
//! value is truncated, and a password is left out.

use fourauth_config::Config;
use fourauth_protocol::secret::Secret;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Longest displayed value, in characters. Two values and a name fit into the detail of a row.
const MAX_VALUE: usize = 300;

/// Every setting that has a value, by dotted name.
pub(super) type Settings = BTreeMap<String, Kept>;

/// The stored form of one setting. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The value without secrets, truncated.
    shown: String,
    /// A keyed digest of the full value. Hidden parts cannot be guessed from it.
    digest: String,
}

/// The snapshot of a configuration. `digest` gets the name and the full value of a setting.
pub(super) fn of(
    config: &Config,
    digest: impl Fn(&str, &Secret<String>) -> String,
) -> Result<Settings, toml::ser::Error> {
    let settings = config.whole_settings()?.into_iter();
    let kept = settings.map(|(name, shown, whole)| {
        let digest = digest(&name, &whole);
        (name, Kept { shown: cut(&shown.to_string()), digest })
    });
    Ok(kept.collect())
}

fn cut(value: &str) -> String {
    match value.char_indices().nth(MAX_VALUE) {
        Some((at, _)) => format!("{}…", &value[..at]),
        None => value.to_owned(),
    }
}

/// The changes since the last start, one sentence per setting.
pub(super) fn changes(before: &str, now: &Settings) -> Vec<String> {
    let Ok(before) = serde_json::from_str::<Settings>(before) else {
        return vec!["The settings of the last start cannot be read.".to_owned()];
    };
    let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    names
        .into_iter()
        .filter_map(|name| {
            let change = change(before.get(name), now.get(name))?;
            Some(format!("{name} {change}."))
        })
        .collect()
}

/// The change of one setting, or `None` if it is the same.
fn change(before: Option<&Kept>, now: Option<&Kept>) -> Option<String> {
    let digest = |kept: Option<&Kept>| kept.map(|kept| kept.digest.clone());
    if digest(before) == digest(now) {
        return None;
    }
    let shown = |kept: Option<&Kept>| kept.map_or("(default)".to_owned(), |it| it.shown.clone());
    let (old, new) = (shown(before), shown(now));
    if old == new {
        return Some(format!("was {old} and is changed (hidden)"));
    }
    Some(format!("was {old} and is {new}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &str = "Tr0ub4dor";

    fn of(config: &Config) -> Settings {
        // Not hashed: the keyring's tests cover that a digest hides its value.
        super::of(config, |_, whole| whole.expose().clone()).unwrap()
    }

    /// The changes between two configurations.
    fn between(before: &Config, now: &Config) -> Vec<String> {
        changes(&serde_json::to_string(&of(before)).unwrap(), &of(now))
    }

    fn with(change: impl FnOnce(&mut Config)) -> Config {
        let mut config = Config::default();
        change(&mut config);
        config
    }

    fn exempt(networks: usize, last: Option<&str>) -> Config {
        let networks = (0..networks).map(|number| format!("198.51.100.{number}"));
        let networks = networks.chain(last.map(str::to_owned));
        with(|config| {
            config.limits.penalty_exempt = networks.map(|it| it.parse().unwrap()).collect();
        })
    }

    #[test]
    fn each_changed_setting_is_named_with_both_values() {
        let kept = |shown: &str| Kept { shown: shown.into(), digest: shown.into() };
        let settings = |values: &[(&str, &str)]| -> Settings {
            values.iter().map(|(name, shown)| ((*name).to_owned(), kept(shown))).collect()
        };
        let now = settings(&[("a", "1"), ("b", "2"), ("d", "4")]);
        let before = settings(&[("a", "1"), ("b", "3"), ("c", "5")]);
        assert_eq!(
            changes(&serde_json::to_string(&before).unwrap(), &now),
            ["b was 3 and is 2.", "c was 5 and is (default).", "d was (default) and is 4."]
        );
        assert!(changes(&serde_json::to_string(&now).unwrap(), &now).is_empty());
        assert_eq!(changes("half", &now).len(), 1);
    }

    #[test]
    fn a_change_in_a_truncated_part_is_reported() {
        let (long, longer) = (exempt(100, None), exempt(100, Some("0.0.0.0/0")));
        let changed = between(&long, &longer);
        assert_eq!(changed.len(), 1, "{changed:?}");
        assert!(changed[0].starts_with("limits.penalty_exempt was "), "{changed:?}");
        assert!(changed[0].ends_with("and is changed (hidden)."), "{changed:?}");
        assert!(between(&longer, &longer).is_empty());
    }

    #[test]
    fn a_change_in_a_hidden_part_is_reported() {
        let url = |url: &str| with(|config| config.store.url = url.parse().ok());
        let sink = |sink: &str| {
            with(|config| config.audit.checkpoint_sinks = Some(vec![sink.parse().unwrap()]))
        };
        for (name, before, now) in [
            ("store.url", url("postgres://u:p@localhost/d"), url("postgres://u:p@127.0.0.1/e")),
            ("store.url", url("postgres://u:p@localhost/d"), url("postgres://u:q@localhost/d")),
            ("audit.checkpoint_sinks", sink("https://h/one"), sink("https://h/two")),
        ] {
            let changed = between(&before, &now);
            assert_eq!(changed.len(), 1, "{changed:?}");
            assert!(
                changed[0].starts_with(name) && changed[0].contains("changed (hidden)"),
                "{changed:?}"
            );
        }
    }

    #[test]
    fn the_stored_settings_hold_no_secret() {
        let config = with(|config| {
            config.store.url =
                format!("postgres://u:{PASSWORD}@localhost/d?password={PASSWORD}").parse().ok();
            config.audit.checkpoint_sinks =
                Some(vec![format!("https://u:{PASSWORD}@h/{PASSWORD}").parse().unwrap()]);
        });
        let kept = super::of(&config, |_, _| "digest".to_owned()).unwrap();
        let kept = serde_json::to_string(&kept).unwrap();
        assert!(kept.contains("store.url") && !kept.contains(PASSWORD), "{kept}");
    }
}
