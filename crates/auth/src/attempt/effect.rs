//! The change that a decision makes: a value that is applied in the transaction of its audit row.

use crate::{
    attempt::{
        console::ConsoleUse,
        reset::{PasswordReset, ResetRequest},
    },
    command::session,
    conflict::{Aborted, Conflict},
    device::Moved,
    rules::{device_request, passcode, reset},
};
use fourauth_factors::{
    password::Hash,
    totp::{Key, Step},
};
use fourauth_protocol::{
    device::{DeviceId, DeviceName},
    device_request::{DeviceDecision, RequestNumber},
    level::Level,
    mac_address::MacAddress,
    recovery_code::RecoveryCode,
    time::UnixMillis,
};
use fourauth_store::{
    AccountId, Added, BoundBy, BoundRenewal, DeviceRequest, FIRST_VERSION, Factor, FamilyId,
    GrantHolder, GrantId, Lane, LoginLocation, NewConsent, NewDevice, NewFace, NewPasscode,
    NewSession, NewUser, Notice, OpenGrant, PasscodeMac, RaisedSession, Renewal, ResetCodeMac,
    SessionBinding, Target, Tx,
};

/// The effect of a granted command on the store.
#[derive(Debug)]
pub(crate) enum Effect {
    /// No change except the audit row.
    Nothing,
    /// A new account.
    Account(Box<NewAccount>),
    /// A change to an account that exists.
    Change(Box<AccountChange>),
    /// A change to sessions.
    Session(SessionChange),
    /// A request for a code that resets a password.
    RequestReset(Box<ResetRequest>),
    /// A password that is reset.
    ResetPassword(Box<PasswordReset>),
    /// A command of the console.
    Console(Box<ConsoleUse>),
}

/// A change to the sessions of an account, authorised by the token of one of them.
#[derive(Debug)]
pub(crate) enum SessionChange {
    /// A successor takes over.
    Renew(Renewal),
    /// A browser spends a challenge, and the session is bound to its key.
    Bind(SessionBinding, (GrantId, GrantHolder)),
    /// A browser spends a challenge, and a successor takes over.
    RenewBound(BoundRenewal, (GrantId, GrantHolder)),
    /// One session ends, if it has at most this level.
    End(AccountId, FamilyId, Option<Level>),
    /// Every session of at most this level ends.
    EndAll(AccountId, Option<Level>),
}

/// A new account with its device, recovery codes and consent.
#[derive(Debug)]
pub(crate) struct NewAccount {
    /// The account.
    pub user: NewUser,
    /// A device that the administrator registers with the account.
    pub(crate) device: Option<NewDevice>,
    /// The recovery codes.
    pub(crate) codes: Vec<RecoveryCode>,
    /// The consent that the face was enrolled with. `None` for an account without a face.
    pub(crate) consent: Option<NewConsent>,
    /// A secret for one-time codes that is to be confirmed.
    pub(crate) proposed: Option<Key>,
    /// A grant to open to its peer.
    pub(crate) opened: Option<OpenGrant>,
    /// When the invitation of its person expires, if it begins with one.
    pub(crate) invited: Option<UnixMillis>,
}

/// A change to the account that was examined.
#[derive(Debug)]
pub(crate) struct AccountChange {
    /// The account.
    pub(crate) account: AccountId,
    /// The target that its failures are counted under.
    pub(crate) target: Target,
    /// The version that was examined. If the account has another version now, nothing is changed.
    pub(crate) version: i64,
    /// The step of the one-time code, to be spent with the change.
    pub(crate) step: Option<Step>,
    /// The proven device, which must still be bound to the account.
    pub(crate) device: Option<DeviceId>,
    /// The address that the proven device has now, if that is another one than before.
    pub(crate) moved: Option<Moved>,
    /// The nonce of the device proof that the command relies on, and the connection that spends it.
    pub(crate) nonce: Option<(GrantId, GrantHolder)>,
    /// The grant that stands for the password, and this command, which spends it.
    pub(crate) grant: Option<(GrantId, GrantHolder)>,
    /// The time at which the command arrived.
    pub(crate) at: UnixMillis,
    /// The change.
    pub(crate) change: Change,
    /// The consequences of the change.
    pub(crate) side_effects: SideEffects,
}

