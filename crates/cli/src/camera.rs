//! Pictures of the face, from a camera.
//!
//! The seam: whatever films sends [`Frame`]s through a channel, and this file picks from them. On
//! Linux `v4l2` films; elsewhere nothing does, and `--face` serves.

mod mjpeg;
#[cfg(target_os = "linux")]
mod v4l2;
mod yuyv;

use crate::picture;
use fourauth_protocol::picture::Picture;
use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

/// Pictures for a login.
pub const AT_LOGIN: usize = 3;

/// Pictures for an enrolment: light and posture differ a little among them.
pub const AT_ENROLMENT: usize = 5;

/// How long a camera needs to find exposure and focus; its first frames are dark.
const WARM_UP: Duration = Duration::from_millis(700);

/// Time between two pictures, so that they differ.
const APART: Duration = Duration::from_millis(300);

/// How long a camera may take for all of it.
const PATIENCE: Duration = Duration::from_secs(15);

/// One frame as a camera delivers it.
#[derive(Debug)]
pub enum Frame {
    /// A JPEG, perhaps without Huffman tables, as cameras send them.
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
    /// No camera there, or no permission.
    #[error("no camera at {}: {reason}", device.display())]
    Absent {
        /// Where it was looked for.
        device: PathBuf,
        /// Why it was not found.
        #[source]
        reason: io::Error,
    },
    /// A camera, but none that this program can use.
    #[error("the camera offers neither MJPEG nor YUYV")]
    NoFormat,
    /// It stopped.
    #[error("the camera failed: {0}")]
    Broken(#[source] io::Error),
    /// It sends nothing, or nothing that is a picture.
    #[error("the camera sends no pictures")]
    Blank,
    /// No cameras on this system.
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

/// Films on a thread of its own until nobody takes the frames.
///
/// Nobody waits for the thread: a driver may hang, and then it ends with the process.
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

/// Picks `count` readable frames, a little apart, after the warm-up.
async fn pick(
    frames: &mut mpsc::Receiver<Result<Frame, CameraError>>,
    count: usize,
) -> Result<Vec<Picture>, CameraError> {
    let start = Instant::now();
    let mut due = start + WARM_UP;
    let mut pictures = Vec::with_capacity(count);
    while pictures.len() < count {
        let frame = timeout_at(start + PATIENCE, frames.recv()).await;
        let frame = frame.ok().flatten().ok_or(CameraError::Blank)??;
        if Instant::now() < due {
            continue;
        }
        // USB drops bytes now and then, so a frame that cannot be read is passed over.
        if let Some(picture) = frame.into_picture() {
            pictures.push(picture);
            due = Instant::now() + APART;
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

    /// A camera that films at 10 frames a second and whose frames get brighter by one each.
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
    async fn pictures_are_taken_after_the_warm_up_and_a_little_apart() {
        let pictures = pick(&mut filming(), AT_LOGIN).await.unwrap();
        assert_eq!(pictures.len(), AT_LOGIN);
        let levels: Vec<u8> = pictures.iter().map(level).collect();
        // Frame 8 is the first whole one after 700 ms, then every fourth: 300 ms on is a broken one.
        assert!(levels.windows(2).all(|pair| pair[1] >= pair[0] + 3), "{levels:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_camera_that_sends_nothing_is_given_up() {
        let (_silent, mut frames) = mpsc::channel(1);
        assert!(matches!(pick(&mut frames, 1).await, Err(CameraError::Blank)));
    }

    #[tokio::test]
    async fn a_camera_that_is_not_there_is_named() {
        let error = take(Path::new("/dev/video-none"), 1).await.unwrap_err();
        assert!(error.to_string().contains("/dev/video-none"), "{error}");
    }

    #[tokio::test]
    async fn a_file_that_is_no_camera_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = take(file.path(), 1).await.unwrap_err();
        assert!(matches!(error, CameraError::Absent { .. }), "{error}");
    }
}
