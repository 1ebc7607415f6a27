//! Checks of the shape of a payload, before its fields are read.
//!
//! A payload is one JSON object. No object has a key twice, and nesting and the number of keys are
//! bounded. RFC 8259 §4 leaves open which of two equal keys counts, so two readers could see
//! different `username`s in one request. `serde_json` detects only repeated keys that a type names.

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::{borrow::Cow, collections::BTreeSet, fmt};

/// Deepest nesting accepted. The protocol itself needs two levels.
const MAX_DEPTH: usize = 32;

/// Maximum number of keys in one object. The largest command has about a dozen.
const MAX_KEYS: usize = 128;

/// The payload does not have the shape of a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShapeError {
    /// The payload is not one JSON object in UTF-8.
    #[error("not a JSON object")]
    NotAnObject,
    /// The payload is JSON, but not of a shape that this protocol uses.
    #[error(
        "a `cmd` that is no text, a key that appears twice, too many keys, or too much nesting"
    )]
    NotOurs,
}

/// Longest text of an envelope field that is kept, in bytes. No valid value is longer.
const MAX_KEPT: usize = 64;

/// The fields of the outermost object that say how to read the others. Texts without an escape are those
/// of the payload.
#[derive(Debug, Default)]
pub(crate) struct Outline<'a> {
    pub(crate) code: Option<Cow<'a, str>>,
    pub(crate) peer: Stated<'a>,
    pub(crate) reference: Stated<'a>,
    pub(crate) door: Stated<'a>,
    pub(crate) proof: Stated<'a>,
}

/// A field of the envelope, as it was stated.
#[derive(Debug, Default)]
pub(crate) enum Stated<'a> {
    /// It is missing or `null`.
    #[default]
    Absent,
    /// A text of at most [`MAX_KEPT`] bytes.
    Text(Cow<'a, str>),
    /// A value of another type, or a longer text.
    Other,
}

/// Checks the shape of `payload` and returns its `cmd`, if it has one.
///
/// # Errors
///
/// [`ShapeError`] if the shape is wrong. The server answers that the payload is malformed.
pub fn command_code(payload: &[u8]) -> Result<Option<String>, ShapeError> {
    outline(payload).map(|outline| outline.code.map(Cow::into_owned))
}

/// Checks the shape of `payload` and returns its outline.
pub(crate) fn outline(payload: &[u8]) -> Result<Outline<'_>, ShapeError> {
    let mut outline = Outline::default();
    inspect(payload, Node { depth: 0, is_kept: false, outline: Some(&mut outline) })?;
    Ok(outline)
}

/// Checks the shape of `payload`, where a `cmd` has no meaning.
///
/// # Errors
///
/// [`ShapeError`] if the shape is wrong.
pub fn check(payload: &[u8]) -> Result<(), ShapeError> {
    inspect(payload, Node { depth: 1, is_kept: false, outline: None })
}

fn inspect<'a>(payload: &'a [u8], outermost: Node<'_, 'a>) -> Result<(), ShapeError> {
    if payload.trim_ascii_start().first() != Some(&b'{') {
        return Err(ShapeError::NotAnObject);
    }
    let mut json = serde_json::Deserializer::from_slice(payload);
    outermost.deserialize(&mut json).map_err(|error| refusal(&error))?;
    json.end().map_err(|_| ShapeError::NotAnObject)
}

fn refusal(error: &serde_json::Error) -> ShapeError {
    if error.is_data() { ShapeError::NotOurs } else { ShapeError::NotAnObject }
}

/// One JSON value at some depth. Reading it fills the outline of the outermost object.
struct Node<'a, 'de> {
    depth: usize,
    /// True for a field of the envelope.
    is_kept: bool,
    /// `None` below the outermost object.
    outline: Option<&'a mut Outline<'de>>,
}

/// A value at `depth`, below another one.
fn child<'a, 'de, E: de::Error>(depth: usize, is_kept: bool) -> Result<Node<'a, 'de>, E> {
    if depth > MAX_DEPTH {
        return Err(E::custom("nested too deeply"));
    }
    Ok(Node { depth, is_kept, outline: None })
}

