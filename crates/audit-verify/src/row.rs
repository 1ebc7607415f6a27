//! A row and its leaf as the input has them, and the leaf hash computed from the row.

use crate::chains::End;
use fourauth_audit::{
    Hash, Leaf, Salt,
    leaf::{detail_hash, name_hash},
};

/// Longest node name that is accepted, in bytes.
pub(crate) const MAX_NODE: usize = 1024;

/// A leaf and its row.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    pub(crate) id: i64,
    /// Position in the tree, from 0; `None` if it is not an integer.
    pub(crate) position: Option<i64>,
    /// Node that wrote the row, and sequence number in its chain; `None` if either is not valid.
    pub(crate) link: Option<(&'a str, i64)>,
    pub(crate) sealing: Sealing,
    /// `None` if it is not a hash.
    pub(crate) leaf_hash: Option<Hash>,
    pub(crate) body: Body<'a>,
}

/// The salt of a row, or the hashes that replace it after an erasure.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sealing {
    Salted(Salt),
    /// The row was erased. `by` is the id of the row that records it.
    Erased {
        by: i64,
        name: Option<Hash>,
        detail: Hash,
    },
    /// A combination that no valid row has.
    Unfit,
}

impl Sealing {
    /// A valid row has either a salt, or the hashes of an erased row.
    pub(crate) const fn new(
        salt: Option<Salt>,
        name: Option<Hash>,
        detail: Option<Hash>,
        erased_by: Option<i64>,
    ) -> Self {
        match (salt, name, detail, erased_by) {
            (Some(salt), None, None, None) => Self::Salted(salt),
            (None, name, Some(detail), Some(by)) => Self::Erased { by, name, detail },
            _ => Self::Unfit,
        }
    }
}

/// The row of `access_logs`.
#[derive(Debug)]
pub(crate) enum Body<'a> {
    Text(Text<'a>),
    /// The row exists, but has values of the wrong type.
    Unfit,
    /// The row is missing.
    Gone,
}

/// The columns of a row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text<'a> {
    pub(crate) ts_utc: &'a str,
    pub(crate) username: Option<&'a str>,
    pub(crate) action: &'a str,
    pub(crate) success: bool,
    pub(crate) detail: &'a str,
}

impl Row<'_> {
    /// Hash of the row's leaf after `previous` in its chain; `None` if it cannot be computed.
    pub(crate) fn made_leaf(&self, previous: End) -> Option<Hash> {
        let (Body::Text(text), Some((node, node_seq))) = (&self.body, self.link) else {
            return None;
        };
        let (name, detail) = text.hashes(self.sealing)?;
        let leaf = Leaf {
            id: self.id,
            ts_utc: text.ts_utc,
            name,
            action: text.action,
            success: text.success,
            detail,
            node,
            node_seq,
            previous: previous.1,
        };
        Some(leaf.hash())
    }
}

impl Text<'_> {
    /// Hashes of name and detail; `None` if the texts contradict the sealing.
    fn hashes(&self, sealing: Sealing) -> Option<(Option<Hash>, Hash)> {
        match sealing {
            Sealing::Salted(salt) => {
                let name = self.username.map(|name| name_hash(&salt, name));
                Some((name, detail_hash(&salt, self.detail)))
            }
            Sealing::Erased { name: Some(name), detail, .. } => {
                let is_empty = self.username.is_none() && self.detail.is_empty();
                is_empty.then_some((Some(name), detail))
            }
            // The server erases only rows with a name.
            Sealing::Erased { name: None, .. } | Sealing::Unfit => None,
        }
    }
}
