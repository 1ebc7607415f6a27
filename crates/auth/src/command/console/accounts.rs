//! 230–238: an administrator sees and changes accounts.

use super::Request;
use crate::{
    action::Action,
    answer::CommandAnswer,
    attempt::{Audited, console::ConsoleAct},
    authenticator::Authenticator,
    command::{devices, session},
    decision::Denial,
    error::Error,
    not_granted::NotGranted,
    received::Received,
};
use fourauth_protocol::{
    answer::{AccountRow, AnswerBody, ConsentRow, DeviceRow, InvitationState, SessionRow},
    command::{AccountChange, ChangeAccount, EndAccess, ListAccounts, Reason, ShowAccount},
    receipt::Method,
    time::UnixMillis,
    username::Username,
};
use fourauth_store::{AccountSearch, Consented, FamilyId, Target, UserSummary};

/// Number of accounts returned if the command does not specify one.
const DEFAULT_ACCOUNTS: u32 = 50;

/// The answer to 230 and 232.
#[derive(Debug)]
pub struct Accounts {
    /// The accounts.
    pub accounts: Vec<AccountRow>,
    /// The devices and the sessions of the one account that was asked for.
    pub access: Option<(Vec<DeviceRow>, Vec<SessionRow>)>,
}

impl CommandAnswer for Accounts {
    fn into_body(self) -> AnswerBody {
        let mut body = AnswerBody::default();
        body.accounts = Some(self.accounts);
        (body.devices, body.sessions) = self.access.unzip();
        body
    }
}

impl Authenticator {
    /// 230: lists accounts.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn list_accounts(
        &self,
        received: Received,
        list: ListAccounts,
    ) -> Result<Audited<Accounts>, Error> {
        let ListAccounts { session, search, after, invited, limit, .. } = list;
        let at = received.at.now;
        let part = search.as_ref().map(|part| format!("search={part:?}"));
        let detail = [part, invited.then(|| "invited".to_owned())];
        let detail = detail.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let request = Request { detail, ..Request::reading(Action::ListAccounts) };
        let search = AccountSearch {
            part: search.unwrap_or_default(),
            after: after.unwrap_or_default(),
            invited,
            limit: limit.unwrap_or(DEFAULT_ACCOUNTS),
        };
        self.as_console(request, received, session, async |_| {
            let found = self.store.find_users(&search).await?;
            let accounts = found.into_iter().map(|user| row(user, at)).collect();
            Ok((ConsoleAct::Nothing, Accounts { accounts, access: None }))
        })
        .await
    }

    /// 232: shows one account with its devices and sessions.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn show_account(
        &self,
        received: Received,
        show: ShowAccount,
    ) -> Result<Audited<Accounts>, Error> {
        let (about, at) = (&show.username, received.at.now);
        let request = Request { about: Some(about), ..Request::reading(Action::ShowAccount) };
        self.as_console(request, received, show.session, async |admin| {
            let user = self.account(about).await?;
            let devices = self.store.devices(user.id).await?;
            let sessions = self.store.sessions(user.id, at).await?;
            let tallies = self.store.tallies(Target::account(about)).await?;
            let failures = tallies.iter().map(|(_, tally)| tally.failures.unsigned_abs()).sum();
            let consents = self.store.consents(user.id).await?;
            let mut account = row(user, at);
            account.failures = Some(failures);
            account.consents = consents.into_iter().map(consent).collect();
            let shown = |row| session::shown(row, admin.session.family);
            let access = (
                devices.into_iter().map(devices::shown).collect(),
                sessions.into_iter().map(shown).collect(),
            );
            let answer = Accounts { accounts: vec![account], access: Some(access) };
            Ok((ConsoleAct::Nothing, answer))
        })
        .await
    }

    /// 234: disables, enables or unlocks an account, or resets a factor of it.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn change_account(
        &self,
        received: Received,
        change: ChangeAccount,
    ) -> Result<Audited<()>, Error> {
        let ChangeAccount { session, username, change, reason, .. } = change;
        let detail = format!("change={change} {}", because(&reason));
        let request = Request::changing(Action::ChangeAccount, Some(&username), detail);
        let of = received.clone();
        self.as_console(request, received, session, async |admin| {
            let user = self.account(&username).await?;
            let act = match change {
                AccountChange::Disable => ConsoleAct::SetDisabled(user.id, true),
                AccountChange::Enable => ConsoleAct::SetDisabled(user.id, false),
                AccountChange::Unlock => ConsoleAct::Unlock(Target::account(&username)),
                reset => {
                    admin.may_change(&user)?;
                    let act = self.reset_of(reset, &username, &user, &of).await?;
                    act.ok_or(Denial::NotOffered)?
                }
            };
            Ok((act, ()))
        })
        .await
    }

    /// 238: ends one session, all sessions or a device of an account.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn end_access(
        &self,
        received: Received,
        end: EndAccess,
    ) -> Result<Audited<()>, Error> {
        let EndAccess { session, username, ends, device_name, reason, .. } = end;
        let family: Option<Option<FamilyId>> = ends.as_deref().map(session::family);
        let what = match (&device_name, &family) {
            (Some(name), _) => format!("device={:?}", name.as_str()),
            (None, Some(Some(family))) => session::detail(*family),
            (None, Some(None)) => "session=unknown".to_owned(),
            (None, None) => "session=all".to_owned(),
        };
        let detail = format!("{what} {}", because(&reason));
        let request = Request::changing(Action::EndAccess, Some(&username), detail);
        self.as_console(request, received, session, async |_| {
            let id = self.account(&username).await?.id;
            let act = match (device_name, family) {
                (Some(name), _) => ConsoleAct::RevokeDevice(id, Target::account(&username), name),
                (None, Some(family)) => {
                    ConsoleAct::EndSession(id, family.ok_or(Denial::NoSuchSession)?)
                }
                (None, None) => ConsoleAct::EndSessions(id),
            };
            Ok((act, ()))
        })
        .await
    }

    pub(super) async fn account(&self, name: &Username) -> Result<UserSummary, NotGranted> {
        Ok(self.store.user(name).await?.ok_or(Denial::NoSuchAccount)?)
    }
}

/// The reason in an audit row. Its quotation marks are escaped, so that it cannot be taken for another part
/// of the row.
pub(super) fn because(reason: &Reason) -> String {
    format!("reason={:?}", reason.as_str())
}

fn row(user: UserSummary, now: UnixMillis) -> AccountRow {
    let has = user.enrolled;
    let factors = [
        // Before the invitation is accepted, no person knows the password.
        (user.invitation.is_none(), Method::Password),
        (has.totp, Method::OneTimeCode),
        (has.face, Method::Face),
        (has.key, Method::DeviceKey),
    ];
    AccountRow {
        username: user.username,
        email: user.email,
        phone: user.phone,
        factors: factors.into_iter().filter_map(|(has, it)| has.then_some(it)).collect(),
        administrator: user.is_administrator,
        disabled: user.disabled,
        must_change: user.must_change,
        totp_confirmed: user.totp_confirmed,
        groups: user.groups.0.into_iter().collect(),
        created_at: user.created,
        invitation: user
            .invitation
            .map(|it| InvitationState { expires_at: it.until, valid: it.is_valid(now) }),
        failures: None,
        consents: Vec::new(),
    }
}

fn consent(consented: Consented) -> ConsentRow {
    let Consented { what, notice, given, given_by, .. } = consented;
    ConsentRow { what: what.as_str().to_owned(), notice, given_at: given, given_by }
}
