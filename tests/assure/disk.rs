//! A disk that remembers, what of it a power failure leaves, and whether that is right.
//!
//! [`recorder`] sees what SQLite writes, [`platter`] makes of it every disk that may be found
//! afterwards, [`script`] is what a store was asked to do meanwhile, [`inquest`] opens what was found
//! and holds the two against each other; [`replay`] has all of them looked at.

pub(crate) mod evidence;
pub(crate) mod inquest;
pub(crate) mod people;
pub(crate) mod platter;
pub(crate) mod recorder;
pub(crate) mod replay;
pub(crate) mod script;
