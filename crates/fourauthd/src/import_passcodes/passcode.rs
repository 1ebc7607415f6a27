//! Imports the passcodes that are still valid, as HMACs.

use super::{
    Import, Owner, Sum,
    contact::Contact,
    source::{OldPasscode, Passcodes},
};
use fourauth_auth::command::PASSCODE_LIFETIME_MS;
use fourauth_protocol::{passcode::Passcode, time::UnixMillis, username::Username};
use fourauth_store::{AccountId, NewPasscode, PasscodeWindow};
use std::collections::BTreeMap;

/// Action of the row about an imported passcode.
const IMPORT_PASSCODE: &str = "import_passcode";

/// Lets an account get a passcode only if it has had none lately: a passcode that was imported before
/// may have been used since.
const FIRST_ONLY: PasscodeWindow = PasscodeWindow {
    over: UnixMillis(i64::MIN),
    latest: UnixMillis(i64::MAX),
    issued: 0,
    tries: 0,
};

/// The imported accounts, by their addresses.
#[derive(Debug, Default)]
pub(super) struct Owners(BTreeMap<String, Owner>);

/// The newest valid passcode of an account.
struct Newest<'a> {
    owner: &'a Owner,
    passcode: Passcode,
    expires: UnixMillis,
}

impl Owners {
    /// Adds an account, if messages can be sent to it.
    pub(super) fn add(&mut self, contact: &Contact, account: AccountId, name: Username) {
        let Some(channel) = contact.channel() else { return };
        let owner = Owner { account, name, channel };
        self.0.extend(contact.keys().into_iter().map(|key| (key, owner.clone())));
    }

    /// The account that has all addresses of a passcode.
    fn of(&self, old: &OldPasscode) -> Option<&Owner> {
        let contact = Contact::read(old.email.as_deref(), old.phone.as_deref(), None).ok()?;
        let mut owners = contact.keys().into_iter().map(|key| self.0.get(&key));
        let first = owners.next()??;
        owners
            .all(|owner| owner.is_some_and(|owner| owner.account == first.account))
            .then_some(first)
    }
}

/// Imports the newest valid passcode of each account.
pub(super) async fn import(
    import: &Import<'_>,
    source: &Passcodes,
    owners: &Owners,
    sum: &mut Sum,
) -> anyhow::Result<()> {
    let now = import.local.now;
    let mut newest: BTreeMap<AccountId, Newest<'_>> = BTreeMap::new();
    source.each(|old| {
        let Some(expires) = old.expires.filter(|expires| *expires > now) else {
            sum.expired += 1;
            return;
        };
        let passcode = old.passcode.as_ref().and_then(|text| Passcode::parse(text.expose()).ok());
        let (Some(owner), Some(passcode)) = (owners.of(&old), passcode) else {
            sum.strange += 1;
            return;
        };
        let this = Newest { owner, passcode, expires };
        let earlier = newest.get(&owner.account);
        // A new passcode replaced the one before.
        sum.expired += u64::from(earlier.is_some());
        if earlier.is_none_or(|earlier| earlier.expires <= expires) {
            newest.insert(owner.account, this);
        }
    })?;
    for passcode in newest.into_values() {
        if issue(import, source, passcode).await? {
            sum.passcodes += 1;
        } else {
            sum.strange += 1;
        }
    }
    Ok(())
}

/// Stores the HMAC of a passcode. `false` if the account had one lately.
async fn issue(
    import: &Import<'_>,
    source: &Passcodes,
    newest: Newest<'_>,
) -> anyhow::Result<bool> {
    let Newest { owner: Owner { account, name, channel }, passcode, expires } = newest;
    let (local, account) = (import.local, *account);
    if import.dry_run {
        return Ok(local.store.passcode(account).await?.is_none());
    }
    let new = NewPasscode {
        mac: local.store.passcode_mac(account, &passcode),
        channel: *channel,
        at: local.now,
        // A later time in the file is that of a wrong clock.
        expires: expires.min(local.now.saturating_add_ms(PASSCODE_LIFETIME_MS)),
        window: FIRST_ONLY,
    };
    let detail = import.record.named(source.digest());
    let entry = local.local_row(Some(name.as_str()), IMPORT_PASSCODE, &detail);
    let issued = local
        .change(entry, move |tx| Box::pin(async move { tx.issue_passcode(account, &new).await }));
    Ok(issued.await?)
}
