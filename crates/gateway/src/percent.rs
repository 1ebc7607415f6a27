//! Percent-encoding of URLs (RFC 3986 §2.1).

/// Decodes what RFC 3986 §2.1 encodes. `None` if it is not UTF-8 or not encoded in this way.
pub(crate) fn decoded_text(encoded: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        match byte {
            b'%' => bytes.push(u8::try_from(digit(rest.next())? * 16 + digit(rest.next())?).ok()?),
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}

/// Decodes a text of a query or of a form, where `+` stands for a space (HTML,
/// application/x-www-form-urlencoded).
pub(crate) fn decoded_value(encoded: &str) -> Option<String> {
    decoded_text(&encoded.replace('+', " "))
}
