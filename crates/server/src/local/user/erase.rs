//! `fourauthd user erase`: an account, its name in the audit log, and the bytes of both.
//!
//! Each step can be repeated, so that an erasure which was interrupted is finished by saying it
//! again. What a server printed, and what was copied elsewhere, is not its business.

use super::super::LocalStore;
use anyhow::{Context as _, bail, ensure};
use fourauth_protocol::username::Username;
use fourauth_store::{Error, Remains, Target};

/// Erases whatever goes by this name, and says what that was.
///
/// What is no name of an account may still be one in the log, from another system's.
///
/// # Errors
///
/// If nothing does, the database fails, or the bytes could not be taken out of the journal.
pub(super) async fn run(local: &LocalStore, username: &str) -> anyhow::Result<()> {
    let had_account = match Username::parse(username) {
        Ok(name) => account(local, &name).await?,
        Err(_) => false,
    };
    if had_account {
        say!("{username} is gone, with everything that hung on the account.");
    }
    let rows = rows(local, username).await?;
    let those = if rows == 1 { "row of the audit log names" } else { "rows of the audit log name" };
    say!("{rows} {those} nobody any more; the log can still be verified.");
    let remains = local.store.compact().await.context(
        "everything is erased, but pages of the database may still hold its bytes, because it \
         could not be written anew; say the same again later",
    )?;
    ensure!(remains != Remains::Journal, "{}", words(remains));
    say!("{}", words(remains));
    if !had_account && rows == 0 {
        bail!(
            "there was no account named {username:?} any more, and no row of the audit log about it"
        );
    }
    Ok(())
}

/// The account, and what was counted in its name; whether there was one. Its row names nobody.
async fn account(local: &LocalStore, name: &Username) -> anyhow::Result<bool> {
    let target = Target::account(name);
    let Some(user) = local.store.user(name).await? else {
        // Failures are counted for names that are no accounts, too.
        let forgotten: Result<bool, Error> =
            local.store.write(move |tx| Box::pin(tx.clear_failures(target))).await;
        return forgotten.map(|_| false).context("what failed in this name is still counted");
    };
    let entry = local.by_hand(None, "user_erase", "");
    let erased = local.change(entry, move |tx| {
        Box::pin(async move {
            // The account's row first, as every other change does: then no two wait for each other.
            let erased = tx.erase_user(user.id).await?;
            tx.clear_failures(target).await?;
            Ok(erased)
        })
    });
    Ok(erased.await?)
}

/// Rows of the audit log, and counts that are not rows yet, a transaction at a time; how many.
async fn rows(local: &LocalStore, name: &str) -> anyhow::Result<u64> {
    let (counted, at) = (name.to_owned(), local.now);
    let counts: Result<u64, Error> = local
        .store
        .write(move |tx| Box::pin(async move { tx.erase_refusals(&counted, at).await }))
        .await;
    let mut erased = counts?;
    loop {
        let (name, at) = (name.to_owned(), local.now);
        let some: Result<u64, Error> = local
            .store
            .write(move |tx| {
                Box::pin(async move { tx.erase_audit_rows(&name, at, super::BY_HAND).await })
            })
            .await;
        match some? {
            0 => return Ok(erased),
            some => erased += some,
        }
    }
}

const fn words(remains: Remains) -> &'static str {
    match remains {
        Remains::None => {
            "The database was written anew and its journal emptied. What backups hold is still there."
        }
        Remains::Journal => {
            "The database was written anew, but its journal could not be emptied, because somebody \
             is reading all the time: say the same again, or stop the server once. What backups hold \
             is still there."
        }
        Remains::Pages => {
            "PostgreSQL has made the room free for use; `VACUUM FULL` would overwrite it, and keeps \
             everybody out meanwhile. Archives of its write-ahead log and backups still hold \
             everything."
        }
    }
}
