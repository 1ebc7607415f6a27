//! Converts a Motion JPEG frame to a complete JPEG.
//!
//! Many cameras leave the Huffman tables out of every frame, because they never change: they are
//! the example tables of ITU-T T.81 Annex K.3. Decoders of single pictures need them.

use image::{ExtendedColorType, codecs::jpeg::JpegEncoder};

/// Start of the compressed data. All tables precede it (T.81 Table B.1).
const START_OF_SCAN: u8 = 0xda;
const HUFFMAN_TABLES: u8 = 0xc4;

/// Adds the standard tables to a frame without tables. Returns anything but a JPEG unchanged.
pub(super) fn with_tables(frame: Vec<u8>) -> Vec<u8> {
    let Some(scan) = find(&frame, START_OF_SCAN) else { return frame };
    if find(&frame[..scan], HUFFMAN_TABLES).is_some() {
        return frame;
    }
    [&frame[..scan], &standard_tables(), &frame[scan..]].concat()
}

/// The tables of Annex K.3, copied from the output of this encoder, which uses no others.
fn standard_tables() -> Vec<u8> {
    let mut jpeg = Vec::new();
    let written = JpegEncoder::new(&mut jpeg).encode(&[0; 3], 1, 1, ExtendedColorType::Rgb8);
    if written.is_err() {
        return Vec::new();
    }
    segments(&jpeg)
        .filter(|(marker, _)| *marker == HUFFMAN_TABLES)
        .flat_map(|(_, range)| jpeg[range].to_vec())
        .collect()
}

/// The offset of the first segment with this marker.
fn find(jpeg: &[u8], wanted: u8) -> Option<usize> {
    segments(jpeg).find(|(marker, _)| *marker == wanted).map(|(_, range)| range.start)
}

/// The marker and range of each segment, from the one after `SOI` to the start of the scan.
fn segments(jpeg: &[u8]) -> impl Iterator<Item = (u8, std::ops::Range<usize>)> {
    let mut at = 2;
    let mut ended = !jpeg.starts_with(b"\xff\xd8");
    std::iter::from_fn(move || {
        let [0xff, marker, high, low] = *jpeg.get(at..at + 4)? else { return None };
        let start = at;
        at += 2 + usize::from(u16::from_be_bytes([high, low]));
        let whole = !ended && at <= jpeg.len();
        ended = marker == START_OF_SCAN;
        whole.then_some((marker, start..at))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage};
    use proptest::prelude::*;

    fn jpeg() -> Vec<u8> {
        let pixels = RgbImage::from_fn(32, 16, |x, _| Rgb([if x < 16 { 250 } else { 5 }, 90, 90]));
        let mut jpeg = Vec::new();
        JpegEncoder::new(&mut jpeg).encode_image(&pixels).unwrap();
        jpeg
    }

    fn without_tables(jpeg: &[u8]) -> Vec<u8> {
        let scan = find(jpeg, START_OF_SCAN).unwrap();
        let kept = segments(&jpeg[..scan]).filter(|(marker, _)| *marker != HUFFMAN_TABLES);
        let kept: Vec<u8> = kept.flat_map(|(_, range)| jpeg[range].to_vec()).collect();
        [&jpeg[..2], &kept, &jpeg[scan..]].concat()
    }

    #[test]
    fn adding_tables_makes_a_frame_decodable() {
        let bare = without_tables(&jpeg());
        assert!(image::load_from_memory(&bare).is_err(), "control: tables are needed");
        let restored = image::load_from_memory(&with_tables(bare)).unwrap().into_rgb8();
        assert_eq!(restored, image::load_from_memory(&jpeg()).unwrap().into_rgb8());
    }

    #[test]
    fn a_frame_with_tables_is_unchanged() {
        assert_eq!(with_tables(jpeg()), jpeg());
        assert_eq!(standard_tables().len(), 432, "four tables, each with its marker");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let marked = [b"\xff\xd8\xff", &bytes[..]].concat();
            let _frame = with_tables(marked);
        }
    }
}
