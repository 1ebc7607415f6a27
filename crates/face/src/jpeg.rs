//! Finds the end of a JPEG by its segments, before the decoder runs.
//!
//! A phone that takes motion photos writes a short film after the end of the picture, and the
//! metadata may hold a thumbnail with an end of its own. Only a walk over the segments tells which
//! end is the picture's (ITU-T T.81, B.1.1).

use crate::refusal::Refusal;

/// Start of image, and the first byte of the next marker.
pub(crate) const START: &[u8] = &[0xff, 0xd8, 0xff];

/// Upper bound of scans in a progressive JPEG. Encoders write about ten; each costs a pass over the
/// whole picture.
const MAX_SCANS: usize = 32;

/// The second bytes of markers (T.81, table B.1).
const TEMPORARY: u8 = 0x01;
const RESTARTS: std::ops::RangeInclusive<u8> = 0xd0..=0xd7;
const END: u8 = 0xd9;
const SCAN: u8 = 0xda;

/// The bytes of the first JPEG in `encoded`, without what follows its end.
///
/// # Errors
///
/// [`Refusal::NotAnImage`] if the picture has no scan or no end: the decoder would complete it with
/// grey. [`Refusal::TooLarge`] if it has more than [`MAX_SCANS`] scans.
pub(crate) fn whole(encoded: &[u8]) -> Result<&[u8], Refusal> {
    let mut rest = encoded.strip_prefix(&START[..2]).ok_or(Refusal::NotAnImage)?;
    let mut scans = 0;
    loop {
        let (marker, after) = marker(rest).ok_or(Refusal::NotAnImage)?;
        rest = match marker {
            END if scans == 0 => return Err(Refusal::NotAnImage),
            END => return Ok(&encoded[..encoded.len() - after.len()]),
            TEMPORARY => after,
            marker if RESTARTS.contains(&marker) => after,
            SCAN => {
                scans += 1;
                compressed(segment(after).ok_or(Refusal::NotAnImage)?)
            }
            _ => segment(after).ok_or(Refusal::NotAnImage)?,
        };
        if scans > MAX_SCANS {
            return Err(Refusal::TooLarge);
        }
    }
}

/// The second byte of the marker at the start, and the bytes after it. Any number of fill bytes
/// 0xff may come first.
fn marker(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let fill = bytes.iter().take_while(|&&byte| byte == 0xff).count();
    let (&marker, after) = bytes[fill..].split_first()?;
    (fill > 0 && marker != 0).then_some((marker, after))
}

/// The bytes after a segment. Its length includes its own two bytes.
fn segment(bytes: &[u8]) -> Option<&[u8]> {
    let length = u16::from_be_bytes(*bytes.first_chunk()?);
    bytes.get(usize::from(length.max(2))..)
}

/// The bytes after compressed data: from the first marker that is no restart. Inside the data, 0xff
/// is always followed by 0 or by a restart marker.
fn compressed(bytes: &[u8]) -> &[u8] {
    let is_marker = |pair: &[u8]| {
        pair[0] == 0xff && pair[1] != 0 && pair[1] != 0xff && !RESTARTS.contains(&pair[1])
    };
    let end = bytes.windows(2).position(is_marker).unwrap_or(bytes.len());
    &bytes[end..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SMALL: &[u8] = b"\xff\xd8\xff\xe1\0\x08\xff\xd8\xff\xd9AB\xff\xda\0\x03\x01\x12\xff\0\x34\xff\xd3\x56\xff\xd9";

    #[test]
    fn the_end_of_a_thumbnail_is_not_the_end_of_the_picture() {
        let film = [SMALL, b"ftypmp42\xff\xd9\xff\xda and a film"].concat();
        assert_eq!(whole(&film), Ok(SMALL));
    }

    #[test]
    fn a_picture_that_was_cut_anywhere_has_no_end() {
        for length in 0..SMALL.len() {
            assert_eq!(whole(&SMALL[..length]), Err(Refusal::NotAnImage), "{length} bytes");
        }
    }

    #[test]
    fn fill_bytes_before_a_marker_are_skipped() {
        let filled = b"\xff\xd8\xff\xff\xff\xda\0\x02\x12\xff\xff\xd9";
        assert_eq!(whole(filled), Ok(&filled[..]));
    }

    proptest! {
        #[test]
        fn what_follows_the_end_changes_nothing(after in proptest::collection::vec(any::<u8>(), 0..200)) {
            let longer = [SMALL, &after].concat();
            prop_assert_eq!(whole(&longer), Ok(SMALL));
        }

        #[test]
        fn any_bytes_are_walked_to_their_end(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = whole(&[START, &bytes].concat());
        }
    }
}
