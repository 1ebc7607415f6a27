//! The two databases: connections, migrations, transactions and the writer.

pub(crate) mod driver;
pub(crate) mod job;
pub(crate) mod location;
pub(crate) mod tx;
#[cfg(feature = "faults")]
pub(crate) mod vfs_override;
pub(crate) mod writer;
pub(crate) mod writes;
