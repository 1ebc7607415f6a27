//! Accounts: the record of each, its factors, its devices and sessions, and what its owner is told.

pub(crate) mod consent;
pub(crate) mod device;
pub(crate) mod factor;
pub(crate) mod notice;
pub(crate) mod place;
pub(crate) mod recovery;
pub(crate) mod session;
pub(crate) mod subject;
pub(crate) mod user;
