//! Size of the data.

use super::{Connections, Pool};
use crate::error::Error;

impl Pool {
    /// Bytes in use. PostgreSQL includes free pages; SQLite excludes them and the journal.
    pub(crate) async fn size_bytes(&self) -> Result<u64, Error> {
        let sql = match &self.of {
            Connections::Postgres(_) => "SELECT pg_database_size(current_database()) AS bytes",
            Connections::Sqlite { .. } => {
                "SELECT (page_count - freelist_count) * page_size AS bytes \
                 FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
            }
        };
        let corrupt = Error::Corrupt { table: "the database", column: "bytes" };
        let bytes =
            self.row(sql, &[]).await?.ok_or(corrupt.clone())?.int("the database", "bytes")?;
        u64::try_from(bytes).map_err(|_| corrupt)
    }
}
