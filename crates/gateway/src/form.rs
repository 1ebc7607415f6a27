//! Forms of HTML without files (HTML Living Standard, "URL-encoded form data"), made into JSON.

use crate::percent::decoded_value;
use fourauth_protocol::secret::Secret;
use serde_json::Value;

/// The texts of a form as one JSON object. A text that cannot be decoded is left out, as if it had not been
/// sent. A name that appears twice is a member twice, which is refused later.
pub(crate) fn to_json(form: &[u8]) -> Secret<Vec<u8>> {
    let text = str::from_utf8(form).unwrap_or_default();
    let members = text.split('&').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let (name, value) =
            (Value::String(decoded_value(name)?), Value::String(decoded_value(value)?));
        Some(format!("{name}:{value}"))
    });
    let members: Vec<_> = members.collect();
    Secret::new(format!("{{{}}}", members.join(",")).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_members() {
        let json = |form: &[u8]| String::from_utf8(to_json(form).expose().clone()).unwrap();
        let form = b"identifier=carol%40example.org&password=a+b%2Bc%22&to=";
        let expected = r#"{"identifier":"carol@example.org","password":"a b+c\"","to":""}"#;
        assert_eq!(json(form), expected);
        assert_eq!(json(b"a=1&a=2"), r#"{"a":"1","a":"2"}"#);
        for nothing in [&b""[..], b"&&", b"a", b"a=%ff", b"a=%", b"\xff=1"] {
            assert_eq!(json(nothing), "{}", "{nothing:?}");
        }
    }
}
