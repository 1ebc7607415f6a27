//! The layers of the configuration: defaults < file < environment < files named by the environment.
//! With `compat.env_names`, the variables of an older system fill what none of them sets.
//!
//! `FOURAUTH__SECTION__KEY=value` sets one key. `FOURAUTH__SECTION__KEY_FILE=path` reads its value
//! from a file, as with container secrets. An empty variable is an absent one. The environment is
//! passed as an argument.

use super::{
    Config,
    env_names::EnvNames,
    error::{self, ConfigError},
};
use fourauth_daemon::toml_text;
use std::{collections::BTreeMap, ffi::OsString, path::Path};
use toml::{Table, Value};

/// The prefix of the variables of this program.
const PREFIX: &str = "FOURAUTH__";

/// The settings without a default that are lists. A variable of any other one without a default is a
/// text, whatever it looks like: a password may begin with a bracket.
const LISTS: [&str; 2] = ["audit.checkpoint_sinks", "web.listener"];

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
            let read = fourauth_text_file::read(path);
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

/// A variable of this program as text, or `None` for an empty one and for any other variable, which
/// need not be text.
fn ours((name, value): (OsString, OsString)) -> Option<Result<(String, String), ConfigError>> {
    let name = name.into_string().ok().filter(|name| name.starts_with(PREFIX))?;
    if value.is_empty() {
        return None;
    }
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
                let content = named_file(name, &text)?;
                // Spaces belong to a password, and the end of the line does not.
                let content = content.trim_end_matches(['\r', '\n']).to_owned();
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
    fourauth_text_file::read(path.as_ref())
        .map_err(|error| ConfigError::ReadNamed { variable: variable.to_owned(), error })
}

/// Parses a variable as the type of the default value, so that a password of digits stays a text.
/// For a key without a default, the value is a text, or a list if the key is one of [`LISTS`].
fn typed(path: &[String], text: String) -> Value {
    let defaults = Value::Table(Table::try_from(Config::default()).unwrap_or_default());
    let default = path.iter().try_fold(&defaults, |value, key| value.get(key));
    match default {
        Some(Value::String(_)) => Value::String(text),
        None if !is_list(path) => Value::String(text),
        // One value and nothing after it: a line more must not be dropped.
        None | Some(_) => text.trim().parse().unwrap_or(Value::String(text)),
    }
}

/// True for a list. The rules of `web.forward_auth` have lists too.
fn is_list(path: &[String]) -> bool {
    let name = path.join(".");
    LISTS.contains(&name.as_str()) || name.starts_with("web.forward_auth.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

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
    fn an_empty_variable_is_an_absent_one() {
        let names = ["AUTH__ISSUER", "LIMITS__CONNECTIONS", "STORE__URL", "STORE__URL_FILE"];
        let variables = names.map(|name| (format!("{PREFIX}{name}"), String::new()));
        let variables = variables.each_ref().map(|(name, text)| (name.as_str(), text.as_str()));
        let layered = load("[auth]\nissuer = 'File'\n", &variables).unwrap();
        assert_eq!(layered.config.auth.issuer, "File");
        assert_eq!(layered.config.limits, Config::default().limits);
        assert_eq!(layered.config.store.url, None);
        assert_eq!(layered.origins.len(), 1);
    }

    #[test]
    fn a_text_is_never_parsed_as_something_else() {
        let environment = [
            ("FOURAUTH__DATA_DIR", "/srv/a ?b=c#d%20e"),
            ("FOURAUTH__AUTH__ISSUER", "['x']"),
            ("FOURAUTH__TLS__CERTIFICATE", "['cert.pem']"),
            ("FOURAUTH__COURIER__MAIL_USER", "true"),
            ("FOURAUTH__COURIER__MAIL_PASSWORD", "[1, 2]"),
        ];
        let config = load("", &environment).unwrap().config;
        assert_eq!(config.data_dir, Path::new("/srv/a ?b=c#d%20e"));
        assert_eq!(config.auth.issuer, "['x']");
        assert_eq!(config.tls.certificate.as_deref(), Some(Path::new("['cert.pem']")));
        let of_mail = [config.courier.mail_user, config.courier.mail_password];
        let of_mail = of_mail.map(|it| it.unwrap().secret().expose().clone());
        assert_eq!(of_mail, ["true", "[1, 2]"]);
    }

    #[test]
    fn a_variable_that_is_not_one_value_is_refused_by_name() {
        for text in ["5\nother = 6", "5 6", "many", "5 # a comment\n6"] {
            let refused = load("", &[("FOURAUTH__LIMITS__CONNECTIONS", text)]).unwrap_err();
            let refused = refused.to_string();
            assert!(refused.contains("FOURAUTH__LIMITS__CONNECTIONS"), "{text}: {refused}");
        }
    }

    #[test]
    fn a_named_file_keeps_its_spaces_and_loses_its_mark() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("password");
        fs::write(&secret, "\u{feff} a b \r\n").unwrap();
        let named = [
            ("FOURAUTH__COURIER__MAIL_USER", "u"),
            ("FOURAUTH__COURIER__MAIL_PASSWORD_FILE", secret.to_str().unwrap()),
        ];
        let password = load("\u{feff}", &named).unwrap().config.courier.mail_password.unwrap();
        assert_eq!(password.secret().expose(), " a b ");
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
