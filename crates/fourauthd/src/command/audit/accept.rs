//! `fourauthd audit accept-rollback`: an operator confirms that an older database was restored on
//! purpose.
//!
//! `fourauthd backup restore --accept-rollback` does the same for a restored backup; this command
//! is for databases restored by other means. The row is permanent, and auditors ask for it.

use crate::{first_keys, local_store::LocalStore};
use anyhow::{Context as _, bail, ensure};
use fourauth_audit_verify::for_each_note;
use fourauth_checkpoints::{
    Exported, GivenUp, Largest, Publisher, PublisherSettings, sink::SinkAddress,
};
use std::path::PathBuf;

/// What an operator confirms.
pub(super) struct Request {
    pub(super) yes: bool,
    /// Files of checkpoints that are no sinks of this server.
    pub(super) checkpoints: Vec<PathBuf>,
}

impl Request {
    /// Gives up every exported checkpoint that the database lacks.
    pub(super) async fn run(
        self,
        settings: &PublisherSettings,
        local: &LocalStore,
    ) -> anyhow::Result<()> {
        let lost = self.lost(settings, local).await?;
        give_up(settings, local, lost, self.yes).await
    }

    /// Reads the sinks and the files. Nothing is written to the files.
    async fn lost(
        &self,
        settings: &PublisherSettings,
        local: &LocalStore,
    ) -> anyhow::Result<Vec<Exported>> {
        let files = self.checkpoints.iter().cloned().map(SinkAddress::File);
        let sinks = settings.sinks.iter().cloned().chain(files).collect();
        let folder = settings.folder.clone();
        let publisher = Publisher::open(&PublisherSettings { folder, sinks }, true, local.now)?;
        let (key, none) = (publisher.verifying_key(), GivenUp::default());
        for file in &self.checkpoints {
            let mut seen = Largest::new(key, &none);
            for_each_note(file, key.name(), |note| seen.offer(note))?;
            let has_own_key = seen.finish().has_own_key;
            ensure!(has_own_key, "{} holds no checkpoint of this log", file.display());
        }
        Ok(publisher.lost(&local.store).await?)
    }
}

async fn give_up(
    settings: &PublisherSettings,
    local: &LocalStore,
    lost: Vec<Exported>,
    yes: bool,
) -> anyhow::Result<()> {
    let Some(Exported { checkpoint: newest, .. }) = lost.last() else {
        bail!(
            "the database has everything that was signed, according to the sinks that answer and the \
               files that were given"
        )
    };
    local.refuse_contradictions(&lost).await?;
    ensure!(
        yes,
        "{} rows were signed at {}, and this database does not have them: they may have been cut \
         off. If an older database was restored on purpose, run the same command with \
         --yes, which writes a row that auditors will ask for",
        newest.size,
        newest.at
    );
    for Exported { checkpoint, note } in lost {
        let (size, entry) = (checkpoint.size, local.accept_rollback_row(&checkpoint));
        let accepted = local.store.write(move |tx| {
            Box::pin(async move { tx.accept_rollback(size, &note, &entry).await })
        });
        let row = accepted.await?.0;
        print_out!(
            "Row {row} says that a checkpoint of {size} rows is given up. Tell the auditor."
        )?;
    }
    let publisher = Publisher::open(settings, true, local.now)?;
    let signed = publisher.sign_accepted(&local.store, local.now).await;
    signed.context("the rows are written, but do not count until they are signed: run it again")?;
    first_keys::remind(&settings.folder)
}
