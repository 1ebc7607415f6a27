//! `fourauthd user list|show|groups|promote|demote|unlock|disable|enable|recovery-codes|erase`: accounts.

mod administrator;
mod erase;
mod groups;
mod rename;

use crate::{local_store::LocalStore, screen::printable, table::Format};
use anyhow::{Context as _, bail};
use clap::Subcommand;
use fourauth_protocol::{time::UnixMillis, username::Username};
use fourauth_store::{Consented, OpenInvitation, Target, UserSummary};
use serde::Serialize;

/// Commands on accounts.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// List accounts
    List {
        /// Form of the list
        #[command(flatten)]
        format: Format,
    },
    /// Show one account and the consent to its face data; no secrets
    Show {
        /// The account's name
        username: String,
    },
    /// Delete the failures counted for an account, which may have locked it; a disabled account
    /// stays disabled
    Unlock {
        /// The account's name
        username: String,
    },
    /// Prevent an account from logging in, and end its sessions
    Disable {
        /// The account's name
        username: String,
    },
    /// Let a disabled account log in again; counted failures stay
    Enable {
        /// The account's name
        username: String,
    },
    /// Put an account into groups, by which services grant access; these replace its earlier ones
    Groups {
        /// The account's name
        username: String,
        /// The groups; none takes the account out of all
        groups: Vec<String>,
    },
    /// Let an account use the console, where it sees and changes other accounts
    Promote {
        /// The account's name
        username: String,
    },
    /// Take the console from an account
    Demote {
        /// The account's name
        username: String,
    },
    /// Give an account another name, and end its sessions
    Rename {
        /// The account's name
        username: String,
        /// Its new name
        new_name: String,
    },
    /// List accounts of an earlier version that share a name or a mail address with another one
    Collisions {
        /// Form of the list
        #[command(flatten)]
        format: Format,
    },
    /// Print ten new recovery codes, which replace all earlier ones
    RecoveryCodes {
        /// The account's name
        username: String,
    },
    /// Delete an account with all its data, and erase its name from the audit log
    Erase {
        /// The account's name
        username: String,
        /// Confirm the erasure; required, because it cannot be undone
        #[arg(long)]
        yes: bool,
    },
}

impl UserCommand {
    /// Runs the command and prints the result.
    ///
    /// # Errors
    ///
    /// If there is no such account, or the database fails.
    pub async fn run(self, local: &LocalStore) -> anyhow::Result<()> {
        match self {
            Self::List { format } => list(local, format).await,
            Self::Show { username } => show(local, &username).await,
            Self::Unlock { username } => unlock(local, &username).await,
            Self::Disable { username } => disable(local, &username).await,
            Self::Enable { username } => enable(local, &username).await,
            Self::Groups { username, groups } => groups::set(local, &username, &groups).await,
            Self::Promote { username } => administrator::promote(local, &username).await,
            Self::Demote { username } => administrator::demote(local, &username).await,
            Self::Rename { username, new_name } => rename::run(local, &username, &new_name).await,
            Self::Collisions { format } => rename::collisions(local, format).await,
            Self::RecoveryCodes { username } => recovery_codes(local, &username).await,
            Self::Erase { yes: false, username } => {
                bail!("erasing cannot be undone; run `fourauthd user erase {username} --yes`")
            }
            Self::Erase { yes: true, username } => erase::run(local, &username).await,
        }
    }
}

/// A row of `user list`.
#[derive(Serialize)]
struct ListedUser {
    username: String,
    device: String,
    totp_confirmed: bool,
    /// `active`, `disabled`, `invited`, or `void` if the invitation is void.
    state: &'static str,
    created_at: UnixMillis,
}

