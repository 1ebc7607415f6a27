//! The two databases: connections, migrations, transactions and the writer.

pub(crate) mod driver;
pub(crate) mod job;
pub(crate) mod location;
#[cfg(feature = "faults")]
pub(crate) mod rig;
pub(crate) mod tx;
pub(crate) mod writer;
