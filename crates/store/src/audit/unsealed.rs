//! A row without its leaf.

/// A row that this transaction wrote and that has no leaf yet.
#[derive(Debug)]
pub(crate) struct Unsealed {
    pub(crate) id: i64,
    pub(crate) ts_utc: String,
    pub(crate) username: Option<String>,
    pub(crate) action: String,
    pub(crate) success: bool,
    pub(crate) detail: String,
}
