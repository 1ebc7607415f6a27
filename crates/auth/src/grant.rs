//! What a decision changes: a value, carried out in the transaction of its audit row.

use crate::lost::{Lost, Undone};
use fourauth_factors::{
    password::Hash,
    totp::{Key, Step},
};
use fourauth_protocol::{
    device::{DeviceId, DeviceName},
    mac_address::MacAddress,
    recovery_code::RecoveryCode,
    time::UnixMillis,
};
use fourauth_store::{
    AccountId, Added, Factor, Lane, NewConsent, NewDevice, NewFace, NewSession, NewUser, Notice,
    Place, Target, Tx,
};

/// Everything that a granted command can do to the store.
#[derive(Debug)]
pub enum Effect {
    /// Nothing but its audit row.
    Nothing,
    /// A new account.
    Account(Box<NewAccount>),
    /// A change to an account that exists.
    Change(Box<Grant>),
}

/// A new account and what comes with it.
#[derive(Debug)]
pub struct NewAccount {
    /// The account.
    pub user: NewUser,
    /// A device that the administrator vouches for.
    pub device: Option<NewDevice>,
    /// The ways back in.
    pub codes: Vec<RecoveryCode>,
    /// What its face was enrolled on.
    pub consent: NewConsent,
}

/// A change to the account that was examined.
#[derive(Debug)]
pub struct Grant {
    /// Whose.
    pub account: AccountId,
    /// What its failures are counted by.
    pub target: Target,
    /// The version that was examined. If it is no longer the present one, nothing is changed.
    pub version: i64,
    /// The step of the one-time code that was offered, to be spent with the change.
    pub step: Option<Step>,
    /// The device that proved itself, which must still be trusted.
    pub device: Option<DeviceId>,
    /// When the command arrived.
    pub at: UnixMillis,
    /// What.
    pub change: Change,
    /// What else follows.
    pub beside: Beside,
}

/// What follows from a change, in its transaction.
#[derive(Debug, Default)]
pub struct Beside {
    /// A recovery code that was offered, to be spent.
    pub recovery_code: Option<RecoveryCode>,
    /// A factor that may not change another before an instant.
    pub settles: Option<(Factor, UnixMillis)>,
    /// Where the account is known to be used from, from now on.
    pub place: Option<Place>,
    /// What its owner is told.
    pub notices: Vec<Notice>,
}

/// What changes about an account. Replacing a factor ends its sessions.
#[derive(Debug)]
pub enum Change {
    /// A login: a session, and the password's hash at today's cost if it had fallen behind.
    LogIn {
        /// The session.
        session: NewSession,
        /// The hash.
        upgraded: Option<Hash>,
        /// The first device of an account that had none.
        device: Option<NewDevice>,
        /// Whether nobody has logged in before.
        is_first: bool,
    },
    /// The one-time code generator is known to work.
    ConfirmTotp(Step),
    /// A new secret for one-time codes, and where to it is sent, if that tells one peer from another.
    Totp(Key, Option<Place>),
    /// The present secret for one-time codes is sent once more.
    TotpAgain,
    /// A new password.
    Password(Hash),
    /// A new face, its picture if that is kept, and what both were enrolled on.
    Face(NewFace, NewConsent),
    /// A new device in the place of another.
    Device {
        /// The address of the one that goes.
        old: MacAddress,
        /// Whether the one that goes is known by its key alone: the registered address is another's.
        by_key: bool,
        /// The address that the account is registered with from now on.
        registered: MacAddress,
        /// The key of the one that comes.
        new: Option<NewDevice>,
    },
    /// Another device.
    BindDevice(NewDevice),
    /// A device less.
    RevokeDevice(DeviceName),
}

impl Effect {
    /// Does it, inside `tx`.
    ///
    /// # Errors
    ///
    /// [`Undone`]; the caller then rolls back.
    pub(crate) async fn apply(self, tx: &mut Tx) -> Result<(), Undone> {
        match self {
            Self::Nothing => Ok(()),
            Self::Account(account) => account.apply(tx).await,
            Self::Change(grant) => grant.apply(tx).await,
        }
    }
}

