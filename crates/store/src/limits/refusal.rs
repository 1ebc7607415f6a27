//! A command that a rate limit refused, and the key that refusals are counted by.

use crate::{
    audit::entry::MAX_USERNAME,
    engine::{driver::Value, tx::Tx},
    error::Error,
    limits::lane::minute,
    visible::visible,
};
use fourauth_protocol::time::UnixMillis;

/// Number of names with their own row, for each source, minute and command. Servers that write at
/// the same moment to one PostgreSQL database may each add one more.
const NAMES: i64 = 5;

/// Stands for all names beyond [`NAMES`]. An escaped name contains no line feed.
pub(crate) const OTHERS: &str = "\n";

/// The action of frames that are not commands. A gateway may send them for any number of peers, so
/// they are counted like refusals.
pub const NOT_COMMANDS: &str = "protocol";

/// A command that a rate limit refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Source of the command.
    pub source: String,
    /// The command, as the audit log names it. Never text from a peer.
    pub action: &'static str,
    /// The claimed name, if any.
    pub name: Option<String>,
    /// Arrival time.
    pub at: UnixMillis,
}

/// The key that refusals are counted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RefusalKey {
    pub(crate) minute: i64,
    pub(crate) source: String,
    pub(crate) action: String,
    /// The escaped name, empty if no name was claimed, or [`OTHERS`].
    pub(crate) name: String,
}

impl From<Refusal> for RefusalKey {
    fn from(refusal: Refusal) -> Self {
        let Refusal { source, action, name, at } = refusal;
        let name = name.map(|name| visible(&name, MAX_USERNAME)).unwrap_or_default();
        Self { minute: minute(at), source, action: action.to_owned(), name }
    }
}

impl Tx {
    /// Adds to a count. The statement decides if the name still gets its own row.
    pub(crate) async fn add_refusals(&mut self, key: &RefusalKey, count: i64) -> Result<(), Error> {
        const SQL: &str = "INSERT INTO refusals (minute, source, action, name, count) \
             SELECT $1, $2, $3, CASE WHEN COUNT(*) < $6 OR $4 = '' THEN $4 ELSE $7 END, $5 \
             FROM refusals WHERE minute = $1 AND source = $2 AND action = $3 \
             AND name NOT IN ('', $4, $7) \
             ON CONFLICT (minute, source, action, name) \
             DO UPDATE SET count = refusals.count + excluded.count";

        let values = [
            Value::Int(key.minute),
            Value::Text(&key.source),
            Value::Text(&key.action),
            Value::Text(&key.name),
            Value::Int(count),
            Value::Int(NAMES),
            Value::Text(OTHERS),
        ];
        self.execute(SQL, &values).await.map(|_| ())
    }
}
