//! Frames of HTTP/2, byte by byte (RFC 9113 §4.1), so that a test can send frames that no library
//! would.

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The first bytes of a client (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Types of frames (RFC 9113 §6).
pub const DATA: u8 = 0;
/// See [`DATA`].
pub const HEADERS: u8 = 1;
/// See [`DATA`].
pub const RST_STREAM: u8 = 3;
/// See [`DATA`].
pub const SETTINGS: u8 = 4;
/// See [`DATA`].
pub const PING: u8 = 6;
/// See [`DATA`].
pub const GOAWAY: u8 = 7;
/// See [`DATA`].
pub const WINDOW_UPDATE: u8 = 8;
/// See [`DATA`].
pub const CONTINUATION: u8 = 9;

/// `ACK` of `SETTINGS` and `PING`.
pub const ACK: u8 = 1;
/// `END_STREAM`.
pub const END_STREAM: u8 = 1;
/// `END_HEADERS`.
pub const END_HEADERS: u8 = 4;
/// The flags of a request without a body.
pub const WHOLE: u8 = END_STREAM | END_HEADERS;

/// `ENHANCE_YOUR_CALM` (RFC 9113 §7).
pub const CALM: u32 = 11;

/// `GET /` over `https`, from the static table of HPACK (RFC 7541, appendix A).
pub const GET: [u8; 3] = [0x82, 0x87, 0x84];

/// The preface and empty settings, with which a client begins.
#[must_use]
pub fn opening() -> Vec<u8> {
    [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()
}

/// One frame.
///
/// # Panics
///
/// If the payload is 4 GiB or longer.
#[must_use]
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short payload").to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// The fields of a `GET`. `:method`, `:scheme` and `:path` have numbers in the static table.
#[must_use]
pub fn get(path: &str) -> Vec<u8> {
    [&[0x82, 0x87, 0x04], text(path).as_slice()].concat()
}

/// The fields of a `HEAD`.
#[must_use]
pub fn head(path: &str) -> Vec<u8> {
    [&[0x02], text("HEAD").as_slice(), &[0x87, 0x04], &text(path)].concat()
}

/// The fields of a `POST` of JSON.
#[must_use]
pub fn post(path: &str) -> Vec<u8> {
    let of_path = [&[0x83, 0x87, 0x04], text(path).as_slice()].concat();
    [of_path, literal("content-type", "application/json")].concat()
}

/// A header without indexing and without Huffman coding (RFC 7541 §6.2.2).
#[must_use]
pub fn literal(name: &str, value: &str) -> Vec<u8> {
    [&[0], text(name).as_slice(), text(value).as_slice()].concat()
}

/// A header that is added to the dynamic table (RFC 7541 §6.2.1).
#[must_use]
pub fn indexed(name: &str, value: &str) -> Vec<u8> {
    [&[0x40], text(name).as_slice(), text(value).as_slice()].concat()
}

/// A string literal (RFC 7541 §5.2).
fn text(text: &str) -> Vec<u8> {
    const PREFIX: usize = 0x7f;
    let mut bytes = Vec::new();
    let mut push = |number: usize| bytes.push(u8::try_from(number).unwrap_or(u8::MAX));
    let mut rest = text.len();
    if rest < PREFIX {
        push(rest);
    } else {
        push(PREFIX);
        rest -= PREFIX;
        while rest >= 0x80 {
            push(rest % 0x80 + 0x80);
            rest /= 0x80;
        }
        push(rest);
    }
    bytes.extend(text.as_bytes());
    bytes
}

/// The next frame: its type and its payload. `None` at the end of the connection.
pub async fn next<S: AsyncRead + Unpin>(stream: &mut S) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.ok()?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; usize::try_from(length).ok()?];
    stream.read_exact(&mut payload).await.ok()?;
    Some((head[3], payload))
}

/// The code in the payload of a `GOAWAY` (RFC 9113 §6.8).
///
/// # Panics
///
/// If it is too short for one.
#[must_use]
pub fn code(goaway: &[u8]) -> u32 {
    u32::from_be_bytes(goaway[4..8].try_into().expect("a code"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_has_the_length_of_the_standard() {
        // RFC 7541 §C.1.2: 1337 with a prefix of five bits is 1f 9a 0a; with seven bits it is 7f
        // and then 1337 - 127 = 1210.
        let written = text(&"x".repeat(1337));
        assert_eq!(written[..3], [0x7f, 0xba, 0x09]);
        assert_eq!(written.len(), 3 + 1337);
        assert_eq!(text("ab"), [2, b'a', b'b']);
        assert_eq!(text(&"x".repeat(127))[..2], [0x7f, 0]);
    }
}
