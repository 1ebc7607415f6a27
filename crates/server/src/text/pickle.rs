//! Writes a string as Python's pickle protocol 4 does, for the client of the passcode systems.
//!
//! It only writes, and only this one form. Nothing in this program reads a pickle: reading one runs
//! the code that it names.

/// `PROTO`, and the protocol.
const PROTO_4: [u8; 2] = [0x80, 4];

/// `FRAME`: the number of bytes that follow, in 8 bytes.
const FRAME: u8 = 0x95;

/// `SHORT_BINUNICODE`: a string with its length in one byte.
const SHORT_BINUNICODE: u8 = 0x8c;

/// `BINUNICODE`: a string with its length in four bytes.
const BINUNICODE: u8 = b'X';

/// `MEMOIZE` and `STOP`.
const END: [u8; 2] = [0x94, b'.'];

/// The bytes of `pickle.dumps(text, protocol=4)`, for texts of less than 64 KiB.
///
/// # Panics
///
/// If the text has 4 GiB or more.
#[must_use]
pub fn dumps(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).expect("an answer is short");
    let head = u8::try_from(length).map_or_else(
        |_| [&[BINUNICODE][..], &length.to_le_bytes()].concat(),
        |length| vec![SHORT_BINUNICODE, length],
    );
    let framed = (head.len() + text.len() + END.len()) as u64;
    [&PROTO_4[..], &[FRAME], &framed.to_le_bytes(), &head, text.as_bytes(), &END].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_string_is_written_as_python_does() {
        // pickle.dumps("False", protocol=4)
        let expected = b"\x80\x04\x95\x09\0\0\0\0\0\0\0\x8c\x05False\x94.";
        assert_eq!(dumps("False"), expected);
    }
}
