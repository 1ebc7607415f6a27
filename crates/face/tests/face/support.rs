//! The test pack and pictures, and encoders for changed pictures.

use crate::pack_copy::{pack_folder, pack_folder_of};
use fourauth_face::{Engine, Portrait, Refusal};
use image::{DynamicImage, ImageFormat, codecs::jpeg::JpegEncoder};
use std::{
    fs,
    io::Cursor,
    path::{Path, PathBuf},
    sync::LazyLock,
};

const ADVICE: &str = "run `cargo xtask models` first";

/// One engine of the default pack for all tests: loading takes longer than a portrait.
pub(crate) static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::load(&pack_folder()).expect(ADVICE));

/// The engine of the pack that was the default before.
pub(crate) static FIRST_ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::load(&pack_folder_of("blaze-dlib")).expect(ADVICE));

/// The bytes of a test picture.
pub(crate) fn encoded(name: &str) -> Vec<u8> {
    fs::read(models().join("faces").join(name)).expect(ADVICE)
}

/// The pixels of a test picture.
pub(crate) fn decoded(name: &str) -> DynamicImage {
    image::load_from_memory(&encoded(name)).unwrap()
}

pub(crate) fn portrait(name: &str) -> Portrait {
    ENGINE.portrait(&encoded(name)).unwrap_or_else(|refusal| panic!("{name}: {refusal}"))
}

/// The result for these pixels.
pub(crate) fn outcome(picture: &DynamicImage) -> Result<Portrait, Refusal> {
    ENGINE.portrait(&png(picture))
}

pub(crate) fn png(picture: &DynamicImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    picture.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
    bytes
}

pub(crate) fn jpeg(picture: &DynamicImage) -> Vec<u8> {
    jpeg_of_quality(picture, 95)
}

pub(crate) fn jpeg_of_quality(picture: &DynamicImage, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
    picture.to_rgb8().write_with_encoder(encoder).unwrap();
    bytes
}

/// The folder where `cargo xtask models` puts the pack and the pictures.
fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/models")
}
