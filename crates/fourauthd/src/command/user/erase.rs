//! `fourauthd user erase`: erases an account, its name in the audit log, and the bytes of both.
//!
//! Each step can be repeated, so running the command again finishes an erasure that was
//! interrupted. It does not reach text logs, or copies of the database elsewhere.

use super::rename;
use crate::local_store::LocalStore;
use anyhow::{Context as _, bail, ensure};
use fourauth_protocol::{
    contact::{Email, Phone},
    username::Username,
};
use fourauth_store::{AuditId, ErasedRows, Error, Remains, Target, Tx, UserSummary};

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
    let Erased { rows, recorded_by } = rows(local, username).await?;
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
    }
    let remains = remains.context(
        "everything is erased, but pages of the database may still hold its bytes, because the \
         database could not be rewritten; run the same command again later",
    )?;
    ensure!(remains != Remains::Journal, "{}", words(remains));
    print_out!("{}", words(remains))?;
    if !had_account && rows == 0 {
        bail!("there was no account named {username:?}, and no row of the audit log about it");
    }
    Ok(())
}

/// Erases the account, and the failures and requests counted for its names. Returns true if the account existed.
/// The audit row contains no name.
async fn account(local: &LocalStore, name: &Username) -> anyhow::Result<bool> {
    let target = Target::account(name);
    let user = local.store.user(name).await?;
    let requests = requests(name, user.as_ref());
    let Some(user) = user else {
        // Both are also counted for unknown accounts.
        let forgotten: Result<(), Error> = local
            .store
            .write(move |tx| {
                Box::pin(async move {
                    forget_requests(tx, requests).await?;
                    tx.clear_failures(target).await.map(|_| ())
                })
            })
            .await;
        return forgotten
            .map(|()| false)
            .context("cannot delete the failures that were counted for this name");
    };
    let entry = local.local_row(None, "user_erase", "");
    let erased = local.change(entry, move |tx| {
        Box::pin(async move {
            forget_requests(tx, requests).await?;
            // The account's row before the failures, as in every other transaction, to avoid deadlocks.
            let erased = tx.erase_user(user.id).await?;
            tx.clear_failures(target).await?;
            Ok(erased)
        })
    });
    Ok(erased.await?)
}

/// The names that requests for a reset of this account are counted under.
fn requests(name: &Username, user: Option<&UserSummary>) -> Vec<Target> {
    let email = user.and_then(|user| Email::parse(user.email.as_ref()?).ok());
    let phone = user.and_then(|user| Phone::parse(user.phone.as_ref()?).ok());
    let names = [Some(name.clone().into()), email.map(Into::into), phone.map(Into::into)];
    names.iter().flatten().map(Target::reset).collect()
}

async fn forget_requests(tx: &mut Tx, of: Vec<Target>) -> Result<(), Error> {
    for named in of {
        tx.forget_requests(named).await?;
    }
    Ok(())
}

/// The rows that were erased.
#[derive(Default)]
struct Erased {
    rows: u64,
    /// The rows that record it.
    recorded_by: Vec<AuditId>,
}

/// Erases the name, in each spelling that the log has, from counts that are not rows yet and from rows of the audit log, in several
/// transactions.
async fn rows(local: &LocalStore, name: &str) -> anyhow::Result<Erased> {
    let mut erased = Erased::default();
    for spelling in local.store.spellings_in_log(name).await? {
        rows_of(local, &spelling, &mut erased).await?;
    }
    Ok(erased)
}

/// The same for one spelling of the name.
async fn rows_of(local: &LocalStore, name: &str, erased: &mut Erased) -> anyhow::Result<()> {
    let (counted, at) = (name.to_owned(), local.now);
    let counts: Result<u64, Error> = local
        .store
        .write(move |tx| Box::pin(async move { tx.erase_refusals(&counted, at).await }))
        .await;
    erased.rows += counts?;
    loop {
        let (name, at, suffix) = (name.to_owned(), local.now, local.suffix());
        let some: Result<ErasedRows, Error> = local
            .store
            .write(move |tx| Box::pin(async move { tx.erase_audit_rows(&name, at, &suffix).await }))
            .await;
        let ErasedRows { rows, recorded_by } = some?;
        if rows == 0 {
            return Ok(());
        }
        erased.rows += rows;
        erased.recorded_by.extend(recorded_by);
    }
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