/// Consequences of a change, applied in the same transaction.
#[derive(Debug, Default)]
pub(crate) struct SideEffects {
    /// A recovery code to spend.
    pub(crate) recovery_code: Option<RecoveryCode>,
    /// A passcode to spend.
    pub(crate) passcode: Option<PasscodeMac>,
    /// A factor that may not change another one before this time.
    pub(crate) settles: Option<(Factor, UnixMillis)>,
    /// A place to record as known for the account.
    pub(crate) place: Option<LoginLocation>,
    /// Notices to the owner.
    pub(crate) notices: Vec<Notice>,
    /// A grant to open to its peer.
    pub(crate) opened: Option<OpenGrant>,
}

/// A first face.
#[derive(Debug)]
pub(crate) struct FirstFace {
    /// The face, and its picture if that is kept.
    pub(crate) face: NewFace,
    /// The consent for both.
    pub(crate) consent: NewConsent,
    /// The browser that it was enrolled in.
    pub(crate) device: Option<NewDevice>,
    /// The recovery codes. They replace earlier ones.
    pub(crate) codes: Vec<RecoveryCode>,
}

/// A change to an account. Replacing a factor ends all sessions of the account.
#[derive(Debug)]
pub(crate) enum Change {
    /// A login: opens a session, and replaces an outdated password hash.
    LogIn {
        /// The session.
        session: NewSession,
        /// A hash of the password at the configured cost, if the stored one is outdated.
        upgraded: Option<Hash>,
        /// The first device of an account without one.
        device: Option<NewDevice>,
        /// True for the first login to the account.
        is_first: bool,
    },
    /// The first of several steps: replaces an outdated password hash.
    ProvePassword(Option<Hash>),
    /// The first step of an account without a confirmed authenticator: another secret that is to be confirmed.
    ProposeTotp(Option<Hash>, Key),
    /// The second of three steps. Only the code is spent.
    ProveCode,
    /// A new passcode, and the message that carries it.
    IssuePasscode {
        /// The passcode.
        new: NewPasscode,
        /// The message.
        message: Notice,
        /// The source that requested it.
        source: String,
    },
    /// A code that resets a password is spent for a grant.
    SpendResetCode(ResetCodeMac),
    /// An accepted invitation: the first password of the person, and a secret for one-time codes that is to
    /// be confirmed.
    Join(Hash, Key),
    /// The first face of an account, with everything that completes it.
    FirstFace(Box<FirstFace>),
    /// A session reaches a higher level with another token.
    RaiseSession(Box<RaisedSession>),
    /// Confirmation that the one-time code generator works.
    ConfirmTotp(Step),
    /// A new TOTP secret, and the place that it is sent to, if that identifies one peer.
    Totp(Key, Option<LoginLocation>),
    /// The present TOTP secret is sent again.
    TotpAgain,
    /// A new password.
    Password(Hash),
    /// A new face, its picture if that is kept, and the consent for both.
    Face(NewFace, NewConsent),
    /// A new device instead of an old one.
    Device {
        /// The MAC address of the old device.
        old: MacAddress,
        /// True if the old device is not the one at the registered address, so that only its key
        /// identifies it.
        by_key: bool,
        /// The registered MAC address of the account, which must be the same still.
        present: MacAddress,
        /// The new registered MAC address of the account.
        registered: MacAddress,
        /// The new device, if it has a key.
        new: Option<NewDevice>,
    },
    /// Binds another device.
    BindDevice(NewDevice),
    /// Revokes a device.
    RevokeDevice(DeviceName),
    /// A browser asks to become a device.
    AskForDevice(Box<DeviceRequest>),
    /// A device decides about a browser that asks.
    DecideDevice(DecidedDevice),
}

/// The decision about a browser that asks.
#[derive(Debug)]
pub(crate) struct DecidedDevice {
    /// The request.
    pub(crate) number: RequestNumber,
    /// What becomes of it.
    pub(crate) decision: DeviceDecision,
    /// Its name, if it is added.
    pub(crate) name: DeviceName,
    /// The time from which it is trusted, if it is added.
    pub(crate) trusted_from: UnixMillis,
}

