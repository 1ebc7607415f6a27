//! `fourauthd audit accept-rollback`: an operator's word that an older database is meant to be there.
//!
//! What `fourauthd backup restore --accept-rollback` does by itself, for a database that was put in
//! place by other means. The row stays, and auditors ask for it.

use crate::local::LocalStore;
use anyhow::{bail, ensure};
use fourauth_checkpoints::{Publisher, sink::Exported};
use fourauth_config::Config;

/// Gives up the newest exported checkpoint, and all before it that the database lacks.
pub(super) async fn run(config: &Config, local: &LocalStore, yes: bool) -> anyhow::Result<()> {
    let publisher = Publisher::open(&config.publisher(), true, local.now)?;
    let lost = publisher.lost(&local.store).await?;
    let Some(Exported { checkpoint: newest, .. }) = lost.last() else {
        bail!("the database has everything that was signed, as far as the places that answer show")
    };
    local.refuse_contradictions(&lost).await?;
    ensure!(
        yes,
        "{} rows were signed at {}, and this database does not have them: somebody may have cut \
         them off. If it was restored on purpose, say `fourauthd audit accept-rollback --yes`, \
         which leaves a row that auditors will ask for",
        newest.size,
        newest.at
    );
    for Exported { checkpoint, note } in lost {
        let (size, entry) = (checkpoint.size, local.gives_up(&checkpoint));
        let accepted = local.store.write(move |tx| {
            Box::pin(async move { tx.accept_rollback(size, &note, &entry).await })
        });
        let row = accepted.await?.0;
        say!("Row {row} says that a checkpoint of {size} rows is given up. Tell the auditor.");
    }
    Ok(())
}
