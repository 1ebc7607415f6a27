//! Fails the power at many points of one recording, and examines every disk that may be left.

use super::{
    inquest::{Finding, Inquest, Wrong},
    platter::{Choice, Image, Platter},
    recorder::Event,
    script::Operation,
};
use crate::{numbers, process, report::Figures};
use anyhow::Context as _;
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};
use tokio::task::JoinSet;

/// One recording, up to some point.
#[derive(Debug)]
pub(crate) struct Replay {
    inquest: Arc<Inquest>,
    /// The disk at this point, with its certain and uncertain contents.
    pub(crate) disk: Platter,
    /// Acknowledged operations, in order.
    told: Vec<usize>,
    /// The hash of each distinct image, and how many of the acknowledged operations it must
    /// contain.
    looked_at: HashMap<u64, usize>,
    findings: HashMap<u64, Finding>,
    under_way: JoinSet<anyhow::Result<(u64, Finding)>>,
    pub(crate) images: u32,
}

impl Replay {
    /// For a recording made while this script ran.
    pub(crate) fn new(script: Vec<Operation>) -> Self {
        Self {
            inquest: Arc::new(Inquest::new(script)),
            disk: Platter::default(),
            told: Vec::new(),
            looked_at: HashMap::new(),
            findings: HashMap::new(),
            under_way: JoinSet::new(),
            images: 0,
        }
    }

    /// Advances by one event.
    pub(crate) fn take(&mut self, event: &Event) {
        self.disk.take(event);
        if let Event::Told(number) = event {
            self.told.push(*number);
        }
    }

    /// Fails the power here, once for each choice.
    pub(crate) async fn fail(&mut self, choices: Vec<Choice>) -> anyhow::Result<()> {
        for choice in choices {
            self.look_at(self.disk.image(choice)).await?;
        }
        Ok(())
    }

    /// Examines an image, unless an equal one has been examined.
    async fn look_at(&mut self, image: Image) -> anyhow::Result<()> {
        self.images += 1;
        let mut hasher = DefaultHasher::new();
        image.hash(&mut hasher);
        let id = hasher.finish();
        if self.looked_at.insert(id, self.told.len()).is_some() {
            return Ok(());
        }
        while self.under_way.len() > process::cores() {
            let found = self.under_way.join_next().await.context("no examination is running")?;
            self.keep(found??);
        }
        let inquest = Arc::clone(&self.inquest);
        self.under_way.spawn(async move { Ok((id, inquest.hold(&image).await?)) });
        Ok(())
    }

    fn keep(&mut self, (id, finding): (u64, Finding)) {
        self.findings.insert(id, finding);
    }

    /// Waits for the examinations that are still running.
    pub(crate) async fn finish(&mut self) -> anyhow::Result<()> {
        while let Some(found) = self.under_way.join_next().await {
            self.keep(found??);
        }
        Ok(())
    }

    /// Number of distinct images.
    pub(crate) fn different(&self) -> f64 {
        numbers::count(self.looked_at.len())
    }

    /// Number of images that lack an acknowledged operation.
    fn forgetful(&self) -> usize {
        let lacks = |(id, told): &(&u64, &usize)| {
            let found = self.findings.get(*id).map(|finding| &finding.operations);
            let mut told = self.told.iter().take(**told);
            found.is_none_or(|found| told.any(|number| !found.contains(number)))
        };
        self.looked_at.iter().filter(lacks).count()
    }

    /// Reports images, acknowledgements and faults, under names that begin with `prefix`.
    pub(crate) fn report(&self, prefix: &str, figures: &mut Figures) {
        figures.note(&format!("{prefix}images"), self.images);
        figures.note(&format!("{prefix}acknowledged"), self.told.len());
        let lost = format!("{prefix}lost_something_acknowledged");
        figures.exactly(&lost, as_count(self.forgetful()), 0);
        for (name, wrong) in [
            ("not_opened", Wrong::NotOpened),
            ("integrity_failed", Wrong::Damaged),
            ("half_done", Wrong::HalfDone),
            ("log_and_tree_differ", Wrong::Evidence),
            ("takes_no_more", Wrong::Closed),
        ] {
            let findings = self.findings.values();
            let count = findings.filter(|finding| finding.wrong.contains(&wrong)).count();
            figures.exactly(&format!("{prefix}{name}"), as_count(count), 0);
        }
    }
}

fn as_count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