impl Effect {
    /// The other address of a proven device that the effect writes down.
    pub(crate) fn moved_device(&self) -> Option<Moved> {
        match self {
            Self::Change(change) => change.moved,
            Self::Nothing
            | Self::Account(_)
            | Self::Session(_)
            | Self::RequestReset(_)
            | Self::ResetPassword(_)
            | Self::Console(_) => None,
        }
    }

    /// The request of a browser or the session that the effect is about, for the audit log, after a space.
    /// Empty if it is about neither.
    pub(crate) fn subject(&self) -> String {
        let Self::Change(change) = self else { return String::new() };
        match &change.change {
            Change::AskForDevice(request) => format!(" asked={}", request.number),
            Change::DecideDevice(decided) => format!(" asked={}", decided.number),
            Change::RaiseSession(raised) => {
                let level = raised.methods.level().map_or(0, Level::number);
                format!(" {} level={level}", session::detail(raised.family))
            }
            _ => String::new(),
        }
    }

    /// Applies the effect inside `tx`. On [`Aborted`], the caller rolls back.
    pub(crate) async fn apply(self, tx: &mut Tx) -> Result<(), Aborted> {
        match self {
            Self::Nothing => Ok(()),
            Self::Account(account) => account.apply(tx).await,
            Self::Change(change) => change.apply(tx).await,
            Self::Session(change) => change.apply(tx).await,
            Self::RequestReset(request) => request.apply(tx).await,
            Self::ResetPassword(reset) => reset.apply(tx).await,
            Self::Console(used) => used.apply(tx).await,
        }
    }
}

impl SessionChange {
    async fn apply(self, tx: &mut Tx) -> Result<(), Aborted> {
        match self {
            Self::Renew(renewal) => {
                Conflict::SessionEnded.unless(tx.renew_session(&renewal).await?)?;
            }
            Self::Bind(binding, (challenge, holder)) => {
                tx.lock_account(binding.account).await?;
                Conflict::ChallengeSpent.unless(tx.spend_grant(challenge, holder).await?)?;
                Conflict::SessionBound.unless(tx.bind_session(&binding).await?)?;
            }
            Self::RenewBound(renewal, (challenge, holder)) => {
                tx.lock_account(renewal.account).await?;
                Conflict::ChallengeSpent.unless(tx.spend_grant(challenge, holder).await?)?;
                Conflict::SessionEnded.unless(tx.renew_bound_session(&renewal).await?)?;
            }
            Self::End(account, family, most) => {
                let ended = tx.end_family_up_to(account, family, most).await?;
                Conflict::NoSuchSession.unless(ended)?;
            }
            Self::EndAll(account, most) => tx.end_sessions_up_to(account, most).await?,
        }
        Ok(())
    }
}

impl NewAccount {
    pub(super) async fn apply(self, tx: &mut Tx) -> Result<(), Aborted> {
        let Self { user, device, codes, consent, proposed, opened, invited } = self;
        match tx.add_user(&user).await? {
            Added::Yes => {}
            Added::NameTaken => return Err(Conflict::NameTaken.into()),
            Added::EmailTaken | Added::PhoneTaken => return Err(Conflict::ContactTaken.into()),
        }
        if let Some(consent) = consent {
            tx.record_consent(user.id, &consent).await?;
        }
        if let Some(key) = proposed {
            tx.propose_totp(user.id, &key).await?;
        }
        if let Some(grant) = opened {
            tx.open_to_peer(&grant).await?;
        }
        if let Some(until) = invited {
            tx.record_invitation(user.id, until).await?;
        }
        tx.replace_recovery_codes(user.id, &codes).await?;
        // Earlier failures under this name were not failures of this account.
        tx.clear_failures(Target::account(&user.username)).await?;
        if let Some(device) = device {
            Conflict::of_binding(tx.bind_device(user.id, FIRST_VERSION, &device).await?)?;
        }
        Ok(())
    }
}

