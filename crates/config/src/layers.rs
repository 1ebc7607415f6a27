//! The layers of the configuration: defaults < file < environment < files named by the environment.
//! With `compat.env_names`, the variables of an older system fill what none of them sets.
//!
//! `FOURAUTH__SECTION__KEY=value` sets one key. `FOURAUTH__SECTION__KEY_FILE=path` reads its value
//! from a file, as with container secrets. The environment is passed as an argument.

use super::{
    Config,
    env_names::EnvNames,
    error::{self, ConfigError},
};
use fourauth_daemon::toml_text;
use std::{collections::BTreeMap, ffi::OsString, fs, io, path::Path};
use toml::{Table, Value};

/// The prefix of the variables of this program.
const PREFIX: &str = "FOURAUTH__";

/// A configuration and the origin of each of its keys, by dotted name.
#[derive(Debug, Clone)]
pub struct Layered {
    /// The settings.
    pub config: Config,
    /// The origins. A key without an entry has its default value.
    pub origins: BTreeMap<String, String>,
    /// What the operator should know about the variables of an older system, one sentence each.
    pub(crate) notes: Vec<String>,
}

impl Layered {
    /// Loads and merges the layers.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a layer cannot be read or a setting is invalid. It names the file, the
    /// variable or the key, and quotes no value.
    pub fn load(
        file: Option<&Path>,
        environment: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let mut layers = Layers::default();
        if let Some(path) = file {
            let origin = path.display().to_string();
            let read = fs::read_to_string(path);
            let text = read.map_err(|error| ConfigError::Read { path: origin.clone(), error })?;
            layers.lay(&parse(&text, &origin)?, &mut Vec::new(), &origin);
        }
        let environment: Vec<_> = environment.collect();
        let mut ours: Vec<_> =
            environment.iter().cloned().filter_map(ours).collect::<Result<_, _>>()?;
        // `…_FILE` sorts after its plain variable, and so overrides it.
        ours.sort();
        for (name, value) in ours {
            layers.lay_variable(&name, value)?;
        }
        let config = meaning(layers.merged.clone(), &layers.origins)?;
        if !config.compat.env_names {
            return Ok(Self { config, origins: layers.origins, notes: Vec::new() });
        }
        let names = EnvNames::read(&config.compat, &environment)?;
        let filled = names.fill(|setting| layers.origins.contains_key(setting));
        for (setting, text, origin) in filled.settings {
            let path: Vec<String> = setting.split('.').map(str::to_owned).collect();
            layers.set(&path, Value::String(text), &origin);
        }
        let Layers { merged, origins } = layers;
        let config = meaning(merged, &origins)?;
        Ok(Self { config, origins, notes: filled.warnings })
    }

    /// The warnings for the operator, one sentence each.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        [self.notes.clone(), self.config.warnings()].concat()
    }
}

/// A variable of this program as text, or `None` for any other variable, which need not be text.
fn ours((name, value): (OsString, OsString)) -> Option<Result<(String, String), ConfigError>> {
    let name = name.into_string().ok().filter(|name| name.starts_with(PREFIX))?;
    Some(match value.into_string() {
        Ok(value) => Ok((name, value)),
        Err(_) => Err(ConfigError::NotText { variable: name }),
    })
}

fn parse(text: &str, origin: &str) -> Result<Table, ConfigError> {
    text.parse().map_err(|failed| {
        let (line, column) = toml_text::position(text, &failed);
        ConfigError::Syntax { path: origin.to_owned(), line, column }
    })
}

fn meaning(merged: Table, origins: &BTreeMap<String, String>) -> Result<Config, ConfigError> {
    serde_path_to_error::deserialize(merged).map_err(|failed| {
        let key = failed.path().to_string();
        // An entry of a list has the origin of the list, and a section that of its settings.
        let listed = key.split('[').next().unwrap_or_default();
        let named = |(name, _): &(&String, &String)| {
            name.as_str() == listed
                || name.strip_prefix(listed).is_some_and(|rest| rest.starts_with('.'))
        };
        let origin = origins.iter().find(named).map_or("the configuration", |(_, from)| from);
        ConfigError::Meaning {
            key: error::shown(&key),
            origin: origin.to_owned(),
            reason: toml_text::reason(failed.inner().message()),
        }
    })
}

#[derive(Default)]
struct Layers {
    merged: Table,
    origins: BTreeMap<String, String>,
}

impl Layers {
    fn lay(&mut self, table: &Table, path: &mut Vec<String>, origin: &str) {
        for (key, value) in table {
            path.push(key.clone());
            match value {
                Value::Table(section) => self.lay(section, path, origin),
                value => self.set(path, value.clone(), origin),
            }
            path.pop();
        }
    }

