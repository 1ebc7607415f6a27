//! The model packs and the test pictures that `cargo xtask models` downloads.

use fourauth_face::Engine;
use fourauth_face_pack::DEFAULT_PACK;
use fourauth_protocol::picture::Picture;
use image::{
    DynamicImage, ImageEncoder as _, ImageFormat, Rgb, RgbImage,
    codecs::jpeg::JpegEncoder,
    imageops::{self, FilterType},
};
use std::{
    fs,
    io::Cursor,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

/// The folder that `cargo xtask models` writes to.
fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/models")
}

/// The folder of the model packs.
#[must_use]
pub fn packs() -> PathBuf {
    folder().join("packs")
}

/// The default pack, loaded once per process.
///
/// # Panics
///
/// If `cargo xtask models` has not been run.
#[must_use]
pub fn engine() -> Arc<Engine> {
    static ENGINE: OnceLock<Arc<Engine>> = OnceLock::new();
    Arc::clone(ENGINE.get_or_init(|| engine_of(DEFAULT_PACK)))
}

/// The default pack without its networks for liveness, loaded once per process. They see that a
/// [moving face](crate::moving_face) is made of one picture.
///
/// # Panics
///
/// If `cargo xtask models` has not been run.
#[must_use]
pub fn engine_without_liveness() -> Arc<Engine> {
    static ENGINE: OnceLock<Arc<Engine>> = OnceLock::new();
    Arc::clone(ENGINE.get_or_init(|| {
        let engine = Engine::load(&packs().join(DEFAULT_PACK));
        Arc::new(engine.expect("run `cargo xtask models` first").without_liveness())
    }))
}

/// The pack that was the default before.
pub const FIRST_PACK: &str = "blaze-dlib";

/// One of the packs, newly loaded.
///
/// # Panics
///
/// If `cargo xtask models` has not been run.
#[must_use]
pub fn engine_of(pack: &str) -> Arc<Engine> {
    Arc::new(Engine::load(&packs().join(pack)).expect("run `cargo xtask models` first"))
}

/// The path of one of the test pictures.
#[must_use]
pub fn picture_file(name: &str) -> PathBuf {
    folder().join("faces").join(name)
}

/// One of the test pictures.
///
/// # Panics
///
/// If `cargo xtask models` has not been run.
#[must_use]
pub fn picture(name: &str) -> Picture {
    Picture::new(fs::read(picture_file(name)).expect("run `cargo xtask models` first"))
}

/// A test picture as a print: on a white sheet on something dark. `obama2.jpg` is not live then.
///
/// # Panics
///
/// If `cargo xtask models` has not been run.
#[must_use]
pub fn printed(name: &str) -> Picture {
    let mut bytes = Vec::new();
    let sheet = sheet(&decoded(name));
    sheet.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).expect("memory takes it");
    Picture::new(bytes)
}

/// The pixels of a test picture.
pub(crate) fn decoded(name: &str) -> DynamicImage {
    image::load_from_memory(picture(name).bytes()).expect("a picture")
}

/// A picture on a white sheet on something dark.
pub(crate) fn sheet(shown: &DynamicImage) -> RgbImage {
    let mut print = shown.to_rgb8();
    let border = print.width() / 10;
    for grey in [235, 40] {
        let (width, height) = (print.width() + 2 * border, print.height() + 2 * border);
        let mut larger = RgbImage::from_pixel(width, height, Rgb([grey; 3]));
        imageops::replace(&mut larger, &print, border.into(), border.into());
        print = larger;
    }
    print
}

/// A test picture enlarged to 3900 pixels, as a JPEG; `obama.jpg` has 12 megapixels then. If it is turned, its pixels lie on their side, and
/// its EXIF orientation says so, as in a photograph of a telephone that is held upright.
///
/// # Panics
///
/// If `cargo xtask models` has not been run.
#[must_use]
pub fn photograph(name: &str, is_turned: bool) -> Picture {
    /// EXIF with only an orientation: turn by a quarter to the right (EXIF 2.32 §4.6.4).
    const TURN: &[u8] = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";

    let mut large = decoded(name).resize(3900, 3900, FilterType::CatmullRom);
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 85);
    if is_turned {
        large = large.rotate270();
        encoder.set_exif_metadata(TURN.to_vec()).expect("a JPEG has room for EXIF");
    }
    large.to_rgb8().write_with_encoder(encoder).expect("memory takes it");
    Picture::new(bytes)
}
