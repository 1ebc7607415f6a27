//! Keeps the chunks of a PNG that make its picture, before the decoder runs.
//!
//! The decoder would inflate a colour profile of any use, and read every text and every frame of an
//! animation. Only the picture and its orientation are used here (PNG specification, third edition,
//! §5).

use crate::refusal::Refusal;

/// The signature (§5.2).
pub(crate) const START: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Header, palette, transparency, orientation and rows.
const KEPT: [&[u8; 4]; 5] = [b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"IDAT"];

const END: &[u8; 4] = b"IEND";

/// Bytes of a chunk besides its data: length, type and checksum (§5.3).
const AROUND: usize = 12;

/// The picture at the start of `encoded`, without other chunks and without what follows its end.
///
/// # Errors
///
/// [`Refusal::NotAnImage`] if it has no end, or a chunk reaches beyond the bytes.
pub(crate) fn picture(encoded: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut rest = encoded.strip_prefix(START).ok_or(Refusal::NotAnImage)?;
    let mut picture = START.to_vec();
    loop {
        let (length, after) = rest.split_first_chunk::<4>().ok_or(Refusal::NotAnImage)?;
        let kind = after.first_chunk::<4>().ok_or(Refusal::NotAnImage)?;
        let data = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| Refusal::NotAnImage)?;
        let (chunk, next) =
            rest.split_at_checked(data.saturating_add(AROUND)).ok_or(Refusal::NotAnImage)?;
        if kind == END {
            picture.extend_from_slice(chunk);
            return Ok(picture);
        }
        if KEPT.contains(&kind) {
            picture.extend_from_slice(chunk);
        }
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap().to_be_bytes();
        [&length, kind.as_slice(), data, b"sums"].concat()
    }

    fn file(chunks: &[Vec<u8>]) -> Vec<u8> {
        [START, &chunks.concat()].concat()
    }

    #[test]
    fn only_the_picture_and_its_orientation_are_kept() {
        let [header, rows, end] =
            [chunk(*b"IHDR", b"13 bytes here"), chunk(*b"IDAT", b"rows"), chunk(*END, b"")];
        let orientation = chunk(*b"eXIf", b"MM");
        let picture_only = file(&[header.clone(), orientation.clone(), rows.clone(), end.clone()]);
        let with_more = file(&[
            header,
            chunk(*b"iCCP", b"a profile"),
            orientation,
            chunk(*b"zTXt", b"a text"),
            chunk(*b"acTL", b"frames"),
            rows,
            chunk(*b"fdAT", b"a frame"),
            end,
        ]);
        assert_eq!(picture(&with_more).as_ref(), Ok(&picture_only));
        assert_eq!(picture(&[&with_more, b"a film".as_slice()].concat()), Ok(picture_only));
    }

    #[test]
    fn a_picture_that_was_cut_anywhere_has_no_end() {
        let whole = file(&[chunk(*b"IHDR", b"header"), chunk(*b"IDAT", b"rows"), chunk(*END, b"")]);
        for length in 0..whole.len() {
            assert_eq!(picture(&whole[..length]), Err(Refusal::NotAnImage), "{length} bytes");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_walked_to_their_end(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = picture(&[START, &bytes].concat());
        }
    }
}