    fn set(&mut self, path: &[String], value: Value, origin: &str) {
        let Some((key, sections)) = path.split_last() else { return };
        let mut table = &mut self.merged;
        for section in sections {
            let entry = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            let Value::Table(inner) = entry else { return };
            table = inner;
        }
        table.insert(key.clone(), value);
        self.origins.insert(path.join("."), origin.to_owned());
    }

    fn lay_variable(&mut self, name: &str, text: String) -> Result<(), ConfigError> {
        let path = |name: &str| -> Vec<String> {
            name[PREFIX.len()..].to_lowercase().split("__").map(str::to_owned).collect()
        };
        let (path, text, origin) = match name.strip_suffix("_FILE") {
            Some(key) => {
                let content = named_file(name, &text)?.trim().to_owned();
                (path(key), content, format!("file {text} ({name})"))
            }
            None => (path(name), text, name.to_owned()),
        };
        let value = typed(&path, text);
        self.set(&path, value, &origin);
        Ok(())
    }
}

fn named_file(variable: &str, path: &str) -> Result<String, ConfigError> {
    let failed = |error| ConfigError::ReadNamed { variable: variable.to_owned(), error };
    if path.is_empty() {
        return Err(failed(io::ErrorKind::NotFound.into()));
    }
    fs::read_to_string(path).map_err(failed)
}

/// Parses a variable as the type of the default value, so that a password of digits stays a text.
/// For a key without a default, the value is a text or a list.
fn typed(path: &[String], text: String) -> Value {
    let defaults = Value::Table(Table::try_from(Config::default()).unwrap_or_default());
    let default = path.iter().try_fold(&defaults, |value, key| value.get(key));
    match default {
        Some(Value::String(_)) => Value::String(text),
        None if !text.starts_with('[') => Value::String(text),
        None | Some(_) => format!("value = {text}")
            .parse::<Table>()
            .ok()
            .and_then(|mut table| table.remove("value"))
            .unwrap_or(Value::String(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: &str, environment: &[(&str, &str)]) -> Result<Layered, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fourauth.toml");
        fs::write(&path, file).unwrap();
        let environment = environment.iter().map(|(name, value)| (name.into(), value.into()));
        Layered::load(Some(&path), environment)
    }

    #[test]
    fn the_empty_configuration_is_the_default_one() {
        assert_eq!(load("", &[]).unwrap().config, Config::default());
        let none = Layered::load(None, std::iter::empty()).unwrap();
        assert_eq!(none.config, Config::default());
        assert!(none.origins.is_empty());
    }

    #[test]
    fn the_environment_overrides_the_file() {
        let layered = load(
            "[auth]\nissuer = 'File'\nsession_s = 60\n",
            &[("FOURAUTH__AUTH__ISSUER", "12345"), ("FOURAUTH__LIMITS__CONNECTIONS", "7")],
        )
        .unwrap();
        assert_eq!(layered.config.auth.issuer, "12345");
        assert_eq!(layered.config.auth.session_s, 60);
        assert_eq!(layered.config.limits.connections, 7);
        assert_eq!(layered.origins["auth.issuer"], "FOURAUTH__AUTH__ISSUER");
        assert!(layered.origins["auth.session_s"].ends_with("fourauth.toml"));
    }

    #[test]
    fn a_file_named_by_the_environment_wins() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("url");
        fs::write(&secret, "postgres://example/db\n").unwrap();
        let layered = load(
            "",
            &[
                ("FOURAUTH__STORE__URL", "sqlite:x"),
                ("FOURAUTH__STORE__URL_FILE", secret.to_str().unwrap()),
            ],
        )
        .unwrap();
        assert_eq!(layered.config.store.url, Some("postgres://example/db".parse().unwrap()));
    }

    #[test]
    fn lists_can_come_from_the_environment() {
        let layered = load("", &[("FOURAUTH__TIME__SERVERS", "['ntp.example.org']")]).unwrap();
        assert_eq!(layered.config.time.servers, ["ntp.example.org"]);

        let sinks = "['file:a.log', 'syslog+tls://logs.example.org:6514']";
        let layered = load("", &[("FOURAUTH__AUDIT__CHECKPOINT_SINKS", sinks)]).unwrap();
        assert_eq!(layered.config.checkpoint_sinks().len(), 2);
    }

    #[test]
    fn an_unknown_setting_is_refused_by_name() {
        for (file, environment) in [
            ("[auth]\nisuer = 'x'\n", [].as_slice()),
            ("", [("FOURAUTH__AUTH__ISUER", "x")].as_slice()),
        ] {
            assert!(load(file, environment).unwrap_err().to_string().contains("isuer"));
        }
        assert!(load("[limits]\nconnections = 'many'\n", &[]).is_err());
        assert!(load("not toml", &[]).is_err());
    }
}