async fn list(local: &LocalStore, format: Format) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    let mut after = None;
    loop {
        let page = local.store.users(after.as_ref(), fourauth_store::MAX_PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(Username::parse(&last.username)?);
        rows.extend(page.into_iter().map(|user| ListedUser {
            state: state(&user),
            username: user.username,
            device: user.mac,
            totp_confirmed: user.totp_confirmed,
            created_at: user.created,
        }));
    }
    let header = ["username", "device", "TOTP confirmed", "state", "created"];
    format.print(header, &rows, |user| {
        let confirmed = if user.totp_confirmed { "yes" } else { "no" };
        [&user.username, &user.device, confirmed, user.state, &user.created_at.to_string()]
            .map(str::to_owned)
    })?;
    if format.is_json() { Ok(()) } else { rename::hint(local).await }
}

fn describe(user: &UserSummary) -> String {
    let none = || "-".to_owned();
    format!(
        "username        {}\ndevice          {}\nmail            {}\nphone           {}\n\
         groups          {}\nadministrator   {}\nTOTP confirmed  {}\nmust change     {}\nstate           {}\nversion         {}\n\
         created         {}",
        printable(&user.username),
        printable(&user.mac),
        user.email.as_deref().map_or_else(none, printable),
        user.phone.as_deref().map_or_else(none, printable),
        Some(user.groups.listed()).filter(|it| !it.is_empty()).unwrap_or_else(none),
        user.is_administrator,
        user.totp_confirmed,
        user.must_change,
        state(user),
        user.version,
        user.created,
    )
}

async fn show(local: &LocalStore, username: &str) -> anyhow::Result<()> {
    let user = account(local, username).await?;
    print_out!("{}", describe(&user))?;
    if !local.store.is_sealed(user.id).await? {
        print_out!(
            "seal            BROKEN: another program changed this row, so the account cannot be \
             used. Compare it with a backup, and see OPERATIONS.md, \"A row that another program \
             has changed\""
        )?;
    }
    if let Some(invitation) = user.invitation {
        print_out!("{}", describe_invitation(invitation, local.now))?;
    }
    for consent in local.store.consents(user.id).await? {
        print_out!("{}", describe_consent(&consent))?;
    }
    Ok(())
}

/// One line about an invitation that was not accepted yet.
fn describe_invitation(invitation: OpenInvitation, now: UnixMillis) -> String {
    let state = if invitation.is_valid(now) {
        format!("valid until {}", invitation.until)
    } else if invitation.is_current {
        format!("expired {}", invitation.until)
    } else {
        "void, because the account changed after it was made".to_owned()
    };
    format!("invitation      {state}")
}

/// One line about face data that is stored, and the consent to it.
fn describe_consent(consent: &Consented) -> String {
    let Consented { what, notice, given, given_by, request } = consent;
    let notice = notice.as_deref().map_or("no notice named".to_owned(), |it| format!("\"{it}\""));
    let request = request.as_deref().map(|id| format!(" request={id}")).unwrap_or_default();
    printable(&format!("{:<16}{notice}, {given}, {given_by}{request}", what.as_str()))
}

const fn state(user: &UserSummary) -> &'static str {
    match (user.disabled, user.invitation) {
        (true, _) => "disabled",
        (false, invitation) => state_of(invitation),
    }
}

/// The state of an account that is not disabled.
const fn state_of(invitation: Option<OpenInvitation>) -> &'static str {
    match invitation {
        Some(OpenInvitation { is_current: false, .. }) => "void",
        Some(OpenInvitation { is_current: true, .. }) => "invited",
        None => "active",
    }
}

async fn disable(local: &LocalStore, username: &str) -> anyhow::Result<()> {
    let id = account(local, username).await?.id;
    let entry = local.local_row(Some(username), "user_disable", "");
    let disabled = local.change(entry, move |tx| Box::pin(tx.set_disabled(id, true)));
    print_change(disabled.await?, username, "is disabled.")
}

/// Reverts [`disable`]. Does not change counted failures.
async fn enable(local: &LocalStore, username: &str) -> anyhow::Result<()> {
    let user = account(local, username).await?;
    if !user.disabled {
        bail!("{username} is not disabled; run `fourauthd user unlock {username}` to unlock it");
    }
    let entry = local.local_row(Some(username), "user_enable", "");
    let enabled = local.change(entry, move |tx| Box::pin(tx.set_disabled(user.id, false)));
    print_change(enabled.await?, username, "is enabled.")
}

