//! JPEG files, changed segment by segment (ITU-T T.81, annex B).

use crate::chance::Chance;
use image::{GrayImage, Luma, codecs::jpeg::JpegEncoder};

/// Start of frame of the baseline process.
const BASELINE: u8 = 0xc0;
const SCAN: u8 = 0xda;

/// Offsets in the frame header, from its marker: precision, height, channels, first sampling.
const PRECISION: usize = 4;
const HEIGHT: usize = 5;
const CHANNELS: usize = 9;
const SAMPLING: usize = 11;

/// A grey picture of noise.
pub(super) fn noise(width: u32, height: u32) -> anyhow::Result<Vec<u8>> {
    let mut chance = Chance::of(9);
    encoded(&GrayImage::from_fn(width, height, |_, _| {
        Luma([(chance.next() >> 40).to_le_bytes()[0]])
    }))
}

/// A grey picture of one colour.
pub(super) fn plain(width: u32, height: u32) -> anyhow::Result<Vec<u8>> {
    encoded(&GrayImage::from_pixel(width, height, Luma([128])))
}

fn encoded(picture: &GrayImage) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    picture.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, 75))?;
    Ok(bytes)
}

/// Another size in the header.
pub(super) fn sized(picture: &[u8], height: u16, width: u16) -> Vec<u8> {
    changed(picture, HEIGHT, &[height.to_be_bytes(), width.to_be_bytes()].concat())
}

/// Another number of channels in the header.
pub(super) fn with_channels(picture: &[u8], count: u8) -> Vec<u8> {
    changed(picture, CHANNELS, &[count])
}

/// Another number of bits in the header.
pub(super) fn with_precision(picture: &[u8], bits: u8) -> Vec<u8> {
    changed(picture, PRECISION, &[bits])
}

/// Other sampling factors of the first channel.
pub(super) fn with_sampling(picture: &[u8], factors: u8) -> Vec<u8> {
    changed(picture, SAMPLING, &[factors])
}

/// Another marker of the frame header, which names another process.
pub(super) fn of_process(picture: &[u8], marker: u8) -> Vec<u8> {
    changed(picture, 1, &[marker])
}

/// The scan repeated.
pub(super) fn with_scans(picture: &[u8], count: usize) -> Vec<u8> {
    let (end, start) = (picture.len() - 2, place(picture, SCAN));
    [&picture[..start], &picture[start..end].repeat(count), &picture[end..]].concat()
}

/// Segments after the start of the picture.
pub(super) fn with_segments(picture: &[u8], marker: u8, data: &[u8], count: usize) -> Vec<u8> {
    let length = u16::try_from(data.len() + 2).unwrap_or(u16::MAX).to_be_bytes();
    let segment = [&[0xff, marker], length.as_slice(), data].concat();
    [&picture[..2], &segment.repeat(count), &picture[2..]].concat()
}

/// The picture without the segments of this marker.
pub(super) fn without(picture: &[u8], marker: u8) -> Vec<u8> {
    let mut rest = picture.to_vec();
    while let Some(start) = find(&rest, marker) {
        let length = usize::from(u16::from_be_bytes([rest[start + 2], rest[start + 3]]));
        rest.drain(start..start + 2 + length);
    }
    rest
}

/// EXIF with a directory that names itself as the next one.
pub(super) fn looping_exif() -> Vec<u8> {
    // Big-endian TIFF with its first directory at 8: one entry, the orientation, then the next
    // directory, at 8 again.
    let tiff = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x01\0\0\0\0\0\x08";
    [b"Exif\0\0".as_slice(), tiff].concat()
}

/// Changes the frame header.
fn changed(picture: &[u8], offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut changed = picture.to_vec();
    let start = place(picture, BASELINE) + offset;
    changed[start..start + bytes.len()].copy_from_slice(bytes);
    changed
}

/// The place of a segment that every picture of the encoder has.
fn place(picture: &[u8], marker: u8) -> usize {
    find(picture, marker).expect("an encoder writes this segment")
}

/// The place of the first segment of this marker, before any compressed data.
fn find(picture: &[u8], marker: u8) -> Option<usize> {
    let mut at = 2;
    while let Some(&[0xff, found]) = picture.get(at..at + 2) {
        if found == marker {
            return Some(at);
        }
        if found == SCAN {
            return None;
        }
        let length = picture.get(at + 2..at + 4)?;
        at += 2 + usize::from(u16::from_be_bytes([length[0], length[1]]));
    }
    None
}
