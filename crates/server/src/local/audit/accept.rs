//! `fourauthd audit accept-rollback`: an operator's word that an older database is meant to be there.
//!
//! What `fourauthd backup restore --accept-rollback` does by itself, for a database that was put in
//! place by other means. The row stays, and auditors ask for it.

use crate::{
    config::Config,
    evidence::{Publisher, sink::Exported},
    local::LocalStore,
};
use anyhow::bail;
use data_encoding::HEXLOWER;

/// Gives up the newest exported checkpoint, and all before it that the database lacks.
pub(super) async fn run(config: &Config, local: &LocalStore, yes: bool) -> anyhow::Result<()> {
    let publisher = Publisher::open(config, true, local.now)?;
    let Some(Exported { checkpoint, note }) = publisher.lost(&local.store).await? else {
        bail!("the database has everything that was signed, as far as the places that answer show")
    };
    let size = checkpoint.size;
    if !yes {
        bail!(
            "{size} rows were signed at {}, and this database does not have them: somebody may have \
             cut them off. If it was restored on purpose, say `fourauthd audit accept-rollback \
             --yes`, which leaves a row that auditors will ask for",
            checkpoint.at
        );
    }
    let root = HEXLOWER.encode(&checkpoint.root);
    let entry = local.by_hand(None, "accept_rollback", &format!("size={size} root={root}"));
    let accepted = local
        .store
        .write(move |tx| Box::pin(async move { tx.accept_rollback(size, &note, &entry).await }));
    let row = accepted.await?;
    println!("Row {} says that a checkpoint of {size} rows is given up. Tell the auditor.", row.0);
    Ok(())
}