impl AccountChange {
    async fn apply(self, tx: &mut Tx) -> Result<(), Aborted> {
        let Self { account, target, version, step, device, moved, nonce, grant, at, .. } = self;
        let Self { change, side_effects, .. } = self;
        // Every transaction locks the account's row first, which prevents deadlocks.
        match step {
            Some(step) => {
                Conflict::StepSpent.unless(tx.spend_step(account, version, step).await?)?;
            }
            None => Conflict::Superseded.unless(tx.hold(account, version).await?)?,
        }
        if let Some((grant, holder)) = nonce {
            Conflict::NonceSpent.unless(tx.spend_grant(grant, holder).await?)?;
        }
        if let Some((grant, holder)) = grant {
            Conflict::GrantSpent.unless(tx.spend_grant(grant, holder).await?)?;
        }
        if let Some(device) = device {
            Conflict::Superseded.unless(tx.saw_device(account, device, at).await?)?;
            if let Some(Moved { from, to }) = moved {
                tx.note_address(account, device, (from, to)).await?;
            }
        }
        change.apply(tx, (account, target), version, at).await?;
        side_effects.apply(tx, account, at).await
    }
}

impl SideEffects {
    async fn apply(self, tx: &mut Tx, account: AccountId, at: UnixMillis) -> Result<(), Aborted> {
        if let Some(code) = self.recovery_code {
            Conflict::RecoveryCode.unless(tx.spend_recovery_code(account, &code).await?)?;
        }
        if let Some(passcode) = self.passcode {
            let spent = tx.spend_passcode(account, &passcode, passcode::MOST_TRIES).await?;
            Conflict::PasscodeSpent.unless(spent)?;
        }
        if let Some((factor, until)) = self.settles {
            tx.settle(account, factor, until).await?;
        }
        if let Some(place) = self.place {
            tx.remember_place(account, place, at).await?;
        }
        for notice in self.notices {
            tx.notify(&notice).await?;
        }
        if let Some(grant) = self.opened {
            tx.open_to_peer(&grant).await?;
        }
        Ok(())
    }
}

impl Change {
    /// True if the change binds the key that the device proof was made with.
    pub(crate) const fn binds_the_claimed_key(&self) -> bool {
        match self {
            Self::LogIn { device, .. } => device.is_some(),
            Self::FirstFace(first) => first.device.is_some(),
            Self::AskForDevice(_) => true,
            _ => false,
        }
    }

    /// True if the change spends the one-time code. Confirmation keeps a separate watermark.
    pub(crate) const fn spends_the_code(&self) -> bool {
        !matches!(self, Self::ConfirmTotp(_))
    }

