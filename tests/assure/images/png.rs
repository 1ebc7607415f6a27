//! PNG files, chunk by chunk (PNG specification, third edition).

use flate2::{Compression, Crc, write::ZlibEncoder};
use std::io::Write as _;

/// Colour types (table 11.1).
pub(super) const GREY: u8 = 0;
pub(super) const PALETTE: u8 = 3;
pub(super) const RGBA: u8 = 6;

const START: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Bytes of the signature and the header.
const HEADER: usize = START.len() + 25;

/// A black picture in grey.
pub(super) fn grey(width: u32, height: u32) -> anyhow::Result<Vec<u8>> {
    of_kind(width, height, 8, GREY, 0)
}

/// A black picture of this depth, colour type and interlace method. An interlaced picture has the
/// rows of one that is not.
pub(super) fn of_kind(
    width: u32,
    height: u32,
    depth: u8,
    colour: u8,
    interlace: u8,
) -> anyhow::Result<Vec<u8>> {
    let channels = if colour == RGBA { 4 } else { 1 };
    let row = vec![0; 1 + width as usize * channels * usize::from(depth) / 8];
    let mut rows = ZlibEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..height {
        rows.write_all(&row)?;
    }
    Ok(whole(width, height, [depth, colour, interlace], &rows.finish()?))
}

/// A picture with a header and an empty stream of rows.
pub(super) fn header_only(width: u32, height: u32) -> anyhow::Result<Vec<u8>> {
    let rows = ZlibEncoder::new(Vec::new(), Compression::fast()).finish()?;
    Ok(whole(width, height, [8, GREY, 0], &rows))
}

/// A grey picture with this compressed stream of rows.
pub(super) fn with_rows(width: u32, height: u32, rows: &[u8]) -> Vec<u8> {
    whole(width, height, [8, GREY, 0], rows)
}

/// A picture with a chunk after its header.
pub(super) fn with(picture: &[u8], kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let (header, rest) = picture.split_at(HEADER);
    [header, &chunk(kind, data), rest].concat()
}

/// A picture with a chunk that announces this length.
pub(super) fn with_length(picture: &[u8], length: u32) -> Vec<u8> {
    let (header, rest) = picture.split_at(HEADER);
    [header, &length.to_be_bytes(), b"tEXt", rest].concat()
}

/// A picture with many empty chunks before its rows.
pub(super) fn with_many(picture: &[u8], count: usize) -> Vec<u8> {
    let (header, rest) = picture.split_at(HEADER);
    [header, &chunk(*b"tEXt", b"").repeat(count), rest].concat()
}

/// An animation of black frames (APNG).
pub(super) fn animated(width: u32, height: u32, frames: u32) -> anyhow::Result<Vec<u8>> {
    let still = grey(width, height)?;
    let (body, end) = still.split_at(still.len() - chunk(*b"IEND", b"").len());
    let mut picture = with(body, *b"acTL", &[frames.to_be_bytes(), [0; 4]].concat());
    for frame in 1..frames {
        let sizes = [frame * 2, width, height, 0, 0].map(u32::to_be_bytes).concat();
        picture.extend(chunk(*b"fcTL", &[sizes.as_slice(), &[0, 1, 0, 100, 0, 0]].concat()));
        picture.extend(chunk(*b"fdAT", &(frame * 2 + 1).to_be_bytes()));
    }
    picture.extend_from_slice(end);
    Ok(picture)
}

fn whole(width: u32, height: u32, [depth, colour, interlace]: [u8; 3], rows: &[u8]) -> Vec<u8> {
    let sizes = [width.to_be_bytes(), height.to_be_bytes()].concat();
    let header = [sizes.as_slice(), &[depth, colour, 0, 0, interlace]].concat();
    [START, &chunk(*b"IHDR", &header), &chunk(*b"IDAT", rows), &chunk(*b"IEND", b"")].concat()
}

fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let mut sum = Crc::new();
    sum.update(&kind);
    sum.update(data);
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&length, kind.as_slice(), data, &sum.sum().to_be_bytes()].concat()
}
