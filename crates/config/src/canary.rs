//! Tests that a secret in any setting and any layer appears in no error and no displayed text.

use super::{Config, layers::Layered};
use std::{ffi::OsString, fmt::Write as _, fs};
use toml::{Table, Value};

const CANARY: &str = "Tr0ub4dor-and-3";

/// Settings without a default value.
const OPTIONAL: [&str; 24] = [
    "store.url",
    "tls.certificate",
    "tls.private_key",
    "face.packs_dir",
    "face.onnx_runtime",
    "face.onnx_runtime_sha256",
    "log.otlp_endpoint",
    "audit.checkpoint_sinks",
    "courier.mail",
    "courier.mail_from",
    "courier.mail_user",
    "courier.mail_password",
    "courier.mail_ca",
    "courier.sms",
    "courier.sms_account",
    "courier.sms_token",
    "courier.sms_from",
    "courier.templates",
    "compat.dotenv",
    "text.listen_passcodes",
    "text.listen_identity",
    "web.origin",
    "web.forward_auth",
    "web.listener",
];

/// Every setting, by dotted name.
fn settings() -> Vec<String> {
    let table = Table::try_from(Config::default()).unwrap();
    let mut names: Vec<String> = OPTIONAL.map(str::to_owned).into();
    for (key, value) in table {
        match value {
            Value::Table(section) => names.extend(section.keys().map(|it| format!("{key}.{it}"))),
            _ => names.push(key),
        }
    }
    names
}

/// All messages about a configuration, from loading to checking it.
fn shown(file: &str, environment: &[(String, String)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fourauth.toml");
    fs::write(&path, file).unwrap();
    let variables = environment.iter().map(|(name, value)| (name.into(), value.into()));
    let mut shown = String::new();
    match Layered::load(Some(&path), variables) {
        Ok(layered) => {
            let checked = layered.config.check();
            write!(shown, "{checked:?} {:?} {layered:?}", layered.warnings()).unwrap();
            if let Err(unusable) = checked {
                write!(shown, "{unusable}").unwrap();
            }
        }
        Err(error) => {
            write!(shown, "{error} {error:?}").unwrap();
            write!(shown, "{:#}", anyhow::anyhow!(error)).unwrap();
        }
    }
    shown
}

/// Values that contain the secret, both well-formed and malformed.
fn values() -> [String; 7] {
    [
        format!("'{CANARY}'"),
        format!("'postgres://fourauth:{CANARY}@localhost/fourauth?{CANARY}={CANARY}'"),
        format!("'postgres://fourauth:{CANARY}@db.example.org/fourauth'"),
        format!("'https://u:{CANARY}@h/'"),
        format!("['{CANARY}', 'https://u:{CANARY}@h/', 'http://u:{CANARY}@h/']"),
        format!("'{CANARY}"),
        CANARY.to_owned(),
    ]
}

/// True for text settings that `config show` displays in full. A secret in any other setting must
/// not be shown.
fn is_shown(name: &str) -> bool {
    [
        "auth.issuer",
        "auth.token_prefix",
        "face.pack",
        "face.packs_dir",
        "face.onnx_runtime",
        "data_dir",
        "log.filter",
        "time.servers",
    ]
    .contains(&name)
        || ["courier.mail_ca", "courier.sms_from", "courier.templates", "compat.dotenv"]
            .contains(&name)
        || name.starts_with("tls.")
}

#[test]
fn a_secret_in_a_file_is_in_no_error() {
    for name in settings().iter().filter(|name| !is_shown(name)) {
        for value in values() {
            let shown = shown(&format!("{name} = {value}\n"), &[]);
            assert!(!shown.contains(CANARY), "{name} = {value}\n{shown}");
        }
    }
}

#[test]
fn a_secret_in_a_variable_is_in_no_error() {
    for name in settings().iter().filter(|name| !is_shown(name)) {
        let variable = format!("FOURAUTH__{}", name.replace('.', "__").to_uppercase());
        for value in values() {
            let value = value.trim_matches('\'').to_owned();
            for (variable, value) in
                [(variable.clone(), value.clone()), (format!("{variable}_FILE"), value)]
            {
                let shown = shown("", &[(variable.clone(), value)]);
                assert!(!shown.contains(CANARY), "{variable}\n{shown}");
            }
        }
    }
}

#[test]
fn a_secret_in_a_file_that_a_variable_names_is_in_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    for value in values() {
        fs::write(&secret, value.trim_matches('\'')).unwrap();
        let named = secret.to_str().unwrap().to_owned();
        for name in settings().iter().filter(|name| !is_shown(name)) {
            let variable = format!("FOURAUTH__{}_FILE", name.replace('.', "__").to_uppercase());
            let shown = shown("", &[(variable, named.clone())]);
            assert!(!shown.contains(CANARY), "{name}\n{shown}");
        }
    }
}

#[test]
fn a_secret_in_a_variable_of_an_older_system_is_in_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(".env");
    let path = file.to_str().unwrap();
    let compat = format!("[compat]\nenv_names = true\ndotenv = '{path}'\n");
    for name in ["EMAIL_USER", "EMAIL_PASS", "TWILIO_SID", "TWILIO_TOKEN", "SECRET_KEY"] {
        for value in values() {
            fs::write(&file, "").unwrap();
            let of_variable = shown(&compat, &[(name.to_owned(), value.clone())]);
            fs::write(&file, format!("{name}={value}\n")).unwrap();
            let of_file = shown(&compat, &[]);
            for shown in [of_variable, of_file] {
                assert!(!shown.contains(CANARY), "{name}={value}\n{shown}");
            }
        }
    }
}

#[test]
fn a_line_that_does_not_parse_is_named_and_not_shown() {
    let file = format!("[store]\nmax_mib = 0\nurl = postgres://u:{CANARY}@localhost/d\n");
    let shown = shown(&file, &[]);
    assert!(shown.contains("line 3") && !shown.contains(CANARY), "{shown}");
}

#[test]
fn a_fourauth_variable_that_is_not_text_is_refused_by_name() {
    use std::os::unix::ffi::OsStringExt as _;
    let value = OsString::from_vec(vec![0xff]);
    let variables = [("FOURAUTH__AUTH__ISSUER".into(), value.clone()), ("OTHER".into(), value)];
    let refused = Layered::load(None, variables.into_iter()).unwrap_err();
    assert!(refused.to_string().contains("FOURAUTH__AUTH__ISSUER"), "{refused}");
}

#[test]
fn different_values_have_different_full_values() {
    for name in settings() {
        for value in values() {
            let load = |value: &str| toml::from_str::<Table>(&format!("{name} = {value}\n")).ok();
            let config = |value: &str| load(value)?.try_into::<Config>().ok();
            let other = value.replace(CANARY, "An0ther-and-3");
            if let (Some(one), Some(other)) = (config(&value), config(&other)) {
                assert!(one != other, "{name} = {value}");
                let whole = |config: &Config| -> Vec<_> {
                    let whole = config.whole_settings().unwrap().into_iter();
                    whole.map(|(name, _, whole)| (name, whole.expose().clone())).collect()
                };
                assert_ne!(whole(&one), whole(&other), "{name} = {value}");
            }
        }
    }
}
