//! Simulated power failures: a recorded disk, the disks that a failure can leave, and their
//! examination.
//!
//! [`recorder`] records what SQLite writes, [`platter`] computes every disk that may be found
//! afterwards, [`script`] lists what the store was asked to do, [`inquest`] opens each disk and
//! compares it with the script; [`replay`] runs this over all disks.

pub(crate) mod evidence;
pub(crate) mod inquest;
pub(crate) mod people;
pub(crate) mod platter;
pub(crate) mod recorder;
pub(crate) mod replay;
pub(crate) mod script;
