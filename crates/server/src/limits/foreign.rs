//! Recognises other protocols that reach the port, from browsers, scanners and load balancers.

/// Record types of TLS (RFC 8446 §5.1): from `change_cipher_spec` to `application_data`. The
/// version that follows begins with 3 in every version of TLS.
const TLS_RECORDS: std::ops::RangeInclusive<u8> = 0x14..=0x17;
const TLS_MAJOR: u8 = 3;

/// True if four bytes at the position of a frame header belong to another protocol: a text
/// protocol, such as HTTP or SSH, or TLS inside TLS.
///
/// Read as a length, all of these exceed the largest frame, so no valid frame begins with them.
#[must_use]
pub(crate) fn is_foreign(header: [u8; 4]) -> bool {
    let is_text = header.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t'));
    is_text || (TLS_RECORDS.contains(&header[0]) && header[1] == TLS_MAJOR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_protocol::frame::MAX_PAYLOAD;
    use proptest::prelude::*;

    #[test]
    fn text_and_tls_are_other_protocols_and_lengths_are_not() {
        for (header, expected) in [
            (*b"GET ", true),
            (*b"POST", true),
            (*b"PUT ", true),
            (*b"HEAD", true),
            (*b"OPTI", true),
            (*b"CONN", true),
            (*b"PRI ", true),
            (*b"SSH-", true),
            (*b"EHLO", true),
            (*b"\r\n\r\n", true),
            ([0x16, 3, 1, 2], true),
            ([0x16, 3, 3, 0], true),
            ([0x15, 3, 1, 0], true),
            ([0x16, 4, 0, 0], false),
            ([0x18, 3, 3, 0], false),
            ([0xff; 4], false),
            ([0, 0x40, 0, 1], false),
            ([0x7b, 0x22, 0x63, 0], false),
            ([0; 4], false),
        ] {
            assert_eq!(is_foreign(header), expected, "{header:?}");
        }
    }

    proptest! {
        #[test]
        fn no_frame_begins_like_another_protocol(length in 0..=MAX_PAYLOAD) {
            let length = u32::try_from(length).unwrap();
            prop_assert!(!is_foreign(length.to_be_bytes()));
        }
    }
}
