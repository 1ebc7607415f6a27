//! The variables of the HTTP OTP system, which `compat.env_names` makes settings of.
//!
//! They fill what has no setting, and change no setting. A user and a password belong together: one of
//! them is never joined with one from a setting.

use crate::{CompatConfig, dotenv, error::ConfigError};
use fourauth_protocol::contact::Email;
use std::{collections::BTreeMap, ffi::OsString};

/// The names that the system documents.
const NAMES: [&str; 6] =
    ["EMAIL_USER", "EMAIL_PASS", "TWILIO_SID", "TWILIO_TOKEN", "TWILIO_PHONE", "SECRET_KEY"];

/// The provider that three of the names are about.
const TWILIO: &str = "twilio+https://api.twilio.com";

/// The variables that have a value, with their origins.
#[derive(Default)]
pub(crate) struct EnvNames(BTreeMap<&'static str, (String, String)>);

/// Settings that the variables add, and what the operator should know.
#[derive(Default)]
pub(crate) struct Filled {
    /// The dotted name, the value and the origin of each setting.
    pub(crate) settings: Vec<(&'static str, String, String)>,
    /// One sentence each, without a value.
    pub(crate) warnings: Vec<String>,
}

impl EnvNames {
    /// Reads the environment, and for names that it does not have, the file in `compat.dotenv`. An
    /// empty variable is an absent one.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the file cannot be read, or a value is no text.
    pub(crate) fn read(
        compat: &CompatConfig,
        environment: &[(OsString, OsString)],
    ) -> Result<Self, ConfigError> {
        let mut found = BTreeMap::new();
        let file = compat.dotenv.as_deref();
        let of_file = file.map(|path| dotenv::read(path, &NAMES)).transpose()?.unwrap_or_default();
        for name in NAMES {
            let variable = environment.iter().find(|(other, _)| other == name);
            let text = variable.map(|(_, text)| text.to_str().map(str::to_owned));
            let not_text = || ConfigError::NotText { variable: name.to_owned() };
            let of_environment = text.map(|text| text.ok_or_else(not_text)).transpose()?;
            let of_environment = of_environment.map(|text| (text, name.to_owned()));
            let of_file = of_file
                .get(name)
                .zip(file)
                .map(|(text, path)| (text.clone(), format!("{name} in {}", path.display())));
            let given = [of_environment, of_file].into_iter().flatten();
            if let Some(value) = given.into_iter().find(|(text, _)| !text.trim().is_empty()) {
                found.insert(name, value);
            }
        }
        Ok(Self(found))
    }

    /// The settings that these variables add. `is_set` knows the settings that have a value, by dotted
    /// name.
    pub(crate) fn fill(&self, is_set: impl Fn(&str) -> bool) -> Filled {
        let mut filled = Filled::default();
        let has_mail =
            self.fill_pair(&mut filled, &is_set, MAIL_ACCOUNT, ["EMAIL_USER", "EMAIL_PASS"]);
        if has_mail && !is_set("courier.mail_from") && self.is_address("EMAIL_USER") {
            self.fill_one(&mut filled, "courier.mail_from", "EMAIL_USER");
        }
        if has_mail && !is_set("courier.mail") {
            filled.warnings.push(
                "EMAIL_USER and EMAIL_PASS do not name a relay, so no mail is sent: set courier.mail \
                 to the relay of that account, such as smtp://relay.example.org:587"
                    .to_owned(),
            );
        }
        let has_sms =
            self.fill_pair(&mut filled, &is_set, SMS_ACCOUNT, ["TWILIO_SID", "TWILIO_TOKEN"]);
        let has_number = self.0.contains_key("TWILIO_PHONE");
        if has_number && !is_set("courier.sms_from") {
            self.fill_one(&mut filled, "courier.sms_from", "TWILIO_PHONE");
        }
        if has_sms && !is_set("courier.sms") {
            if has_number || is_set("courier.sms_from") {
                let origin = self.origin("TWILIO_SID");
                filled.settings.push(("courier.sms", TWILIO.to_owned(), origin));
            } else {
                let text = "TWILIO_SID and TWILIO_TOKEN are set and TWILIO_PHONE is not, so no text \
                            messages are sent: set it to the number that they come from";
                filled.warnings.push(text.to_owned());
            }
        }
        if self.0.contains_key("SECRET_KEY") {
            let text = "SECRET_KEY is ignored: tokens are signed with a key of this server, which it \
                        makes and rotates itself. Tokens of the older system are not valid here";
            filled.warnings.push(text.to_owned());
        }
        filled
    }

    /// Fills two settings that belong together, if neither has a value. True if it did.
    fn fill_pair(
        &self,
        filled: &mut Filled,
        is_set: &impl Fn(&str) -> bool,
        settings: [&'static str; 2],
        names: [&'static str; 2],
    ) -> bool {
        let [has_first, has_second] = names.map(|name| self.0.contains_key(name));
        let [first, second] = names;
        if settings.iter().any(|setting| is_set(setting)) || !(has_first || has_second) {
            return false;
        }
        if !(has_first && has_second) {
            let (given, missing) = if has_first { (first, second) } else { (second, first) };
            filled.warnings.push(format!("{given} is ignored, because {missing} has no value"));
            return false;
        }
        for (setting, name) in settings.into_iter().zip(names) {
            self.fill_one(filled, setting, name);
        }
        true
    }

    fn fill_one(&self, filled: &mut Filled, setting: &'static str, name: &'static str) {
        if let Some((text, origin)) = self.0.get(name) {
            filled.settings.push((setting, text.trim().to_owned(), origin.clone()));
        }
    }

    fn is_address(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|(text, _)| Email::parse(text.trim()).is_ok())
    }

    fn origin(&self, name: &str) -> String {
        self.0.get(name).map(|(_, origin)| origin.clone()).unwrap_or_default()
    }
}

const MAIL_ACCOUNT: [&str; 2] = ["courier.mail_user", "courier.mail_password"];
const SMS_ACCOUNT: [&str; 2] = ["courier.sms_account", "courier.sms_token"];

#[cfg(test)]
mod tests {
    use crate::{ConfigError, layers::Layered};
    use std::fs;

    fn load(file: &str, environment: &[(&str, &str)]) -> Result<Layered, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fourauth.toml");
        fs::write(&path, file).unwrap();
        let environment = environment.iter().map(|(name, value)| (name.into(), value.into()));
        Layered::load(Some(&path), environment)
    }

    /// The texts of the courier that are set, by name, and the warnings about the names.
    fn courier(file: &str, environment: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
        let layered = load(&format!("{file}\n[compat]\nenv_names = true\n"), environment).unwrap();
        layered.config.check().unwrap();
        let courier = &layered.config.courier;
        let plain = |text: &Option<crate::Hidden>| {
            text.as_ref().map(|it| it.secret().expose().clone()).unwrap_or_default()
        };
        let hidden =
            [&courier.mail_user, &courier.mail_password, &courier.sms_account, &courier.sms_token];
        let mut texts = hidden.map(plain).to_vec();
        texts.push(courier.sms_from.clone().unwrap_or_default());
        texts.push(courier.mail_from.as_ref().map(|it| it.as_str().into()).unwrap_or_default());
        texts.push(courier.sms.as_ref().map(ToString::to_string).unwrap_or_default());
        (texts, layered.notes)
    }

    const OLDER: [(&str, &str); 5] = [
        ("EMAIL_USER", "auth@example.org"),
        ("EMAIL_PASS", "hunter2"),
        ("TWILIO_SID", "AC1"),
        ("TWILIO_TOKEN", "t"),
        ("TWILIO_PHONE", "+441632960000"),
    ];

    #[test]
    fn the_names_of_an_older_system_fill_what_is_not_set() {
        let relay = "[courier]\nmail = 'smtp://relay.example.org:587'\n";
        let (texts, notes) = courier(relay, &OLDER);
        let route = "twilio+https://api.twilio.com";
        let expected =
            ["auth@example.org", "hunter2", "AC1", "t", "+441632960000", "auth@example.org", route];
        assert_eq!(texts, expected);
        assert_eq!(notes, Vec::<String>::new());
        let layered = load(relay, &OLDER).unwrap();
        assert_eq!(layered.config.courier.mail_user, None, "they are off by default");
        let (_, notes) = courier("", &OLDER);
        assert!(notes.len() == 1 && notes[0].contains("courier.mail"), "{notes:?}");
    }

    #[test]
    fn a_setting_beats_the_names_of_an_older_system() {
        let own = "[courier]\nmail = 'smtp://relay.example.org:587'\nmail_from = 'me@example.org'\n\
                   mail_user = 'me'\nmail_password = 'p'\nsms_from = '+15005550006'\n";
        let (texts, _) = courier(own, &OLDER);
        assert_eq!(texts[..2], ["me", "p"]);
        assert_eq!(texts[4..6], ["+15005550006", "me@example.org"]);
        let variables = [OLDER[0], OLDER[1], ("FOURAUTH__COURIER__MAIL_USER", "me")];
        let half = load("[compat]\nenv_names = true\n", &variables).unwrap();
        assert_eq!(half.config.courier.mail_password, None, "a password of another account");
        assert!(half.config.check().is_err());
    }

    #[test]
    fn an_empty_name_of_an_older_system_is_absent() {
        for (absent, given) in [(0, "EMAIL_PASS"), (1, "EMAIL_USER"), (2, "TWILIO_TOKEN")] {
            let mut variables = OLDER;
            variables[absent].1 = " ";
            let (texts, notes) =
                courier("[courier]\nmail = 'file:m'\nmail_from = 'a@b.org'\n", &variables);
            assert!(texts[absent].is_empty(), "{texts:?}");
            assert!(notes.len() == 1 && notes[0].starts_with(given), "{notes:?}");
        }
    }

    #[test]
    fn the_key_of_an_older_system_is_ignored_with_a_warning() {
        let (texts, notes) = courier("", &[("SECRET_KEY", "hunter2")]);
        assert!(texts.iter().all(String::is_empty), "{texts:?}");
        assert!(notes.len() == 1 && notes[0].starts_with("SECRET_KEY is ignored"), "{notes:?}");
        assert!(!notes[0].contains("hunter2"));
    }

    #[test]
    fn the_environment_beats_the_file_of_an_older_system() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        fs::write(&path, "TWILIO_SID='AC9'\nTWILIO_TOKEN=t9\nTWILIO_PHONE=+15005550006\n").unwrap();
        let variables = [
            ("FOURAUTH__COMPAT__ENV_NAMES", "true"),
            ("FOURAUTH__COMPAT__DOTENV", path.to_str().unwrap()),
            ("TWILIO_TOKEN", "t1"),
            ("TWILIO_PHONE", ""),
        ];
        let layered = load("", &variables).unwrap();
        let sms = layered.config.courier.sms().unwrap();
        let account = sms.account.unwrap();
        assert_eq!(
            (account.name.expose().as_str(), account.password.expose().as_str()),
            ("AC9", "t1")
        );
        assert_eq!(sms.from, "+15005550006");
        assert_eq!(layered.origins["courier.sms_token"], "TWILIO_TOKEN");
        assert!(layered.origins["courier.sms_account"].starts_with("TWILIO_SID in "));
        fs::write(&path, "TWILIO_SID='hunter2\n").unwrap();
        let error = load("", &variables).unwrap_err().to_string();
        assert!(error.contains("line 1") && !error.contains("hunter2"), "{error}");
    }
}
