//! Pictures of faces, still encoded as JPEG or PNG.

use crate::{challenge::MAX_FRAMES, secret::Secret};
use data_encoding::{BASE64, BASE64_MIME};
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

/// On the wire a picture is base64 with padding (RFC 4648 §4). Received text may have line breaks and
/// stand in a `data:` URL, as `base64` and browsers write it.
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
        let text = content(text).as_bytes();
        let is_wrapped = text.iter().any(|byte| matches!(byte, b'\r' | b'\n'));
        let encoding = if is_wrapped { BASE64_MIME } else { BASE64 };
        Ok(Picture::new(encoding.decode(text).unwrap_or_default()))
    }
}

/// The content of a `data:` URL of a picture in base64 (RFC 2397). Any other text is returned whole.
fn content(text: &str) -> &str {
    const SCHEME: &str = "data:image/";
    const BASE64: &str = ";base64";
    let is_url = text.get(..SCHEME.len()).is_some_and(|start| start.eq_ignore_ascii_case(SCHEME));
    let Some((media, content)) = text.split_once(',').filter(|_| is_url) else { return text };
    let end = media.len().checked_sub(BASE64.len()).and_then(|at| media.get(at..));
    if end.is_some_and(|end| end.eq_ignore_ascii_case(BASE64)) { content } else { text }
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
    deserializer.deserialize_any(BoundedList { most: MAX_PICTURES })
}

/// Reads a list of at most [`MAX_FRAMES`] pictures. `null` is read as an empty list.
pub(crate) fn bounded_frames<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Picture>, D::Error> {
    deserializer.deserialize_any(BoundedList { most: MAX_FRAMES })
}

struct BoundedList {
    most: usize,
}

impl<'de> de::Visitor<'de> for BoundedList {
    type Value = Vec<Picture>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {} pictures", self.most)
    }

    fn visit_unit<E>(self) -> Result<Vec<Picture>, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<Picture>, A::Error> {
        let mut pictures = Vec::new();
        while let Some(picture) = seq.next_element()? {
            if pictures.len() == self.most {
                return Err(de::Error::invalid_length(self.most + 1, &self));
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

    fn read(text: &str) -> Vec<u8> {
        let json = serde_json::Value::from(text).to_string();
        serde_json::from_str::<Picture>(&json).unwrap().bytes().to_vec()
    }

    #[test]
    fn a_picture_may_stand_in_a_data_url() {
        for media in ["data:image/jpeg", "DATA:image/PNG", "data:image/png;name=a.png"] {
            for base64 in [";base64,", ";BASE64,"] {
                assert_eq!(read(&format!("{media}{base64}aGVsbG8=")), b"hello", "{media}{base64}");
            }
        }
        for text in [
            "data:image/png,aGVsbG8=",
            "data:text/html;base64,aGVsbG8=",
            "data:image/png;base64",
            "data:image/png;base64,data:image/png;base64,aGVsbG8=",
            "x,aGVsbG8=",
        ] {
            assert!(read(text).is_empty(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn line_breaks_in_base64_do_not_matter(
            bytes in prop::collection::vec(any::<u8>(), 1..300),
            width in 1_usize..80,
            line_break in prop::sample::select(vec!["\n", "\r\n"]),
        ) {
            let text = BASE64.encode(&bytes);
            let lines: Vec<_> =
                text.as_bytes().chunks(width).map(|line| str::from_utf8(line).unwrap()).collect();
            prop_assert_eq!(&read(&lines.join(line_break)), &bytes);
            prop_assert_eq!(read(&(lines.join(line_break) + line_break)), bytes);
        }

        #[test]
        fn bytes_survive_the_wire(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let json = serde_json::to_string(&Picture::new(bytes.clone())).unwrap();
            let picture: Picture = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(picture.bytes(), &bytes);
        }
    }
}
