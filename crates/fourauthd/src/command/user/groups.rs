//! `fourauthd user groups`: the groups by which services grant access to an account.

use super::{account, print_change};
use crate::local_store::LocalStore;
use anyhow::bail;
use fourauth_protocol::group::{Group, MAX_GROUPS};
use fourauth_store::Groups;

/// Replaces the groups of an account. Its sessions stay, and have the new groups within a second.
pub(super) async fn set(
    local: &LocalStore,
    username: &str,
    names: &[String],
) -> anyhow::Result<()> {
    let groups: Result<_, _> = names.iter().map(|name| Group::parse(name)).collect();
    let groups = Groups(groups?);
    if groups.0.len() > MAX_GROUPS {
        bail!("an account has at most {MAX_GROUPS} groups");
    }
    let (id, listed) = (account(local, username).await?.id, groups.listed());
    let entry = local.local_row(Some(username), "user_groups", &format!("groups={listed}"));
    let set =
        local.change(entry, move |tx| Box::pin(async move { tx.set_groups(id, &groups).await }));
    let what = if listed.is_empty() { "is in no group." } else { "has new groups." };
    print_change(set.await?, username, what)
}
