//! `fourauthd config check|show`

use crate::config::layers::Layered;
use clap::Subcommand;
use toml::{Table, Value};

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
            Self::Check => say!("The configuration can be used."),
            Self::Show { origin } => {
                let mut lines = Vec::new();
                flatten(&Table::try_from(&layered.config)?, "", &mut lines);
                for (key, value) in lines {
                    say!("{}", line(layered, &key, &value, *origin));
                }
            }
        }
        Ok(())
    }
}

fn line(layered: &Layered, key: &str, value: &Value, origin: bool) -> String {
    // URLs may hold passwords.
    let is_secret = matches!(key, "store.url" | "audit.checkpoint_sinks");
    let shown = if is_secret { "(set)".to_owned() } else { value.to_string() };
    let from = layered.origins.get(key).map_or("default", String::as_str);
    if origin { format!("{key} = {shown}  # {from}") } else { format!("{key} = {shown}") }
}

fn flatten(table: &Table, prefix: &str, lines: &mut Vec<(String, Value)>) {
    for (key, value) in table {
        match value {
            Value::Table(section) => flatten(section, &format!("{prefix}{key}."), lines),
            value => lines.push((format!("{prefix}{key}"), value.clone())),
        }
    }
}