impl Node<'_, '_> {
    const fn keeps(&self, text: &str) -> bool {
        self.is_kept && text.len() <= MAX_KEPT
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_, 'de> {
    type Value = Stated<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, 'de> {
    type Value = Stated<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Self { depth, mut outline, .. } = self;
        let mut seen = BTreeSet::new();
        while let Some(key) = map.next_key_seed(TextOnly)? {
            match (outline.as_deref_mut(), &*key) {
                (Some(outline), "cmd") => outline.code = Some(map.next_value_seed(TextOnly)?),
                (Some(outline), "peer") => {
                    outline.peer = map.next_value_seed(child(depth + 1, true)?)?;
                }
                (Some(outline), "ref") => {
                    outline.reference = map.next_value_seed(child(depth + 1, true)?)?;
                }
                (Some(outline), "door") => {
                    outline.door = map.next_value_seed(child(depth + 1, true)?)?;
                }
                (Some(outline), "proof") => {
                    outline.proof = map.next_value_seed(child(depth + 1, true)?)?;
                }
                _ => drop(map.next_value_seed(child(depth + 1, false)?)?),
            }
            if !seen.insert(key) || seen.len() > MAX_KEYS {
                return Err(de::Error::custom("a repeated key, or too many keys"));
            }
        }
        Ok(Stated::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element_seed(child(self.depth + 1, false)?)?.is_some() {}
        Ok(Stated::Other)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(if self.keeps(text) { Stated::Text(Cow::Borrowed(text)) } else { Stated::Other })
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(if self.keeps(text) { Stated::Text(Cow::Owned(text.to_owned())) } else { Stated::Other })
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Stated::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Stated::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Stated::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Stated::Other)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Stated::Absent)
    }
}

/// A key or the value of `cmd`, which must be a string.
struct TextOnly;

impl<'de> DeserializeSeed<'de> for TextOnly {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for TextOnly {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_command_is_found_at_any_position() {
        for text in [r#"{"cmd":"100"}"#, r#" {"a":[{"cmd":"300"}],"cmd":"100","b":null}"#] {
            assert_eq!(command_code(text.as_bytes()), Ok(Some("100".into())), "{text}");
        }
        assert_eq!(command_code(b"{}"), Ok(None));
    }

    #[test]
    fn only_one_object_is_accepted() {
        for text in
            ["", "[]", "5", "null", "{", "{}{}", "{}x", "GET / HTTP/1.1", "{\"a\":\"\u{1}\"}"]
        {
            assert_eq!(command_code(text.as_bytes()), Err(ShapeError::NotAnObject), "{text}");
        }
        assert_eq!(command_code(b"{\"a\":\"\xff\"}"), Err(ShapeError::NotAnObject));
    }

    #[test]
    fn a_key_that_appears_twice_is_refused_at_any_level() {
        for text in [
            r#"{"cmd":"100","cmd":"200"}"#,
            r#"{"cmd":"100","x":1,"x":1}"#,
            r#"{"cmd":"100","x":[{"y":1,"y":2}]}"#,
            r#"{"cmd":"100","x":1,"\u0078":1}"#,
            r#"{"cmd":100}"#,
        ] {
            assert_eq!(command_code(text.as_bytes()), Err(ShapeError::NotOurs), "{text}");
        }
    }

    #[test]
    fn check_ignores_cmd_and_refuses_repeated_keys() {
        assert_eq!(check(br#"{"cmd":100,"x":{"y":[]}}"#), Ok(()));
        assert_eq!(check(br#"{"x":1,"x":1}"#), Err(ShapeError::NotOurs));
        assert_eq!(check(b"[]"), Err(ShapeError::NotAnObject));
    }

    #[test]
    fn ten_thousand_levels_are_refused_without_recursing_into_them() {
        let deep = format!("{{\"cmd\":\"100\",\"x\":{}", "[".repeat(10_000));
        assert_eq!(command_code(deep.as_bytes()), Err(ShapeError::NotOurs));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _shape = command_code(&bytes);
        }
    }
}
