//! Untrusted encoded pictures: decompression bombs, garbage, unusual formats, and EXIF.

use crate::support::{ENGINE, decoded, encoded, jpeg, jpeg_of_quality, outcome, png};
use fourauth_face::{Refusal, decode::MAX_BYTES};
use image::{
    DynamicImage, Rgb, RgbImage,
    codecs::png::{CompressionType, FilterType, PngEncoder},
    imageops,
};

/// A PNG that declares a size and has almost no data.
fn announced(width: u32, height: u32) -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend([width.to_be_bytes(), height.to_be_bytes()].concat());
    header.extend([8, 2, 0, 0, 0]);
    let mut crc = flate2::Crc::new();
    crc.update(&header);

    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
    bytes.extend(header);
    bytes.extend(crc.sum().to_be_bytes());
    bytes.extend(b"\0\0\0\0IDAT\x35\xaf\x06\x1e");
    bytes
}

/// Inserts an EXIF segment with only an orientation (EXIF 2.32 §4.6.4, tag 0x0112) after the start.
fn oriented(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
}

fn refused(bytes: &[u8]) -> Refusal {
    ENGINE.portrait(bytes).unwrap_err()
}

#[test]
fn a_decompression_bomb_is_refused_from_its_header() {
    assert_eq!(refused(&announced(30_000, 30_000)), Refusal::TooLarge);
    assert_eq!(refused(&announced(u32::MAX, u32::MAX)), Refusal::TooLarge);
    assert_eq!(refused(&announced(4096, 4096)), Refusal::TooLarge);
    assert_eq!(refused(&announced(5000, 10)), Refusal::TooLarge);
    assert_eq!(refused(&announced(0, 10)), Refusal::NotAnImage);
}

