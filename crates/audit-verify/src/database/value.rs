//! Typed access to SQLite values. Any column may hold a value of any type.

use fourauth_audit::Hash;
use rusqlite::types::ValueRef;

pub(super) fn is_null(value: ValueRef<'_>) -> bool {
    matches!(value, ValueRef::Null)
}

pub(super) fn int(value: ValueRef<'_>) -> Option<i64> {
    match value {
        ValueRef::Integer(number) => Some(number),
        ValueRef::Null | ValueRef::Real(_) | ValueRef::Text(_) | ValueRef::Blob(_) => None,
    }
}

pub(super) fn count(value: ValueRef<'_>) -> Option<u64> {
    int(value).and_then(|number| u64::try_from(number).ok())
}

pub(super) fn flag(value: ValueRef<'_>) -> Option<bool> {
    match int(value) {
        Some(0) => Some(false),
        Some(1) => Some(true),
        _ => None,
    }
}

pub(super) fn text(value: ValueRef<'_>) -> Option<&str> {
    match value {
        ValueRef::Text(bytes) => str::from_utf8(bytes).ok(),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Blob(_) => None,
    }
}

pub(super) fn blob(value: ValueRef<'_>) -> Option<&[u8]> {
    match value {
        ValueRef::Blob(bytes) => Some(bytes),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Text(_) => None,
    }
}

pub(super) fn hash(value: ValueRef<'_>) -> Option<Hash> {
    blob(value)?.try_into().ok()
}

/// The value has the wrong length or type.
pub(super) struct Unfit;

/// `None` for null, otherwise exactly `N` bytes.
pub(super) fn sized<const N: usize>(value: ValueRef<'_>) -> Result<Option<[u8; N]>, Unfit> {
    if is_null(value) {
        return Ok(None);
    }
    let bytes = blob(value).and_then(|bytes| bytes.try_into().ok());
    bytes.map(Some).ok_or(Unfit)
}
