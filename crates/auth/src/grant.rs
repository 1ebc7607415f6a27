//! What a decision changes: a value, carried out in the transaction of its audit row.

use crate::decision::Denial;
use fourauth_factors::{
    password::Hash,
    totp::{Key, Step},
};
use fourauth_protocol::mac_address::MacAddress;
use fourauth_store::{self as store, AccountId, Added, NewFace, NewSession, NewUser, Tx};

/// Everything that a granted command can do to the store.
#[derive(Debug)]
pub enum Effect {
    /// Nothing but its audit row.
    Nothing,
    /// A new account.
    Account(Box<NewUser>),
    /// A change to an account that exists.
    Change(Box<Grant>),
}

/// A change to the account that was examined.
#[derive(Debug)]
pub struct Grant {
    /// Whose.
    pub account: AccountId,
    /// The version that was examined. If it is no longer the present one, nothing is changed.
    pub version: i64,
    /// The step of the one-time code that was offered, to be spent with the change.
    pub step: Option<Step>,
    /// What.
    pub change: Change,
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
    },
    /// The one-time code generator is known to work.
    ConfirmTotp(Step),
    /// A new secret for one-time codes.
    Totp(Key),
    /// A new password.
    Password(Hash),
    /// A new face, and its picture if pictures are kept.
    Face(NewFace),
    /// A new device.
    Device(MacAddress),
}

/// Another command was quicker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// It spent the same one-time code, or changed the account so that the code no longer counts.
    StepSpent,
    /// It changed the account.
    Superseded,
    /// It took the name.
    NameTaken,
    /// It took the mail address or the telephone number.
    ContactTaken,
}

impl Lost {
    /// The word for the audit log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StepSpent => "step_spent",
            Self::Superseded => "superseded",
            Self::NameTaken => "name_taken",
            Self::ContactTaken => "contact_taken",
        }
    }
}

impl From<Lost> for Denial {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::StepSpent => Self::Totp,
            Lost::Superseded => Self::Superseded,
            Lost::NameTaken => Self::NameTaken,
            Lost::ContactTaken => Self::ContactTaken,
        }
    }
}

/// Why a transaction was rolled back.
#[derive(Debug)]
pub enum Undone {
    /// Somebody else was quicker.
    Lost(Lost),
    /// The database failed.
    Store(store::Error),
}

impl From<store::Error> for Undone {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
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
            Self::Account(user) => match tx.add_user(&user).await? {
                Added::Yes => Ok(()),
                Added::NameTaken => Err(Undone::Lost(Lost::NameTaken)),
                Added::EmailTaken | Added::PhoneTaken => Err(Undone::Lost(Lost::ContactTaken)),
            },
            Self::Change(grant) => grant.apply(tx).await,
        }
    }
}

impl Grant {
    async fn apply(self, tx: &mut Tx) -> Result<(), Undone> {
        let Self { account, version, step, change } = self;
        if let Some(step) = step
            && !tx.spend_step(account, version, step).await?
        {
            return Err(Undone::Lost(Lost::StepSpent));
        }
        let refused = change.refusal();
        if change.apply(tx, account, version).await? { Ok(()) } else { Err(Undone::Lost(refused)) }
    }
}

impl Change {
    /// Whether the one-time code that was offered is worthless afterwards. Confirming one keeps a
    /// watermark of its own.
    pub(crate) const fn spends_the_code(&self) -> bool {
        match self {
            Self::ConfirmTotp(_) => false,
            Self::LogIn { .. }
            | Self::Totp(_)
            | Self::Password(_)
            | Self::Face(_)
            | Self::Device(_) => true,
        }
    }

    /// What it means that the change was not made.
    const fn refusal(&self) -> Lost {
        match self {
            Self::ConfirmTotp(_) => Lost::StepSpent,
            Self::LogIn { .. }
            | Self::Totp(_)
            | Self::Password(_)
            | Self::Face(_)
            | Self::Device(_) => Lost::Superseded,
        }
    }

    /// `false` if the account is no longer what was examined.
    async fn apply(
        self,
        tx: &mut Tx,
        account: AccountId,
        version: i64,
    ) -> Result<bool, store::Error> {
        match self {
            Self::LogIn { session, upgraded } => {
                if let Some(hash) = upgraded {
                    tx.upgrade_password(account, version, &hash).await?;
                }
                tx.open_session(&session).await
            }
            Self::ConfirmTotp(step) => tx.confirm_step(account, version, step).await,
            Self::Totp(key) => tx.replace_totp(account, version, &key).await,
            Self::Password(hash) => tx.replace_password(account, version, &hash, false).await,
            Self::Face(face) => tx.replace_template(account, version, &face).await,
            Self::Device(mac) => tx.replace_mac(account, version, mac).await,
        }
    }
}
