//! The keyring, sealing with its keys, and changing them.

pub(crate) mod key_check;
pub(crate) mod keyring;
pub(crate) mod rotation;
pub(crate) mod row_code;
pub(crate) mod seal;
pub(crate) mod seal_report;
pub(crate) mod sealing;
