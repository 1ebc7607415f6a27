//! Prepares pictures for the server: readable, upright and small enough.
//!
//! Only pixels are sent. A file also holds the place and the time of a photograph, the camera, and
//! sometimes an earlier version of the picture; so every picture is encoded again.
//!
//! It does not detect faces; the server does.

use fast_image_resize::{
    PixelType, Resizer,
    images::{Image, ImageRef},
};
use fourauth_protocol::picture::Picture;
use image::{
    DynamicImage, ExtendedColorType, ImageDecoder as _, ImageFormat, ImageReader, Limits, RgbImage,
    codecs::jpeg::JpegEncoder,
};
use std::io::{self, Cursor, Read};

/// Longest side of a picture that is sent, in pixels. No face network uses finer detail.
pub const LONGEST_SIDE: u32 = 1280;

/// Largest picture that is sent, in bytes. Five of them, as base64, fit in a frame of 4 MiB.
const MAX_SENT: usize = 576 * 1024;

/// Largest file that is read, in bytes: more than the photographs of any telephone.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// Memory limit for decoding, in bytes: a picture of 100 megapixels.
const MAX_DECODED: u64 = 512 * 1024 * 1024;

/// Longest side in pixels and JPEG quality, in order of preference. The last one always fits:
/// 640 × 640 pixels at quality 75 are below [`MAX_SENT`] even if they are noise.
const ATTEMPTS: [(u32, u8); 4] = [(LONGEST_SIDE, 90), (LONGEST_SIDE, 75), (960, 75), (640, 75)];

/// Longest side of a frame of a face challenge, in pixels.
const FRAME_SIDE: u32 = 640;

/// Largest frame of a face challenge, in bytes. Seven of them, as base64, fit in a frame of 4 MiB.
const MAX_FRAME: usize = 300 * 1024;

/// As [`ATTEMPTS`], for a frame of a face challenge.
const FRAME_ATTEMPTS: [(u32, u8); 3] = [(FRAME_SIDE, 90), (FRAME_SIDE, 75), (480, 60)];

/// Reads a picture of at most [`MAX_FILE`] bytes from a file or a pipe.
pub(crate) fn read(reader: impl Read) -> Result<Picture, NotAPicture> {
    prepare(whole(reader)?)
}

/// As [`read`], for a frame of a face challenge.
pub(crate) fn read_frame(reader: impl Read) -> Result<Picture, NotAPicture> {
    encode_frame(&decoded(whole(reader)?)?)
}

fn whole(reader: impl Read) -> Result<Vec<u8>, NotAPicture> {
    let mut bytes = Vec::new();
    reader.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|error| match error.kind() {
        io::ErrorKind::IsADirectory => NotAPicture::Folder,
        _ => NotAPicture::File(error),
    })?;
    if bytes.is_empty() {
        return Err(NotAPicture::Empty);
    }
    if bytes.len() as u64 > MAX_FILE { Err(NotAPicture::TooLarge) } else { Ok(bytes) }
}

/// Prepares a JPEG or PNG for sending: encodes its pixels as a JPEG, upright and small enough.
///
/// # Errors
///
/// [`NotAPicture`] if the bytes cannot be decoded.
pub fn prepare(bytes: Vec<u8>) -> Result<Picture, NotAPicture> {
    encode(&decoded(bytes)?)
}

/// The pixels of a picture, upright.
fn decoded(bytes: Vec<u8>) -> Result<RgbImage, NotAPicture> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    match reader.format() {
        Some(ImageFormat::Jpeg | ImageFormat::Png) => {}
        Some(other) => return Err(NotAPicture::Other(name_of(other))),
        None => return Err(NotAPicture::UnknownFormat),
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_DECODED);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|_| NotAPicture::Unreadable)?;
    // Encoding drops the EXIF orientation, so it is applied first.
    let orientation = decoder.orientation().map_err(|_| NotAPicture::Unreadable)?;
    let mut pixels = DynamicImage::from_decoder(decoder).map_err(|_| NotAPicture::Unreadable)?;
    pixels.apply_orientation(orientation);
    Ok(pixels.into_rgb8())
}

fn name_of(format: ImageFormat) -> &'static str {
    format.extensions_str().first().copied().unwrap_or("unknown")
}

/// Encodes a JPEG of at most [`LONGEST_SIDE`] pixels and [`MAX_SENT`] bytes.
pub(crate) fn encode(pixels: &RgbImage) -> Result<Picture, NotAPicture> {
    encode_within(pixels, &ATTEMPTS, MAX_SENT)
}

