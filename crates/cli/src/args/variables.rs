//! The environment variables that stand for options. An option beats its variable, an empty variable is
//! an absent one, and one that cannot be used is refused by its name.
//!
//! The parser of the command line does not read them: it would refuse a variable that an option beats.

use super::Options;
use fourauth_client::{Fingerprint, ServerAddress};
use std::{ffi::OsString, path::PathBuf};

/// Returns the value of a variable.
pub type Variable = fn(&'static str) -> Option<OsString>;

/// A variable cannot be used. Its value is not shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {reason}; set it again or remove it")]
pub struct NotUsable {
    variable: &'static str,
    reason: String,
}

impl Options {
    /// Fills what no option sets.
    ///
    /// # Errors
    ///
    /// [`NotUsable`]
    pub fn fill(&mut self, variable: Variable) -> Result<(), NotUsable> {
        const SERVER: &str = "FOURAUTH_SERVER";
        const PIN: &str = "FOURAUTH_PIN";
        const CA: &str = "FOURAUTH_CA";
        const DEVICE_KEY: &str = "FOURAUTH_DEVICE_KEY";

        let path = |name| given(variable, name).map(PathBuf::from);
        if self.server.is_none() {
            self.server = parsed(variable, SERVER, ServerAddress::parse)?;
        }
        // One of the two decides the trust, so an option beats both variables.
        if self.pin.is_none() && self.ca.is_none() {
            self.pin = parsed(variable, PIN, Fingerprint::parse)?;
            self.ca = path(CA);
        }
        if self.pin.is_some() && self.ca.is_some() {
            let reason = format!("{CA} is set too, and only one of them can decide the trust");
            return Err(NotUsable { variable: PIN, reason });
        }
        if self.device_key.is_none() && !self.no_device_key {
            self.device_key = path(DEVICE_KEY);
        }
        Ok(())
    }
}

fn given(variable: Variable, name: &'static str) -> Option<OsString> {
    variable(name).filter(|value| !value.is_empty())
}

fn parsed<T, E: ToString>(
    variable: Variable,
    name: &'static str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, NotUsable> {
    let refused = |reason| NotUsable { variable: name, reason };
    let Some(value) = given(variable, name) else { return Ok(None) };
    let text = value.to_str().ok_or_else(|| refused("it is not UTF-8 text".to_owned()))?;
    parse(text).map(Some).map_err(|error| refused(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Cli;
    use clap::Parser as _;
    use std::{os::unix::ffi::OsStringExt as _, path::Path};

    const PIN: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn filled(line: &str, variable: Variable) -> Result<Options, NotUsable> {
        let mut options = Cli::try_parse_from(line.split(' ')).unwrap().options;
        options.fill(variable).map(|()| options)
    }

    fn all(name: &'static str) -> Option<OsString> {
        match name {
            "FOURAUTH_SERVER" => Some("a.example".into()),
            "FOURAUTH_CA" => Some("ca.pem".into()),
            "FOURAUTH_DEVICE_KEY" => Some("device.key".into()),
            _ => None,
        }
    }

    #[test]
    fn a_variable_stands_for_its_option() {
        let options = filled("fourauth login", all).unwrap();
        assert_eq!(options.server, ServerAddress::parse("a.example").ok());
        assert_eq!(options.ca.as_deref(), Some(Path::new("ca.pem")));
        assert_eq!(options.device_key.as_deref(), Some(Path::new("device.key")));
    }

    #[test]
    fn an_option_beats_its_variable_in_every_place() {
        for line in [
            "fourauth --server b.example --pin PIN --device-key k login",
            "fourauth login --server b.example --pin PIN --device-key k",
        ] {
            let line = line.replace("PIN", PIN);
            // Also if it could not be used.
            for variable in [all, |_| Some(OsString::from_vec(vec![0xff]))] as [Variable; 2] {
                let options = filled(&line, variable).unwrap();
                assert_eq!(options.server, ServerAddress::parse("b.example").ok());
                assert_eq!((options.pin, options.ca), (Fingerprint::parse(PIN).ok(), None));
                assert_eq!(options.device_key.as_deref(), Some(Path::new("k")));
            }
        }
        assert_eq!(filled("fourauth login --no-device-key", all).unwrap().device_key, None);
    }

    #[test]
    fn an_empty_variable_is_an_absent_one() {
        let options = filled("fourauth login", |_| Some(OsString::new())).unwrap();
        assert!(options.server.is_none() && options.pin.is_none());
        assert!(options.ca.is_none() && options.device_key.is_none());
    }

    #[test]
    fn a_variable_that_cannot_be_used_is_refused_by_name() {
        for (variable, name) in [
            (
                |name| (name == "FOURAUTH_SERVER").then(|| OsString::from_vec(vec![0xff])),
                "FOURAUTH_SERVER: it is not UTF-8",
            ),
            (|name| (name == "FOURAUTH_PIN").then(|| "abcd".into()), "FOURAUTH_PIN: "),
            (
                |name| match name {
                    "FOURAUTH_PIN" => Some(PIN.into()),
                    "FOURAUTH_CA" => Some("ca.pem".into()),
                    _ => None,
                },
                "FOURAUTH_PIN: FOURAUTH_CA is set too",
            ),
        ] as [(Variable, &str); 3]
        {
            let refused = filled("fourauth login", variable).unwrap_err().to_string();
            assert!(refused.starts_with(name), "{refused}");
        }
    }
}
