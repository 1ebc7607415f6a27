//! `fourauthd user promote` and `user demote`: which accounts may use the console.

use super::account;
use crate::local_store::LocalStore;
use anyhow::bail;

/// Makes an account an administrator of the console. Its sessions stay: one with four factors may use
/// the console within a second.
pub(super) async fn promote(local: &LocalStore, username: &str) -> anyhow::Result<()> {
    let user = account(local, username).await?;
    if !mark(local, username, "user_promote", true).await? {
        bail!("{username} is an administrator already");
    }
    print_out!("{username} may use the console.")?;
    if !(user.enrolled.totp && user.enrolled.face) {
        print_err!(
            "The console needs a sign-in with four factors, and {username} has not enrolled all of \
             them."
        );
    }
    Ok(())
}

/// Takes the console from an account. Running servers refuse it within a second.
pub(super) async fn demote(local: &LocalStore, username: &str) -> anyhow::Result<()> {
    if !mark(local, username, "user_demote", false).await? {
        bail!("{username} is no administrator");
    }
    print_out!("{username} may not use the console any more.")?;
    Ok(())
}

/// Sets the mark. Returns false if it was so already.
async fn mark(
    local: &LocalStore,
    username: &str,
    action: &'static str,
    is_administrator: bool,
) -> anyhow::Result<bool> {
    let id = account(local, username).await?.id;
    let entry = local.local_row(Some(username), action, "");
    let marked = local.change(entry, move |tx| {
        Box::pin(async move { tx.set_administrator(id, is_administrator).await })
    });
    Ok(marked.await?)
}
