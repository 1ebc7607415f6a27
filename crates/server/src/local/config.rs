//! `fourauthd config check|show`

use clap::Subcommand;
use fourauth_config::layers::Layered;
use toml::Value;

/// What can be asked of the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Say whether the configuration can be used
    Check,
    /// Print every setting
    Show {
        /// Say where each comes from
        #[arg(long)]
        origin: bool,
    },
}

impl ConfigCommand {
    /// Prints it.
    ///
    /// # Errors
    ///
    /// If the configuration cannot be written as TOML.
    pub fn run(&self, layered: &Layered) -> anyhow::Result<()> {
        match self {
            Self::Check => {
                for warning in layered.config.warnings() {
                    note!("warning: {warning}");
                }
                say!("The configuration can be used.");
            }
            Self::Show { origin } => {
                for (key, value) in layered.config.settings()? {
                    say!("{}", line(layered, &key, &value, *origin));
                }
            }
        }
        Ok(())
    }
}

fn line(layered: &Layered, key: &str, value: &Value, origin: bool) -> String {
    let from = layered.origins.get(key).map_or("default", String::as_str);
    if origin { format!("{key} = {value}  # {from}") } else { format!("{key} = {value}") }
}
