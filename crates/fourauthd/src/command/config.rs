//! `fourauthd config check|show`: the configuration in use.

use clap::Subcommand;
use fourauth_config::layers::Layered;
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
                print_out!("The configuration can be used.")?;
            }
            Self::Show { origin } => {
                for (key, value) in layered.config.settings()? {
                    print_out!("{}", line(layered, &key, &value, *origin))?;
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
