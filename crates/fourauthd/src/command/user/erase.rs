//! `fourauthd user erase`: erases an account, its name in the audit log, and the bytes of both.
//!
//! Each step can be repeated, so running the command again finishes an erasure that was
//! interrupted. It does not reach text logs, or copies of the database elsewhere.

use super::rename;
use crate::local_store::LocalStore;
use anyhow::{Context as _, bail, ensure};
use fourauth_protocol::username::Username;
use fourauth_store::{ErasedName, Error, Remains};

/// Erases the account and the log rows of this name, and prints what it erased.
///
/// A name that is not valid here may still be in the log, in rows imported from another system.
///
/// # Errors
///
/// If there is no such account or row, the database fails, or the journal still holds the bytes.
pub(super) async fn run(local: &LocalStore, username: &str) -> anyhow::Result<()> {
    let had_account = match Username::parse(username) {
        Ok(name) => account(local, &name).await?,
        Err(_) => false,
    };
    if had_account {
        rename::settle(local).await?;
    }
    // Printed after the work, which must not stop if it cannot be printed.
    let erased = local.store.erase_from_log(username, local.now, &local.suffix()).await?;
    let ErasedName { rows, recorded_by, changed } = erased;
    let remains = local.store.compact().await;
    if had_account {
        print_out!("{username} is erased, with everything that belonged to the account.")?;
    }
    let noun = if rows == 1 { "row" } else { "rows" };
    print_out!(
        "The name is erased from {rows} {noun} of the audit log; the log can still be verified."
    )?;
    if !recorded_by.is_empty() {
        let records: Vec<_> = recorded_by.iter().map(|row| row.0.to_string()).collect();
        print_out!("Tell the auditor of the rows that record it: {}.", records.join(", "))?;
        if !local.store.signs_erasures() {
            print_out!("They are not signed, because the key of the log could not be read.")?;
        }
    }
    let remains = remains.context(
        "everything is erased, but pages of the database may still hold its bytes, because the \
         database could not be rewritten; run the same command again later",
    )?;
    ensure!(remains != Remains::Journal, "{}", words(remains));
    print_out!("{}", words(remains))?;
    ensure!(
        changed == 0,
        "{changed} more rows of the audit log have the name and are not what was sealed: the \
         database was changed. They are left as they are, as evidence; run \"fourauthd audit verify\""
    );
    if !had_account && rows == 0 {
        bail!("there was no account named {username:?}, and no row of the audit log about it");
    }
    Ok(())
}

/// Erases the account, and the failures and requests counted for its names. Returns true if the account existed.
/// The audit row contains no name.
async fn account(local: &LocalStore, name: &Username) -> anyhow::Result<bool> {
    let Some(user) = local.store.user(name).await? else {
        // Both are also counted for unknown accounts.
        let name = name.clone();
        let forgotten: Result<(), Error> =
            local.store.write(move |tx| Box::pin(async move { tx.forget_name(&name).await })).await;
        return forgotten
            .map(|()| false)
            .context("cannot delete the failures that were counted for this name");
    };
    let (entry, name) = (local.local_row(None, "user_erase", ""), name.clone());
    let erased = local
        .change(entry, move |tx| Box::pin(async move { tx.erase_account(&user, &name).await }));
    Ok(erased.await?)
}

const fn words(remains: Remains) -> &'static str {
    match remains {
        Remains::None => {
            "The database was rewritten and its journal emptied. Backups still hold the data."
        }
        Remains::Journal => {
            "The database was rewritten, but its journal could not be emptied, because another \
             process is reading it: run the same command again, or stop the server and run it. \
             Backups still hold the data."
        }
        Remains::Pages => {
            "PostgreSQL has marked the space as free. `VACUUM FULL` rewrites the tables without \
             it, and locks them while it runs. Archives of its write-ahead log and backups still \
             hold the data."
        }
    }
}
