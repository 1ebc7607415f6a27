//! `fourauthd audit accept-rollback`: an operator confirms that an older database was restored on
//! purpose.
//!
//! `fourauthd backup restore --accept-rollback` does the same for a restored backup; this command
//! is for databases restored by other means. The row is permanent, and auditors ask for it.

use crate::{first_keys, local_store::LocalStore};
use anyhow::{Context as _, bail, ensure};
use fourauth_checkpoints::{Exported, Publisher, PublisherSettings};

/// Gives up every exported checkpoint that the database lacks.
pub(super) async fn run(
    settings: &PublisherSettings,
    local: &LocalStore,
    yes: bool,
) -> anyhow::Result<()> {
    let publisher = Publisher::open(settings, true, local.now)?;
    let lost = publisher.lost(&local.store).await?;
    let Some(Exported { checkpoint: newest, .. }) = lost.last() else {
        bail!("the database has everything that was signed, according to the sinks that answer")
    };
    local.refuse_contradictions(&lost).await?;
    ensure!(
        yes,
        "{} rows were signed at {}, and this database does not have them: they may have been cut \
         off. If an older database was restored on purpose, run `fourauthd audit accept-rollback \
         --yes`, which writes a row that auditors will ask for",
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
    let signed = publisher.sign_accepted(&local.store, local.now).await;
    signed.context("the rows are written, but do not count until they are signed: run it again")?;
    first_keys::remind(&settings.folder)
}
