//! Accounts: the record of each, its factors, its devices and sessions, and what its owner is told.

pub(crate) mod consent;
pub(crate) mod decoy;
pub(crate) mod delivery;
pub(crate) mod device;
pub(crate) mod event;
pub(crate) mod factor;
pub(crate) mod grant;
pub(crate) mod groups;
pub(crate) mod id;
pub(crate) mod known_device;
pub(crate) mod login_location;
pub(crate) mod methods;
pub(crate) mod notice;
pub(crate) mod outbox;
pub(crate) mod passcode;
pub(crate) mod record;
pub(crate) mod recovery;
pub(crate) mod reset;
pub(crate) mod sealed;
pub(crate) mod session;
pub(crate) mod session_cache;
pub(crate) mod session_end;
pub(crate) mod session_use;
pub(crate) mod spelling;
pub(crate) mod subject;
pub(crate) mod user;
