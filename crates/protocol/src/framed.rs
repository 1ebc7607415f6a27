//! The layout of messages that are signed.

/// The parts one after the other, each preceded by its length as four bytes, big-endian, so that no
/// byte can move from one part into the next.
///
/// # Panics
///
/// If a part is 4 GiB or longer.
pub(crate) fn framed(parts: &[&[u8]]) -> Vec<u8> {
    let mut message = Vec::with_capacity(parts.iter().map(|part| 4 + part.len()).sum());
    for part in parts {
        let length = u32::try_from(part.len()).expect("names and channels are short");
        message.extend_from_slice(&length.to_be_bytes());
        message.extend_from_slice(part);
    }
    message
}
