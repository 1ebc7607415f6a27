//! The forty pictures.

use super::{jpeg, png};
use crate::setup::Setup;
use flate2::{Compression, write::ZlibEncoder};
use std::io::Write as _;

/// A picture, and what is wrong with it.
#[derive(Debug)]
pub(crate) struct Hostile {
    pub(crate) name: &'static str,
    pub(crate) bytes: Vec<u8>,
}

/// All pictures. Each fits into a frame.
pub(crate) fn corpus(setup: &Setup) -> anyhow::Result<Vec<Hostile>> {
    let side = setup.count(30_000, 12_000);
    let all = [pngs(side)?, jpegs()?, others()].into_iter().flatten();
    Ok(all.map(|(name, bytes)| Hostile { name, bytes }).collect())
}

type Named = Vec<(&'static str, Vec<u8>)>;

fn pngs(side: u32) -> anyhow::Result<Named> {
    let small = png::grey(64, 64)?;
    let bomb = zeros(100 << 20)?;
    let mut wrong_sum = small.clone();
    let last = wrong_sum.len() - 20;
    wrong_sum[last] ^= 1;
    Ok(vec![
        ("PNG of one colour with very many pixels", png::grey(side, side)?),
        ("PNG of 4096 × 4096 pixels of one colour", png::grey(4096, 4096)?),
        ("PNG with a header of 4 294 967 295 rows", png::header_only(1, u32::MAX)?),
        (
            "PNG with a header of 2 147 483 647 pixels a side",
            png::header_only(i32::MAX.cast_unsigned(), i32::MAX.cast_unsigned())?,
        ),
        ("PNG without pixels", png::header_only(0, 0)?),
        ("PNG with 16 bits and alpha, 12 megapixels", png::of_kind(4000, 3000, 16, png::RGBA, 0)?),
        ("PNG that is interlaced, 12 megapixels", png::of_kind(4000, 3000, 8, png::GREY, 1)?),
        ("PNG with a palette that is missing", png::of_kind(64, 64, 8, png::PALETTE, 0)?),
        ("PNG with a colour type that does not exist", png::of_kind(64, 64, 8, 5, 0)?),
        (
            "PNG with a colour profile of 100 MiB, compressed",
            png::with(&small, *b"iCCP", &[b"x\0\0", bomb.as_slice()].concat()),
        ),
        (
            "PNG with a text of 100 MiB, compressed",
            png::with(&small, *b"zTXt", &[b"x\0\0", bomb.as_slice()].concat()),
        ),
        (
            "PNG with an international text of 100 MiB, compressed",
            png::with(&small, *b"iTXt", &[b"x\0\x01\0\0\0", bomb.as_slice()].concat()),
        ),
        ("PNG with rows that inflate to 100 MiB", png::with_rows(64, 64, &bomb)),
        ("PNG with too few rows", png::with_rows(64, 64, &zeros(65)?)),
        ("PNG with rows that are no zlib stream", png::with_rows(64, 64, b"not zlib")),
        ("PNG that was cut", small[..small.len() / 2].to_vec()),
        ("PNG with a wrong checksum", wrong_sum),
        ("PNG with a chunk of 4 GiB", png::with_length(&small, u32::MAX)),
        ("PNG with 100 000 empty chunks", png::with_many(&small, 100_000)),
        ("PNG with 1000 frames", png::animated(64, 64, 1000)?),
    ])
}

fn jpegs() -> anyhow::Result<Named> {
    let small = jpeg::noise(64, 64)?;
    Ok(vec![
        ("JPEG with a header of 65 535 pixels a side", jpeg::sized(&small, 65_535, 65_535)),
        ("JPEG of 4096 × 4096 pixels of one colour", jpeg::plain(4096, 4096)?),
        ("JPEG with a header of no rows", jpeg::sized(&small, 0, 64)),
        ("JPEG with 1000 scans", jpeg::with_scans(&small, 1000)),
        ("JPEG that was cut", small[..small.len() / 2].to_vec()),
        ("JPEG without an end", small[..small.len() - 2].to_vec()),
        (
            "JPEG with 40 EXIF segments that refer to themselves",
            jpeg::with_segments(&small, 0xe1, &jpeg::looping_exif(), 40),
        ),
        (
            "JPEG with a colour profile in 40 parts of 64 KiB",
            jpeg::with_segments(
                &small,
                0xe2,
                &[b"ICC_PROFILE\0\x01\xff".as_slice(), &vec![7; 65_000]].concat(),
                40,
            ),
        ),
        ("JPEG without quantisation", jpeg::without(&small, 0xdb)),
        ("JPEG without Huffman tables", jpeg::without(&small, 0xc4)),
        ("JPEG with four channels in the header only", jpeg::with_channels(&small, 4)),
        ("JPEG with 12 bits", jpeg::with_precision(&small, 12)),
        ("JPEG with arithmetic coding", jpeg::of_process(&small, 0xc9)),
        ("JPEG without loss", jpeg::of_process(&small, 0xc3)),
        ("JPEG with samples of 4 × 4", jpeg::with_sampling(&small, 0x44)),
        ("JPEG with samples of 0 × 0", jpeg::with_sampling(&small, 0)),
        ("JPEG and a page of HTML in one file", [small, b"<html><script>".repeat(70_000)].concat()),
    ])
}

fn others() -> Named {
    let webp = b"RIFF\x24\0\0\0WEBPVP8 \x18\0\0\0\x30\x01\0\x9d\x01\x2a\xff\x3f\xff\x3f";
    let gif = b"GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\xff\xff\xff\xff\0\x02\x02D\x01\0;";
    let entities = br#"<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><svg>&b;</svg>"#;
    vec![
        ("WebP of 16 383 pixels a side", webp.to_vec()),
        ("GIF of 65 535 pixels a side", gif.to_vec()),
        ("SVG with entities of entities", entities.to_vec()),
    ]
}

/// A zlib stream of this many zeros.
fn zeros(count: usize) -> anyhow::Result<Vec<u8>> {
    let mut stream = ZlibEncoder::new(Vec::new(), Compression::best());
    let block = vec![0; 1 << 20];
    let mut left = count;
    while left > 0 {
        let part = left.min(block.len());
        stream.write_all(&block[..part])?;
        left -= part;
    }
    Ok(stream.finish()?)
}
