//! Takes pictures of the face with a camera.
//!
//! The driver sends [`Frame`]s through a channel, and this file selects from them. Linux has the
//! driver `v4l2`. Other systems have none; use `--face` there.

pub(crate) mod challenge;
mod mjpeg;
#[cfg(target_os = "linux")]
mod v4l2;
mod yuyv;

use crate::{failure::Failure, picture};
use fourauth_protocol::{challenge::ChallengeStep, picture::Picture};
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

/// Number of pictures for a login.
pub(crate) const AT_LOGIN: usize = 3;

/// Number of pictures for an enrolment, which differ slightly in light and posture.
pub(crate) const AT_ENROLMENT: usize = 5;

/// Time that a camera needs for exposure and focus. Its first frames are dark.
const WARM_UP: Duration = Duration::from_millis(700);

/// Time between two pictures, so that they differ.
const INTERVAL: Duration = Duration::from_millis(300);

/// Timeout for all pictures.
const TIMEOUT: Duration = Duration::from_secs(15);

/// A frame in a format of the camera.
#[derive(Debug)]
pub enum Frame {
    /// A JPEG, possibly without Huffman tables.
    Jpeg(Vec<u8>),
    /// Rows of brightness and colour, 4:2:2 (V4L2 calls it YUYV).
    Yuyv {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// Bytes from one row to the next.
        stride: u32,
        /// The rows.
        bytes: Vec<u8>,
    },
}

/// Why a camera took no pictures.
#[derive(Debug, thiserror::Error)]
pub enum CameraError {
    /// There is no camera, or no permission to use it.
    #[error("no camera at {}: {reason}", device.display())]
    Absent {
        /// The path of the device.
        device: PathBuf,
        /// Why it cannot be used.
        #[source]
        reason: io::Error,
    },
    /// The camera has no supported format.
    #[error("the camera offers neither MJPEG nor YUYV")]
    NoFormat,
    /// The camera failed.
    #[error("the camera failed: {0}")]
    Broken(#[source] io::Error),
    /// The camera sends no frames, or none that can be decoded.
    #[error("the camera sends no pictures")]
    Blank,
    /// This system is not supported.
    #[error("cameras are supported on Linux only")]
    Unsupported,
}

/// Takes `count` pictures.
///
/// # Errors
///
/// [`CameraError`].
pub async fn take(device: &Path, count: usize) -> Result<Vec<Picture>, CameraError> {
    let (sender, mut frames) = mpsc::channel(1);
    film(device.to_owned(), sender)?;
    pick(&mut frames, count).await
}

/// Checks that a camera can be used, without taking a picture.
///
/// # Errors
///
/// [`CameraError`].
pub(crate) fn check(device: &Path) -> Result<(), CameraError> {
    #[cfg(target_os = "linux")]
    return v4l2::check(device);
    #[cfg(not(target_os = "linux"))]
    {
        let _unsupported = device;
        Err(CameraError::Unsupported)
    }
}

/// Films the answer to a face challenge, and says on `notes` what to do.
pub(crate) async fn film_challenge(
    device: &Path,
    steps: &[ChallengeStep],
    notes: &mut dyn Write,
) -> Result<Vec<Picture>, Failure> {
    let (sender, mut frames) = mpsc::channel(1);
    film(device.to_owned(), sender)?;
    challenge::film(&mut frames, steps, notes).await
}

/// Films on a separate thread until the receiver is dropped.
///
/// The thread is not joined: a driver may hang, and then the thread ends with the process.
#[cfg(target_os = "linux")]
fn film(
    device: PathBuf,
    frames: mpsc::Sender<Result<Frame, CameraError>>,
) -> Result<(), CameraError> {
    let camera = std::thread::Builder::new().name("camera".into());
    camera.spawn(move || v4l2::film(&device, &frames)).map_err(CameraError::Broken)?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn film(_: PathBuf, _: mpsc::Sender<Result<Frame, CameraError>>) -> Result<(), CameraError> {
    Err(CameraError::Unsupported)
}

/// Selects `count` readable frames at intervals, after the warm-up.
async fn pick(
    frames: &mut mpsc::Receiver<Result<Frame, CameraError>>,
    count: usize,
) -> Result<Vec<Picture>, CameraError> {
    let start = Instant::now();
    let mut due = start + WARM_UP;
    let mut pictures = Vec::with_capacity(count);
    while pictures.len() < count {
        let frame = timeout_at(start + TIMEOUT, frames.recv()).await;
        let frame = frame.ok().flatten().ok_or(CameraError::Blank)??;
        if Instant::now() < due {
            continue;
        }
        // USB sometimes loses bytes, so a frame that cannot be decoded is skipped.
        if let Some(picture) = frame.into_picture() {
            pictures.push(picture);
            due = Instant::now() + INTERVAL;
        }
    }
    Ok(pictures)
}

impl Frame {
    fn into_picture(self) -> Option<Picture> {
        match self {
            Self::Jpeg(bytes) => picture::prepare(mjpeg::with_tables(bytes)).ok(),
            Self::Yuyv { width, height, stride, bytes } => {
                picture::encode(&yuyv::to_rgb(width, height, stride, &bytes)?).ok()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(level: u8) -> Frame {
        Frame::Yuyv { width: 2, height: 1, stride: 4, bytes: vec![level, 128, level, 128] }
    }

    fn level(picture: &Picture) -> u8 {
        image::load_from_memory(picture.bytes()).unwrap().into_luma8().as_raw()[0]
    }

    /// A camera with 10 frames per second. Each frame is brighter by one, every other is broken.
    fn filming() -> mpsc::Receiver<Result<Frame, CameraError>> {
        let (sender, frames) = mpsc::channel(1);
        tokio::spawn(async move {
            let mut shutter = tokio::time::interval(Duration::from_millis(100));
            for brightness in 16.. {
                shutter.tick().await;
                let broken = Frame::Jpeg(b"\xff\xd8 half a frame".to_vec());
                let frame = if brightness % 2 == 0 { grey(brightness) } else { broken };
                if sender.send(Ok(frame)).await.is_err() {
                    return;
                }
            }
        });
        frames
    }

    #[tokio::test(start_paused = true)]
    async fn pictures_are_taken_after_the_warm_up_at_intervals() {
        let pictures = pick(&mut filming(), AT_LOGIN).await.unwrap();
        assert_eq!(pictures.len(), AT_LOGIN);
        let levels: Vec<u8> = pictures.iter().map(level).collect();
        // Frame 8 is the first intact one after 700 ms. Then every fourth is taken, because the one
        // after 300 ms is broken.
        assert!(levels.windows(2).all(|pair| pair[1] >= pair[0] + 3), "{levels:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_camera_that_sends_nothing_times_out() {
        let (_silent, mut frames) = mpsc::channel(1);
        assert!(matches!(pick(&mut frames, 1).await, Err(CameraError::Blank)));
    }

    #[tokio::test]
    async fn a_missing_camera_is_named_in_the_error() {
        let error = take(Path::new("/dev/video-none"), 1).await.unwrap_err();
        assert!(error.to_string().contains("/dev/video-none"), "{error}");
    }

    #[tokio::test]
    async fn a_file_that_is_not_a_camera_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = take(file.path(), 1).await.unwrap_err();
        assert!(matches!(error, CameraError::Absent { .. }), "{error}");
    }
}
