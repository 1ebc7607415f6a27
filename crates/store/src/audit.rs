//! The audit log: its rows, the evidence that no row was changed, erasure and imported history.

pub(crate) mod backups;
pub(crate) mod entry;
pub(crate) mod erasure;
pub(crate) mod evidence;
pub(crate) mod history;
pub(crate) mod query;
pub(crate) mod spelling;
pub(crate) mod unsealed;
