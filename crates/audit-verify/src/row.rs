//! A row beside its leaf, as the input has them, and whether the one makes the other.

use crate::chains::End;
use fourauth_audit::{
    Hash, Leaf, Salt,
    leaf::{detail_hash, name_hash},
};

/// Longest name of a node that is kept in mind, in bytes.
pub(crate) const MAX_NODE: usize = 1024;

/// A leaf, and the row that it is of.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    pub(crate) id: i64,
    /// In the tree, from 0. None if there is no number.
    pub(crate) position: Option<i64>,
    /// Who wrote it, and its number among theirs. None if that is no name and no number.
    pub(crate) link: Option<(&'a str, i64)>,
    pub(crate) sealing: Sealing,
    /// None if it is no hash.
    pub(crate) leaf_hash: Option<Hash>,
    pub(crate) body: Body<'a>,
}

/// What name and detail are hashed with.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sealing {
    Salted(Salt),
    /// The row was erased by the row of this number; the hashes are left.
    Erased {
        by: i64,
        name: Option<Hash>,
        detail: Hash,
    },
    /// Something that no row has.
    Unfit,
}

impl Sealing {
    /// A row has a salt, or it was erased and has hashes; never both.
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
    /// There is a row, but it has values that no row has.
    Unfit,
    /// There is none.
    Gone,
}

/// What a row says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text<'a> {
    pub(crate) ts_utc: &'a str,
    pub(crate) username: Option<&'a str>,
    pub(crate) action: &'a str,
    pub(crate) success: bool,
    pub(crate) detail: &'a str,
}

impl Row<'_> {
    /// The leaf that the row makes at this end of its node's chain. None if it makes none.
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
    /// The hashes of name and detail; none if what is left of them does not go with the sealing.
    fn hashes(&self, sealing: Sealing) -> Option<(Option<Hash>, Hash)> {
        match sealing {
            Sealing::Salted(salt) => {
                let name = self.username.map(|name| name_hash(&salt, name));
                Some((name, detail_hash(&salt, self.detail)))
            }
            Sealing::Erased { name, detail, .. } => {
                let is_empty = self.username.is_none() && self.detail.is_empty();
                is_empty.then_some((name, detail))
            }
            Sealing::Unfit => None,
        }
    }
}