/// Encodes a frame of a face challenge, of at most [`FRAME_SIDE`] pixels and [`MAX_FRAME`] bytes.
pub(crate) fn encode_frame(pixels: &RgbImage) -> Result<Picture, NotAPicture> {
    encode_within(pixels, &FRAME_ATTEMPTS, MAX_FRAME)
}

fn encode_within(
    pixels: &RgbImage,
    attempts: &[(u32, u8)],
    most: usize,
) -> Result<Picture, NotAPicture> {
    for &(longest, quality) in attempts {
        let jpeg = to_jpeg(&shrink(pixels, longest)?, quality)?;
        if jpeg.len() <= most {
            return Ok(Picture::new(jpeg));
        }
    }
    Err(NotAPicture::TooLarge)
}

/// Shrinks a picture so that no side is longer than `longest`, and keeps its proportions.
fn shrink(pixels: &RgbImage, longest: u32) -> Result<RgbImage, NotAPicture> {
    let (width, height) = pixels.dimensions();
    let side = width.max(height);
    if side <= longest {
        return Ok(pixels.clone());
    }
    let scaled = |length: u32| (u64::from(length) * u64::from(longest) / u64::from(side)).max(1);
    let scaled = |length| u32::try_from(scaled(length)).unwrap_or(longest);
    let source = ImageRef::new(width, height, pixels.as_raw(), PixelType::U8x3)
        .map_err(|_| NotAPicture::Unreadable)?;
    let mut shrunk = Image::new(scaled(width), scaled(height), PixelType::U8x3);
    Resizer::new().resize(&source, &mut shrunk, None).map_err(|_| NotAPicture::Unreadable)?;
    let (width, height) = (shrunk.width(), shrunk.height());
    RgbImage::from_raw(width, height, shrunk.into_vec()).ok_or(NotAPicture::Unreadable)
}

fn to_jpeg(pixels: &RgbImage, quality: u8) -> Result<Vec<u8>, NotAPicture> {
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, quality)
        .encode(pixels.as_raw(), pixels.width(), pixels.height(), ExtendedColorType::Rgb8)
        .map_err(|_| NotAPicture::Unreadable)?;
    Ok(jpeg)
}