/// Deletes the failures counted for the account. Changes nothing else.
async fn unlock(local: &LocalStore, username: &str) -> anyhow::Result<()> {
    let user = account(local, username).await?;
    let target = Target::account(&Username::parse(username)?);
    let entry = local.local_row(Some(username), "user_unlock", "");
    let unlocked = local.change(entry, move |tx| {
        Box::pin(async move { tx.clear_failures(target).await.map(|_| true) })
    });
    print_change(unlocked.await?, username, "is unlocked.")?;
    if user.disabled {
        print_out!("It is still disabled; run `fourauthd user enable {username}` to enable it.")?;
    }
    Ok(())
}

/// Shows the codes before they are valid: if they cannot be shown, the older ones stay valid.
async fn recovery_codes(local: &LocalStore, username: &str) -> anyhow::Result<()> {
    let id = account(local, username).await?.id;
    let codes = fourauth_auth::recovery_codes::recovery_codes();
    let lines: Vec<_> = codes.iter().map(|code| code.expose_text().expose().clone()).collect();
    print_once!("{}", lines.join("\n"))
        .with_context(|| format!("{username} keeps the older recovery codes"))?;
    let entry = local.local_row(Some(username), "user_recovery_codes", "");
    let replaced = local.change(entry, move |tx| {
        Box::pin(async move { tx.replace_recovery_codes(id, &codes).await.map(|()| true) })
    });
    replaced.await.with_context(|| {
        format!("the codes above are void, and {username} keeps the older recovery codes")
    })?;
    print_err!(
        "These are {username}'s recovery codes. They are not shown again. Older codes are void."
    );
    Ok(())
}

fn print_change(changed: bool, username: &str, what: &str) -> anyhow::Result<()> {
    if !changed {
        bail!("{username} was erased in the meantime");
    }
    print_out!("{username} {what}")?;
    Ok(())
}

pub(super) async fn account(local: &LocalStore, username: &str) -> anyhow::Result<UserSummary> {
    let name = Username::parse(username)?;
    match local.store.user(&name).await? {
        Some(user) => Ok(user),
        None => bail!("there is no account named {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_store::{AccountId, Enrolled, Groups, Held};

    const FORGED: &str = "x\nstate           active";

    #[test]
    fn a_notice_with_a_line_feed_is_shown_on_one_line() {
        let consent = Consented {
            what: Held::Template,
            notice: Some(FORGED.into()),
            given: UnixMillis(0),
            given_by: FORGED.into(),
            request: Some(FORGED.into()),
        };
        let shown = describe_consent(&consent);
        assert_eq!(shown.lines().count(), 1, "{shown}");
        assert!(shown.contains(r"x\u{a}state"), "{shown}");
    }

    #[test]
    fn a_value_of_an_account_cannot_add_a_line() {
        let user = |value: &str| UserSummary {
            id: AccountId(1),
            username: value.into(),
            email: Some(value.into()),
            phone: Some(value.into()),
            mac: value.into(),
            totp_confirmed: true,
            must_change: false,
            disabled: true,
            version: 1,
            groups: Groups::default(),
            enrolled: Enrolled::ALL,
            is_administrator: false,
            invitation: None,
            created: UnixMillis(0),
        };
        let (plain, forged) = (describe(&user("x")), describe(&user(FORGED)));
        assert_eq!(plain.lines().count(), forged.lines().count(), "{forged}");
    }

    #[test]
    fn an_account_with_a_void_invitation_is_not_called_invited() {
        let until = UnixMillis(1);
        let invited = |is_current| state_of(Some(OpenInvitation { until, is_current }));
        assert_eq!((invited(true), invited(false)), ("invited", "void"));
        assert_eq!(state_of(None), "active");
    }
}
