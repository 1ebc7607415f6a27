//! The groups of an account, by which services grant access. They are no factor: a change ends no session
//! and no grant.

use crate::{
    account::id::{AccountId, TABLE},
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
};
use fourauth_protocol::group::Group;
use std::collections::BTreeSet;

/// The groups of an account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Groups(pub BTreeSet<Group>);

impl Groups {
    /// Reads the column `group_names`.
    pub(crate) fn read(row: &Row) -> Result<Self, Error> {
        let names = row.text(TABLE, "group_names")?;
        let names = names.split(',').filter(|name| !name.is_empty());
        let groups: Result<_, _> = names.map(Group::parse).collect();
        groups.map(Self).map_err(|_| Error::Corrupt { table: TABLE, column: "group_names" })
    }

    /// The names with commas between them, as they are stored and as they are shown.
    #[must_use]
    pub fn listed(&self) -> String {
        self.0.iter().map(Group::as_str).collect::<Vec<_>>().join(",")
    }
}

impl Tx {
    /// Replaces the groups of an account. `false` if there is no such account.
    pub async fn set_groups(&mut self, account: AccountId, groups: &Groups) -> Result<bool, Error> {
        const SQL: &str = "UPDATE users SET group_names = $1 WHERE id = $2";

        let names = groups.listed();
        let values = [Value::Text(&names), Value::Int(account.0)];
        self.change_account(account, SQL, &values).await
    }
}
