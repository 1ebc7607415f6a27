//! `fourauthd config check|show`: the configuration in use.

use clap::Subcommand;
use fourauth_config::{Config, layers::Layered};
use fourauth_face::pack::MANIFEST;
use fourauth_face_pack::is_installable;
use toml::Value;

/// Commands on the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check that the configuration can be used
    Check,
    /// Print every setting
    Show {
        /// Also print the origin of each setting
        #[arg(long)]
        origin: bool,
    },
}

impl ConfigCommand {
    /// Runs the command and prints the result.
    ///
    /// # Errors
    ///
    /// If the configuration cannot be written as TOML.
    pub fn run(&self, layered: &Layered) -> anyhow::Result<()> {
        match self {
            Self::Check => {
                for warning in layered.warnings() {
                    print_err!("warning: {warning}");
                }
                if let Some(warning) = missing_pack(&layered.config) {
                    print_err!("warning: {warning}");
                }
                print_out!("The configuration can be used.")?;
            }
            Self::Show { origin } => {
                for (key, value) in settings(&layered.config)? {
                    print_out!("{}", line(layered, &key, &value, *origin))?;
                }
            }
        }
        Ok(())
    }
}

/// Every setting, also one with a default that depends on another setting.
fn settings(config: &Config) -> anyhow::Result<Vec<(String, Value)>> {
    const CHALLENGE: &str = "face.challenge";
    let mut settings = config.settings()?;
    if config.face.challenge.is_none() {
        let place = settings.iter().rposition(|(key, _)| key.starts_with("face."));
        let value = Value::try_from(config.face_challenge())?;
        settings.insert(place.map_or(0, |place| place + 1), (CHALLENGE.to_owned(), value));
    }
    Ok(settings)
}

/// A warning about a pack that the server can neither load nor build.
fn missing_pack(config: &Config) -> Option<String> {
    let name = &config.face.pack;
    let is_there = config.pack_dir().join(MANIFEST).is_file();
    (!is_there && !is_installable(name)).then(|| {
        format!(
            "face.pack is {name}: it is not in {}, and the server cannot build it; put the pack \
             there, or name another one",
            config.packs_dir().display()
        )
    })
}

/// What limits a setting beside its value.
fn remark(config: &Config, key: &str) -> &'static str {
    let is_limit = matches!(key, "attempts.face_unknown_device" | "attempts.face_known_device");
    if is_limit && !config.face.liveness {
        "  # at most 5, because face.liveness is off"
    } else {
        ""
    }
}

fn line(layered: &Layered, key: &str, value: &Value, origin: bool) -> String {
    let from = layered.origins.get(key).map_or("default", String::as_str);
    let remark = remark(&layered.config, key);
    if origin {
        format!("{key} = {value}  # {from}{remark}")
    } else {
        format!("{key} = {value}{remark}")
    }
}