    async fn apply(
        self,
        tx: &mut Tx,
        (account, target): (AccountId, Target),
        version: i64,
        at: UnixMillis,
    ) -> Result<(), Aborted> {
        let late = Conflict::Superseded;
        match self {
            Self::LogIn { session, upgraded, device, is_first } => {
                if is_first {
                    tx.note_first_use(account, at).await?;
                }
                log_in(tx, session, upgraded, device).await?;
            }
            Self::ProvePassword(upgraded) => {
                if let Some(hash) = upgraded {
                    tx.upgrade_password(account, version, &hash).await?;
                }
            }
            Self::ProposeTotp(upgraded, key) => {
                if let Some(hash) = upgraded {
                    tx.upgrade_password(account, version, &hash).await?;
                }
                late.unless(tx.propose_totp(account, &key).await?)?;
            }
            Self::IssuePasscode { new, message, source } => {
                Conflict::PasscodesIssued.unless(tx.issue_passcode(account, &new).await?)?;
                tx.send_passcode(&message, new.expires, &source).await?;
            }
            Self::SpendResetCode(mac) => {
                let spent = tx.spend_reset_code(account, version, &mac, reset::MOST_TRIES).await?;
                Conflict::ResetSpent.unless(spent)?;
            }
            Self::ConfirmTotp(step) => {
                Conflict::StepSpent.unless(tx.confirm_step(account, version, step).await?)?;
            }
            Self::Totp(key, to) => {
                late.unless(tx.replace_totp(account, version, &key).await?)?;
                tx.note_issue(account, at, to).await?;
            }
            Self::RaiseSession(raised) => {
                Conflict::SessionEnded.unless(tx.raise_session(&raised).await?)?;
            }
            Self::ProveCode | Self::TotpAgain => {}
            Self::Password(hash) => {
                late.unless(tx.replace_password(account, version, &hash, false).await?)?;
            }
            Self::Face(face, consent) => {
                late.unless(tx.replace_template(account, version, &face).await?)?;
                tx.record_consent(account, &consent).await?;
            }
            Self::Join(hash, key) => {
                late.unless(tx.replace_password(account, version, &hash, false).await?)?;
                late.unless(tx.propose_totp(account, &key).await?)?;
            }
            Self::FirstFace(first) => {
                let FirstFace { face, consent, device, codes } = *first;
                late.unless(tx.replace_template(account, version, &face).await?)?;
                tx.record_consent(account, &consent).await?;
                tx.replace_recovery_codes(account, &codes).await?;
                if let Some(device) = device {
                    Conflict::of_binding(tx.bind_device(account, version + 1, &device).await?)?;
                }
            }
            Self::Device { old, by_key, present, registered, new } => {
                // A device that moves raises no version.
                late.unless(tx.has_address(account, present).await?)?;
                late.unless(tx.replace_mac(account, version, registered).await?)?;
                let mut revoked = tx.revoke_devices_at(account, old, at).await?;
                if revoked.is_empty() && !by_key {
                    // The address of a browser is the label of its key, and not that of the account.
                    revoked.extend(tx.revoke_only_device(account, at).await?);
                }
                Conflict::NoSuchDevice.unless(!revoked.is_empty() || !by_key)?;
                for device in revoked {
                    tx.forget_lane(target, Lane::Device(device)).await?;
                }
                tx.forget_places(account).await?;
                if let Some(new) = new {
                    Conflict::of_binding(tx.bind_device(account, version + 1, &new).await?)?;
                }
            }
            Self::BindDevice(device) => {
                Conflict::of_binding(tx.bind_device(account, version, &device).await?)?;
            }
            Self::RevokeDevice(name) => {
                let revoked = tx.revoke_device(account, Some(version), name.as_str(), at).await?;
                let revoked = revoked.ok_or(Conflict::NoSuchDevice)?;
                tx.forget_lane(target, Lane::Device(revoked)).await?;
            }
            Self::AskForDevice(request) => {
                let pace = device_request::pace(at);
                let asked = tx.ask_for_device(account, version, &request, pace).await?;
                Conflict::of_request(asked)?;
            }
            Self::DecideDevice(decided) => decided.apply(tx, account, version, at).await?,
        }
        Ok(())
    }
}

impl DecidedDevice {
    async fn apply(
        self,
        tx: &mut Tx,
        account: AccountId,
        version: i64,
        at: UnixMillis,
    ) -> Result<(), Aborted> {
        let Self { number, decision, name, trusted_from } = self;
        let asked = tx.decide_request(account, version, number, at).await?;
        let key = asked.ok_or(Conflict::NoSuchRequest)?;
        if decision == DeviceDecision::Refuse {
            return Ok(());
        }
        let (name, mac, by) = (Some(name), key.label(), BoundBy::Device);
        let device = NewDevice { key, name, mac, by, at, trusted_from };
        Ok(Conflict::of_binding(tx.bind_device(account, version, &device).await?)?)
    }
}

async fn log_in(
    tx: &mut Tx,
    mut session: NewSession,
    upgraded: Option<Hash>,
    device: Option<NewDevice>,
) -> Result<(), Aborted> {
    if let Some(hash) = upgraded {
        tx.upgrade_password(session.account, session.version, &hash).await?;
    }
    if let Some(device) = device {
        Conflict::of_binding(tx.bind_device(session.account, session.version, &device).await?)?;
        // Binding the first device increments the version.
        session.version += 1;
    }
    Ok(Conflict::Superseded.unless(tx.open_session(&session).await?)?)
}