/// Why a picture cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum NotAPicture {
    /// The file cannot be read.
    #[error("{0}")]
    File(#[from] io::Error),
    /// It is a folder.
    #[error("this is a folder; name the picture in it")]
    Folder,
    /// It has no bytes.
    #[error("the file is empty")]
    Empty,
    /// It is a picture of another format, by the usual ending of its name.
    #[error("this is a picture of the format {0}; save it as JPEG or PNG")]
    Other(&'static str),
    /// It is no picture.
    #[error("this is not a picture, neither JPEG nor PNG")]
    UnknownFormat,
    /// It begins like a picture but cannot be decoded.
    #[error("the picture is damaged or needs too much memory")]
    Unreadable,
    /// It is too large.
    #[error("the picture is too large")]
    TooLarge,
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    /// Left half red, right half blue.
    fn flag(width: u32, height: u32) -> RgbImage {
        let colour = |x| if x < width / 2 { Rgb([255, 0, 0]) } else { Rgb([0, 0, 255]) };
        RgbImage::from_fn(width, height, |x, _| colour(x))
    }

    fn noise(width: u32, height: u32) -> RgbImage {
        let mut state = 1_u32; // xorshift32 (Marsaglia 2003)
        let mut byte = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state.to_le_bytes()[1]
        };
        RgbImage::from_fn(width, height, |_, _| Rgb([byte(), byte(), byte()]))
    }

    /// A JPEG with an EXIF orientation (EXIF 2.3 §4.6.4 A, tag 0x0112).
    fn jpeg_with_orientation(pixels: &RgbImage, orientation: u8) -> Vec<u8> {
        let jpeg = to_jpeg(pixels, 95).unwrap();
        let mut exif =
            b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
        exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
        [&jpeg[..2], &exif[..], &jpeg[2..]].concat()
    }

    fn decoded(picture: &Picture) -> RgbImage {
        image::load_from_memory(picture.bytes()).unwrap().into_rgb8()
    }

    fn is_red(pixel: Rgb<u8>) -> bool {
        pixel[0] > 200 && pixel[2] < 60
    }

    #[test]
    fn a_large_picture_is_shrunk_and_keeps_its_proportions() {
        let mut png = Vec::new();
        flag(2600, 1300).write_to(&mut Cursor::new(&mut png), ImageFormat::Png).unwrap();
        let small = decoded(&prepare(png).unwrap());
        assert_eq!(small.dimensions(), (1280, 640));
        assert!(is_red(*small.get_pixel(300, 300)) && !is_red(*small.get_pixel(900, 300)));
    }

    #[test]
    fn only_pixels_of_a_picture_are_sent() {
        let holds = |bytes: &[u8], word: &[u8]| bytes.windows(word.len()).any(|it| it == word);
        let jpeg = jpeg_with_orientation(&flag(640, 480), 6);
        let mut png = Vec::new();
        flag(64, 64).write_to(&mut Cursor::new(&mut png), ImageFormat::Png).unwrap();
        // Some programs keep data behind the end of the picture.
        png.extend(b"Exif");
        for (file, size) in [(jpeg, (480, 640)), (png, (64, 64))] {
            assert!(holds(&file, b"Exif"), "the control");
            for sent in [read(&file[..]).unwrap(), read_frame(&file[..]).unwrap()] {
                assert!(!holds(sent.bytes(), b"Exif"));
                assert_eq!(decoded(&sent).dimensions(), size);
            }
        }
    }

    #[test]
    fn a_picture_is_turned_upright_before_it_is_shrunk() {
        // 6: the first row is the right-hand side, so the left side of the file is on top.
        let upright = decoded(&prepare(jpeg_with_orientation(&flag(2560, 1280), 6)).unwrap());
        assert_eq!(upright.dimensions(), (640, 1280));
        assert!(is_red(*upright.get_pixel(320, 200)) && !is_red(*upright.get_pixel(320, 1100)));
    }

    #[test]
    fn five_pictures_of_maximum_size_fit_in_a_frame() {
        let picture = encode(&noise(1300, 1300)).unwrap();
        assert!(picture.bytes().len() <= MAX_SENT);
        let as_base64 = MAX_SENT.div_ceil(3) * 4;
        assert!(5 * as_base64 + 64 * 1024 <= fourauth_protocol::frame::MAX_PAYLOAD);
    }

    #[test]
    fn seven_frames_of_a_challenge_fit_in_a_frame() {
        let frame = encode_frame(&noise(1300, 1300)).unwrap();
        assert!(frame.bytes().len() <= MAX_FRAME);
        let as_base64 = MAX_FRAME.div_ceil(3) * 4;
        assert!(7 * as_base64 + 64 * 1024 <= fourauth_protocol::frame::MAX_PAYLOAD);
    }

    #[test]
    fn invalid_pictures_are_refused() {
        let jpeg = to_jpeg(&flag(64, 64), 90).unwrap();
        for bytes in
            [&b""[..], b"hello", b"GIF89a\x01\0\x01\0\0\0\0;", &jpeg[..20], b"\x89PNG\r\n\x1a\n"]
        {
            assert!(prepare(bytes.to_vec()).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn each_kind_of_wrong_file_has_its_own_words() {
        let folder = tempfile::tempdir().unwrap();
        let of_folder = read(std::fs::File::open(folder.path()).unwrap()).unwrap_err();
        assert!(of_folder.to_string().contains("folder"), "{of_folder}");
        let reason = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
        for (bytes, words) in [
            (&b""[..], "empty"),
            (b"hello, this is a text", "not a picture"),
            (b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0", "the format bmp; save it as JPEG"),
            (b"\x89PNG\r\n\x1a\n", "damaged"),
        ] {
            assert!(reason(bytes).contains(words), "{}", reason(bytes));
        }
    }

    #[test]
    fn a_decompression_bomb_is_refused_before_decoding() {
        // The header of a PNG with 30,000 × 30,000 pixels in 16-bit RGBA, 7.2 GB.
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x75\x30\0\0\x75\x30\x10\x06\0\0\0\x36\xb7\x24\xf9\0\0\0\0IDAT\x35\xaf\x06\x1e";
        let header = ImageReader::new(Cursor::new(png)).with_guessed_format().unwrap();
        assert_eq!(header.into_dimensions().unwrap(), (30_000, 30_000), "control: a valid header");
        assert!(matches!(prepare(png.to_vec()), Err(NotAPicture::Unreadable)));
    }
}
