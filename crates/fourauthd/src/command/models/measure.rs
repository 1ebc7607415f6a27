//! `fourauthd models measure`: the error rates of a pack on an operator's own pictures.

use anyhow::{Context as _, ensure};
use clap::Args;
use fourauth_auth::entropy;
use fourauth_config::Config;
use fourauth_face::Engine;
use fourauth_face_measure::{Cache, Examination, Gallery, Report, Tools, export, fingerprint};
use fourauth_private_file::create_own;
use indicatif::{ProgressBar, ProgressStyle};
use rustix::time::{ClockId, clock_gettime};
use std::{fs, path::PathBuf, time::Duration};

/// What to measure, and which files to write.
#[derive(Debug, Args)]
pub struct Measure {
    /// Pictures of people: a folder with a folder for each person
    #[arg(long, value_name = "FOLDER")]
    pictures: PathBuf,
    /// Name of an installed pack [default: the setting `face.pack`]
    #[arg(long, value_name = "NAME")]
    pack: Option<String>,
    /// Keep the results of pictures in this file, and go on from there. It holds embeddings, which
    /// identify people, so only its owner may read it
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// Write the embeddings to a new file, as JSON lines. Only its owner may read it
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    /// Write a picture of the distributions
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Print the report as one JSON object
    #[arg(long)]
    json: bool,
}

impl Measure {
    /// Examines every picture, compares all people and prints the report.
    ///
    /// # Errors
    ///
    /// If the pack cannot be loaded, the folder has no pictures of people, or a file cannot be
    /// written.
    pub(super) fn run(self, config: &Config) -> anyhow::Result<()> {
        if let Some(file) = &self.export {
            ensure!(!file.exists(), "{} exists already; choose another name", file.display());
        }
        let folder = self.pack.as_ref().map_or(config.pack_dir(), |n| config.packs_dir().join(n));
        let engine = Engine::load(&folder)
            .with_context(|| format!("cannot use the model pack in {}", folder.display()))?;
        let gallery = Gallery::of(&self.pictures)?;
        let cache = self.cache(&engine)?;
        let examination = examined(&engine, &gallery, cache.as_ref())?;
        let bar = bar(Report::steps(&gallery), "people compared")?;
        let report = Report::of(&gallery, &examination, engine.pack(), &|| bar.inc(1));
        bar.finish_and_clear();
        ensure!(
            report.files.pictures > 0,
            "{} has no JPEG or PNG pictures in the folders of people",
            self.pictures.display()
        );
        self.write(&gallery, &examination, &report)?;
        if self.json {
            return crate::screen::json(&report);
        }
        Ok(print_out!("{report}")?)
    }

    /// Opens the file of results.
    fn cache(&self, engine: &Engine) -> anyhow::Result<Option<Cache>> {
        let Some(file) = &self.resume else { return Ok(None) };
        let pack = fingerprint(engine.pack()).context("pack.toml")?;
        let cache = Cache::open(file, pack, entropy::bytes())?;
        if !cache.is_empty() {
            print_err!("going on from {} results in {}", cache.len(), file.display());
        }
        Ok(Some(cache))
    }

    fn write(
        &self,
        gallery: &Gallery,
        examination: &Examination,
        report: &Report,
    ) -> anyhow::Result<()> {
        if let Some(file) = &self.export {
            let lines = export(gallery, examination)?;
            create_own(file, lines.expose().as_bytes(), entropy::bytes())
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        if let Some(file) = &self.svg {
            fs::write(file, report.svg())
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        Ok(())
    }
}

/// Examines all files on all cores, with a progress bar.
fn examined(
    engine: &Engine,
    gallery: &Gallery,
    cache: Option<&Cache>,
) -> anyhow::Result<Examination> {
    let bar = bar(gallery.len(), "files examined")?;
    let progress = || bar.inc(1);
    let tools = Tools { engine, cache, processor_time, progress: &progress };
    let examination = Examination::of(gallery, &tools)?;
    bar.finish_and_clear();
    Ok(examination)
}

fn bar(length: usize, what: &str) -> anyhow::Result<ProgressBar> {
    let bar = ProgressBar::new(u64::try_from(length)?);
    let template = format!("{{bar:24}} {{pos}}/{{len}} {what}, {{eta}} left");
    bar.set_style(ProgressStyle::with_template(&template)?);
    Ok(bar)
}

/// The processor time that this thread has used.
fn processor_time() -> Duration {
    let spent = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(spent.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(spent.tv_nsec).unwrap_or(0))
}
