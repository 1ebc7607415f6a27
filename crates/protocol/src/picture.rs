//! Pictures of faces, still encoded as JPEG or PNG.

use crate::secret::Secret;
use data_encoding::BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, sync::Arc};

/// Maximum number of pictures in one command: as many as the client takes at enrolment.
pub const MAX_PICTURES: usize = 5;

/// The bytes of one picture. They are not validated until `fourauth-face` decodes them.
///
/// Clones share the bytes. Pictures are large, and each copy would have to be made and wiped.
#[derive(Clone, Debug)]
pub struct Picture(Arc<Secret<Vec<u8>>>);

impl Picture {
    /// Wraps the bytes of a file.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Secret::new(bytes)))
    }

    /// The bytes. Empty if the received text was not base64.
    ///
    /// Such a text is therefore refused like any other invalid picture, with the same message of
    /// the command.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.0.expose()
    }
}

/// On the wire a picture is base64 with padding (RFC 4648 §4).
impl Serialize for Picture {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(self.bytes()))
    }
}

impl<'de> Deserialize<'de> for Picture {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Base64)
    }
}

/// Decodes the text directly from the frame, without a copy.
struct Base64;

impl de::Visitor<'_> for Base64 {
    type Value = Picture;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a picture as base64")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Picture, E> {
        Ok(Picture::new(BASE64.decode(text.as_bytes()).unwrap_or_default()))
    }
}

/// The pictures to use: `several` if there are any, otherwise `one`.
pub(crate) fn that_count<'a>(
    one: Option<&'a Picture>,
    several: &'a [Picture],
) -> impl Iterator<Item = &'a Picture> {
    several.iter().chain(one.filter(|_| several.is_empty()))
}

/// Reads a list of at most [`MAX_PICTURES`] pictures. `null` is read as an empty list.
pub(crate) fn bounded_list<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Picture>, D::Error> {
    deserializer.deserialize_any(BoundedList)
}

struct BoundedList;

impl<'de> de::Visitor<'de> for BoundedList {
    type Value = Vec<Picture>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {MAX_PICTURES} pictures")
    }

    fn visit_unit<E>(self) -> Result<Vec<Picture>, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<Picture>, A::Error> {
        let mut pictures = Vec::new();
        while let Some(picture) = seq.next_element()? {
            if pictures.len() == MAX_PICTURES {
                return Err(de::Error::invalid_length(MAX_PICTURES + 1, &self));
            }
            pictures.push(picture);
        }
        Ok(pictures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_that_is_not_base64_is_an_empty_picture() {
        for text in ["\"!!\"", "\"aGk\"", "\"a b=\"", "\"\""] {
            let picture: Picture = serde_json::from_str(text).unwrap();
            assert!(picture.bytes().is_empty(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn bytes_survive_the_wire(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let json = serde_json::to_string(&Picture::new(bytes.clone())).unwrap();
            let picture: Picture = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(picture.bytes(), &bytes);
        }
    }
}