impl NewAccount {
    async fn apply(self, tx: &mut Tx) -> Result<(), Undone> {
        /// The version of an account that was never changed.
        const FIRST: i64 = 1;

        let Self { user, device, codes, consent } = self;
        match tx.add_user(&user).await? {
            Added::Yes => {}
            Added::NameTaken => return Err(Lost::NameTaken.into()),
            Added::EmailTaken | Added::PhoneTaken => return Err(Lost::ContactTaken.into()),
        }
        tx.record_consent(user.id, &consent).await?;
        tx.replace_recovery_codes(user.id, &codes).await?;
        // Whoever failed in this name before failed at nobody's account.
        tx.clear_failures(Target::account(&user.username)).await?;
        if let Some(device) = device {
            Lost::of_binding(tx.bind_device(user.id, FIRST, &device).await?)?;
        }
        Ok(())
    }
}

impl Grant {
    async fn apply(self, tx: &mut Tx) -> Result<(), Undone> {
        let Self { account, target, version, step, device, at, change, beside } = self;
        // First of all the account's row, always: then nobody waits for another in a circle.
        match step {
            Some(step) => Lost::StepSpent.unless(tx.spend_step(account, version, step).await?)?,
            None => Lost::Superseded.unless(tx.hold(account, version).await?)?,
        }
        if let Some(device) = device {
            Lost::Superseded.unless(tx.saw_device(account, device, at).await?)?;
        }
        change.apply(tx, (account, target), version, at).await?;
        beside.apply(tx, account, at).await
    }
}

impl Beside {
    async fn apply(self, tx: &mut Tx, account: AccountId, at: UnixMillis) -> Result<(), Undone> {
        if let Some(code) = self.recovery_code {
            Lost::RecoveryCode.unless(tx.spend_recovery_code(account, &code).await?)?;
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
        Ok(())
    }
}

impl Change {
    /// Whether the one-time code that was offered is worthless afterwards. Confirming one keeps a
    /// watermark of its own.
    pub(crate) const fn spends_the_code(&self) -> bool {
        !matches!(self, Self::ConfirmTotp(_))
    }

    async fn apply(
        self,
        tx: &mut Tx,
        (account, target): (AccountId, Target),
        version: i64,
        at: UnixMillis,
    ) -> Result<(), Undone> {
        let late = Lost::Superseded;
        match self {
            Self::LogIn { session, upgraded, device, is_first } => {
                if is_first {
                    tx.note_first_use(account, at).await?;
                }
                log_in(tx, session, upgraded, device).await?;
            }
            Self::ConfirmTotp(step) => {
                Lost::StepSpent.unless(tx.confirm_step(account, version, step).await?)?;
            }
            Self::Totp(key, to) => {
                late.unless(tx.replace_totp(account, version, &key).await?)?;
                tx.note_issue(account, at, to).await?;
            }
            Self::TotpAgain => {}
            Self::Password(hash) => {
                late.unless(tx.replace_password(account, version, &hash, false).await?)?;
            }
            Self::Face(face, consent) => {
                late.unless(tx.replace_template(account, version, &face).await?)?;
                tx.record_consent(account, &consent).await?;
            }
            Self::Device { old, by_key, registered, new } => {
                late.unless(tx.replace_mac(account, version, registered).await?)?;
                let revoked = tx.revoke_devices_at(account, old, at).await?;
                Lost::NoSuchDevice.unless(!revoked.is_empty() || !by_key)?;
                for device in revoked {
                    tx.forget_lane(target, Lane::Device(device)).await?;
                }
                tx.forget_places(account).await?;
                if let Some(new) = new {
                    Lost::of_binding(tx.bind_device(account, version + 1, &new).await?)?;
                }
            }
            Self::BindDevice(device) => {
                Lost::of_binding(tx.bind_device(account, version, &device).await?)?;
            }
            Self::RevokeDevice(name) => {
                let revoked = tx.revoke_device(account, Some(version), name.as_str(), at).await?;
                let revoked = revoked.ok_or(Lost::NoSuchDevice)?;
                tx.forget_lane(target, Lane::Device(revoked)).await?;
            }
        }
        Ok(())
    }
}

async fn log_in(
    tx: &mut Tx,
    mut session: NewSession,
    upgraded: Option<Hash>,
    device: Option<NewDevice>,
) -> Result<(), Undone> {
    if let Some(hash) = upgraded {
        tx.upgrade_password(session.account, session.version, &hash).await?;
    }
    if let Some(device) = device {
        Lost::of_binding(tx.bind_device(session.account, session.version, &device).await?)?;
        // The first device raises it.
        session.version += 1;
    }
    Ok(Lost::Superseded.unless(tx.open_session(&session).await?)?)
}