#[test]
fn a_jpeg_with_oversized_dimensions_is_refused_from_its_header() {
    let mut bytes = jpeg(&decoded("obama.jpg"));
    let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    bytes[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
    assert_eq!(refused(&bytes), Refusal::TooLarge);
}

/// A wall of exactly one colour, 12 megapixels.
fn wall() -> RgbImage {
    RgbImage::from_pixel(4000, 3000, Rgb([186, 180, 170]))
}

#[test]
fn a_picture_of_one_colour_is_refused_from_its_header() {
    let mut bytes = Vec::new();
    let (best, adaptive) = (CompressionType::Best, FilterType::Adaptive);
    let encoder = PngEncoder::new_with_quality(&mut bytes, best, adaptive);
    wall().write_with_encoder(encoder).unwrap();
    assert_eq!(refused(&bytes), Refusal::TooLarge);
    // The header is sufficient: the bytes after it are not read.
    bytes[60..].fill(0);
    assert_eq!(refused(&bytes), Refusal::TooLarge);
}

#[test]
fn a_jpeg_with_few_bytes_for_its_pixels_is_refused() {
    let mut bytes = jpeg(&DynamicImage::new_rgb8(64, 64));
    let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    let [height, width] = [3000_u16, 4000].map(u16::to_be_bytes);
    bytes[frame + 5..frame + 9].copy_from_slice(&[height, width].concat());
    assert_eq!(refused(&bytes), Refusal::TooLarge);
}

#[test]
fn a_small_picture_of_one_colour_is_decoded() {
    let grey = RgbImage::from_pixel(1000, 1000, Rgb([128; 3]));
    assert_eq!(outcome(&grey.into()), Err(Refusal::NoFace));
}

#[test]
fn a_face_before_a_plain_wall_is_accepted_at_any_quality() {
    // The face is a fifteenth of the longer side, so the detector looks at it twice.
    let mut picture = wall();
    imageops::replace(&mut picture, &decoded("obama.jpg").to_rgb8(), 1500, 1000);
    let picture = DynamicImage::from(picture);
    for bytes in [jpeg_of_quality(&picture, 20), jpeg_of_quality(&picture, 75), png(&picture)] {
        let portrait = ENGINE.portrait(&bytes);
        assert!(portrait.is_ok(), "{} bytes: {portrait:?}", bytes.len());
    }
}

#[test]
fn a_file_above_six_megabytes_is_refused() {
    let mut bytes = encoded("obama.jpg");
    bytes.resize(MAX_BYTES + 1, 0);
    assert_eq!(refused(&bytes), Refusal::TooLarge);
}

#[test]
fn other_formats_than_jpeg_and_png_are_refused() {
    let webp = b"RIFF\x24\0\0\0WEBPVP8 \x18\0\0\0\x30\x01\0\x9d\x01\x2a\x01\0\x01\0\x02\0\x34\x25\xa4\0\x03\x70\0\xfe\xfb\x94\0\0";
    let gif = b"GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0!\xf9\x04\0\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
    for bytes in [
        &b""[..],
        b"hello",
        b"<svg/>",
        b"\xff\xd8",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        webp,
        gif,
    ] {
        assert_eq!(refused(bytes), Refusal::NotAnImage);
    }
}

#[test]
fn a_truncated_picture_is_refused() {
    for name in ["obama.jpg", "biden.jpg", "32bit.png"] {
        let whole = encoded(name);
        for length in [9, 30, 500, whole.len() / 2, whole.len() * 9 / 10] {
            assert_eq!(
                refused(&whole[..length]),
                Refusal::NotAnImage,
                "{name} cut to {length} bytes"
            );
        }
    }
}

#[test]
fn damaged_pictures_are_refused_or_decoded_and_never_panic() {
    for whole in [encoded("obama3.jpg"), png(&decoded("obama.jpg").thumbnail(200, 200))] {
        for round in 0..40_usize {
            let mut damaged = whole.clone();
            for hit in 0..8_usize {
                let place = (round * 7919 + hit * hit * 104_729) % damaged.len();
                damaged[place] ^= u8::try_from((round * 31 + hit * 17) % 255 + 1).unwrap();
            }
            let _ = ENGINE.portrait(&damaged);
        }
    }
}

#[test]
fn a_jpeg_with_too_many_scans_is_refused() {
    let mut bytes = encoded("obama.jpg");
    let scans = [0xff, 0xda, 0, 2].repeat(100);
    bytes.splice(bytes.len() - 2.., [scans, vec![0xff, 0xd9]].concat());
    assert_eq!(refused(&bytes), Refusal::TooLarge);
}

#[test]
fn data_after_the_end_of_a_picture_is_ignored() {
    let film =
        [&b"\0\0\0\x18ftypmp42"[..], &[0xff, 0xd9, 0xff, 0xda].repeat(100), b"moov"].concat();
    for picture in [encoded("obama.jpg"), jpeg(&decoded("biden.jpg")), encoded("32bit.png")] {
        let expected = ENGINE.portrait(&picture).unwrap();
        assert_eq!(ENGINE.portrait(&[picture, film.clone()].concat()), Ok(expected));
    }
}

#[test]
fn a_picture_on_its_side_without_exif_shows_the_same_face() {
    for name in ["obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg"] {
        let upright = decoded(name);
        let expected = outcome(&upright).unwrap();
        for turned in [upright.rotate90(), upright.rotate180(), upright.rotate270()] {
            let portrait = outcome(&turned).unwrap();
            let distance = portrait.embedding.distance(&expected.embedding);
            assert!(distance < ENGINE.pack().likeness_rules().same_picture, "{name}: {distance}");
            assert!((portrait.quality.roll - expected.quality.roll).abs() < 5.0, "{name}");
        }
    }
}

#[test]
fn exif_orientation_is_applied_before_detection() {
    let upright = decoded("obama.jpg");
    let expected = ENGINE.portrait(&jpeg(&upright)).unwrap();
    // The pixels as a camera stores them when it is turned, and the orientation that it records.
    let stored = [(upright.rotate180(), 3), (upright.rotate270(), 6), (upright.rotate90(), 8)];
    for (pixels, orientation) in stored {
        let portrait = ENGINE.portrait(&oriented(&jpeg(&pixels), orientation)).unwrap();
        let distance = portrait.embedding.distance(&expected.embedding);
        assert!(distance < 0.05, "orientation {orientation}: {distance}");
    }
}

#[test]
fn bad_exif_is_ignored() {
    let plain = jpeg(&decoded("obama.jpg"));
    let expected = ENGINE.portrait(&plain).unwrap();
    for orientation in [0, 9, 255] {
        assert_eq!(ENGINE.portrait(&oriented(&plain, orientation)).as_ref(), Ok(&expected));
    }
    let garbage = [&plain[..2], b"\xff\xe1\0\x10Exif\0\0garbage!", &plain[2..]].concat();
    assert_eq!(ENGINE.portrait(&garbage), Ok(expected));
}

#[test]
fn sixteen_bit_alpha_and_grey_pictures_show_the_same_face() {
    let colour = decoded("obama.jpg");
    let expected = outcome(&colour).unwrap().embedding;
    let deep = DynamicImage::ImageRgb16(colour.to_rgb16());
    let clear = DynamicImage::ImageRgba8(colour.to_rgba8());
    for picture in [deep, clear] {
        assert!(outcome(&picture).unwrap().embedding.distance(&expected) < 0.01);
    }
    let threshold = ENGINE.pack().thresholds().for_counts(1, 1);
    let grey = outcome(&DynamicImage::ImageLuma8(colour.to_luma8())).unwrap();
    assert!(grey.embedding.distance(&expected) < threshold);
}
