//! The newest leaf of each node's chain.

use crate::unreadable::Unreadable;
use fourauth_audit::{Hash, leaf};
use std::collections::HashMap;

/// Most nodes that are tracked. A node is a host that has written to the log.
const MAX_NODES: usize = 65_536;

/// Newest leaf of a chain: its number and hash.
pub(crate) type End = (i64, Hash);

/// The end of a chain that has no leaves.
pub(crate) const BEGINNING: End = (0, leaf::FIRST);

/// The ends of all chains.
#[derive(Debug, Default)]
pub(crate) struct Chains(HashMap<String, End>);

impl Chains {
    /// The end of this node's chain so far.
    pub(crate) fn end(&self, node: &str) -> End {
        self.0.get(node).copied().unwrap_or(BEGINNING)
    }

    /// Records the next leaf of a chain.
    ///
    /// # Errors
    ///
    /// [`Unreadable::TooMany`] if there are more than [`MAX_NODES`] nodes.
    pub(crate) fn extend(&mut self, node: &str, end: End) -> Result<(), Unreadable> {
        if let Some(kept) = self.0.get_mut(node) {
            *kept = end;
        } else if self.0.len() < MAX_NODES {
            self.0.insert(node.to_owned(), end);
        } else {
            return Err(Unreadable::TooMany { what: "nodes", limit: MAX_NODES });
        }
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
