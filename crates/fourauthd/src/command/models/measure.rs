//! `fourauthd models measure`: the error rates of a pack on an operator's own pictures.

use super::folder_name;
use anyhow::{Context as _, bail, ensure};
use clap::{ArgGroup, Args};
use comfy_table::Table;
use fourauth_auth::entropy;
use fourauth_config::Config;
use fourauth_face::{
    Engine,
    pack::{Pack, PackError},
};
use fourauth_face_measure::{
    Cache, Examination, Gallery, Measured, Outcome, Progress, Report, Tools, export, fingerprint,
};
use fourauth_private_file::create_own;
use indicatif::{ProgressBar, ProgressStyle};
use rustix::time::{ClockId, clock_gettime};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// What to measure, and which files to write.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("folders").required(true).multiple(true))]
pub struct Measure {
    /// Pictures of people: a folder with a folder for each person
    #[arg(long, value_name = "FOLDER", group = "folders")]
    pictures: Option<PathBuf>,
    /// Pictures of prints or screens that show a face, to measure how many are accepted as live
    #[arg(long, value_name = "FOLDER", group = "folders")]
    prints: Option<PathBuf>,
    /// Name of an installed pack [default: the setting `face.pack`]
    #[arg(long, value_name = "NAME")]
    pack: Option<String>,
    /// Keep the results of pictures in this file, and go on from there. It holds embeddings, which
    /// identify people, so only its owner may read it
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// Write the embeddings and the scores of prints to a new file, as JSON lines. Only its owner may
    /// read it
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    /// Write a picture of the distributions to a new file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Print the report as one JSON object
    #[arg(long)]
    json: bool,
}

/// A folder and the results of its files.
struct Folder {
    gallery: Gallery,
    examination: Examination,
}

impl Measure {
    /// Examines every picture, compares all people and prints the report.
    ///
    /// # Errors
    ///
    /// If the pack cannot be loaded or does not judge prints, a folder has no pictures, or a file
    /// cannot be written.
    pub(super) fn run(self, config: &Config) -> anyhow::Result<()> {
        self.check_files()?;
        let engine = self.engine(config)?;
        ensure!(
            self.prints.is_none() || engine.judges_liveness(),
            "the pack {} does not judge whether a face is live; --prints needs one that does",
            engine.pack().name()
        );
        let people = self.pictures.as_deref().map(Gallery::of).transpose()?;
        let prints = self.prints.as_deref().map(Gallery::of_any).transpose()?;
        let cache = self.cache(&engine)?;
        let examine = |gallery| examined(&engine, gallery, cache.as_ref());
        let people = people.map(examine).transpose()?;
        let prints = prints.map(examine).transpose()?;

        let steps = people.as_ref().map_or(0, |people| Report::steps(&people.gallery));
        let bar = bar(steps, "people compared")?;
        let [live, printed] =
            [&people, &prints].map(|folder| folder.as_ref().map(Folder::measured));
        let report = Report::of(engine.pack(), config.face.liveness, live, printed, &|| bar.inc(1));
        bar.finish_and_clear();
        // Printed first: a file that cannot be written must not take the report with it.
        if self.json {
            crate::screen::json(&report)?;
        } else {
            let width = Table::new().width().map_or(0, usize::from);
            print_out!("{report:width$}")?;
        }
        self.write([live, printed], &report)
    }

    /// What a signal leaves behind, and how to go on.
    pub(super) fn when_stopped(&self) -> String {
        match &self.resume {
            Some(file) => format!(
                "stopped; the results so far are in {}, and the same command goes on from there",
                file.display()
            ),
            None => {
                "stopped; nothing was kept. With --resume FILE the next run can be stopped and go on"
                    .to_owned()
            }
        }
    }

    /// Checks that the files can be written, before the work begins.
    fn check_files(&self) -> anyhow::Result<()> {
        for file in [&self.export, &self.svg].into_iter().flatten() {
            // A link that leads nowhere is a file as well.
            let is_new = file.symlink_metadata().is_err();
            ensure!(is_new, "{} exists already; choose another name", file.display());
        }
        for file in [&self.export, &self.svg, &self.resume].into_iter().flatten() {
            let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
            ensure!(
                folder.is_none_or(Path::is_dir),
                "cannot write {}: its folder does not exist",
                file.display()
            );
            ensure!(!file.is_dir(), "cannot write {}: it is a folder", file.display());
        }
        Ok(())
    }

    /// Loads the pack that is measured.
    fn engine(&self, config: &Config) -> anyhow::Result<Engine> {
        let name = self.pack.as_ref().unwrap_or(&config.face.pack);
        let folder = config.packs_dir().join(name);
        match Engine::load(&folder) {
            Err(PackError::Missing(_)) => bail!(
                "no pack {name} in {}; {}",
                config.packs_dir().display(),
                installed(&config.packs_dir())?
            ),
            loaded => loaded.with_context(|| format!("cannot use the model pack {name}")),
        }
    }

    /// Opens the file of results.
    fn cache(&self, engine: &Engine) -> anyhow::Result<Option<Cache>> {
        let Some(file) = &self.resume else { return Ok(None) };
        let pack = fingerprint(engine.pack()).context("pack.toml")?;
        let cache = Cache::open(file, pack, engine.pack().dimensions(), entropy::bytes())?;
        if !cache.is_empty() {
            print_err!("going on from {} results in {}", cache.len(), file.display());
        }
        Ok(Some(cache))
    }

    fn write(
        &self,
        [people, prints]: [Option<Measured<'_>>; 2],
        report: &Report,
    ) -> anyhow::Result<()> {
        if let Some(file) = &self.export {
            let lines = export(people, prints)?;
            create_own(file, lines.expose().as_bytes(), entropy::bytes())
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        if let Some(file) = &self.svg {
            create_own(file, report.svg().as_bytes(), entropy::bytes())
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        Ok(())
    }
}

/// The names of the installed packs, for a message.
fn installed(packs: &Path) -> anyhow::Result<String> {
    let names: Vec<_> =
        Pack::installed(packs)?.iter().map(|found| folder_name(&found.folder)).collect();
    Ok(if names.is_empty() {
        "none is installed: run `fourauthd models install`".to_owned()
    } else {
        format!("installed: {}", names.join(", "))
    })
}

impl Folder {
    fn measured(&self) -> Measured<'_> {
        Measured { gallery: &self.gallery, examination: &self.examination }
    }
}

/// Examines all files on all cores, with a progress bar.
fn examined(engine: &Engine, gallery: Gallery, cache: Option<&Cache>) -> anyhow::Result<Folder> {
    let bar = bar(gallery.len(), "files examined")?;
    let progress = |seen: Progress| match seen {
        Progress::Examined => bar.inc(1),
        // Results of an earlier run cost no time, and would spoil the estimate.
        Progress::Known => {
            bar.inc(1);
            bar.reset_eta();
        }
    };
    let tools = Tools { engine, cache, processor_time, progress: &progress };
    let examination = Examination::of(&gallery, &tools)?;
    bar.finish_and_clear();
    let has_pictures =
        examination.files.iter().any(|file| matches!(file.outcome, Outcome::Picture { .. }));
    ensure!(has_pictures, "{} has no JPEG or PNG pictures", gallery.folder().display());
    Ok(Folder { gallery, examination })
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
