//! Films with V4L2, the cameras of Linux. The only file that knows the binding.

use super::{CameraError, Frame};
use linuxvideo::{
    BufType, Device, VideoCaptureDevice,
    format::{PixFormat, PixelFormat},
    stream::ReadStream,
};
use std::{io, path::Path};
use tokio::sync::mpsc::Sender;

/// What is asked of the driver, which takes the nearest it can do.
const WIDTH: u32 = 1280;
const HEIGHT: u32 = 720;

/// What this program can read, best first: JPEGs are small enough for any USB to be fluent.
const READABLE: [PixelFormat; 3] = [PixelFormat::MJPG, PixelFormat::JPEG, PixelFormat::YUYV];

/// Sends frames until nobody takes them or the camera fails; then the last thing sent says why.
pub(super) fn film(device: &Path, frames: &Sender<Result<Frame, CameraError>>) {
    if let Err(error) = send_frames(device, frames) {
        // Nobody listens any more only if nobody wants to know.
        let _nobody = frames.blocking_send(Err(error));
    }
}

fn send_frames(
    device: &Path,
    frames: &Sender<Result<Frame, CameraError>>,
) -> Result<(), CameraError> {
    let camera = open(device)?;
    let (format, width, height, stride) = {
        let chosen = camera.format();
        (chosen.pixel_format(), chosen.width(), chosen.height(), chosen.bytes_per_line())
    };
    let mut stream = camera.into_stream().map_err(CameraError::Broken)?;
    loop {
        let bytes = next_frame(&mut stream).map_err(CameraError::Broken)?;
        let frame = if format == PixelFormat::YUYV {
            Frame::Yuyv { width, height, stride, bytes }
        } else {
            Frame::Jpeg(bytes)
        };
        if frames.blocking_send(Ok(frame)).is_err() {
            return Ok(());
        }
    }
}

fn open(path: &Path) -> Result<VideoCaptureDevice, CameraError> {
    let absent = |reason: io::Error| CameraError::Absent { device: path.to_owned(), reason };
    let device = Device::open(path).map_err(absent)?;
    let offered: Vec<PixelFormat> = device
        .formats(BufType::VIDEO_CAPTURE)
        .filter_map(|format| Some(format.ok()?.pixel_format()))
        .collect();
    let wanted = READABLE.into_iter().find(|format| offered.contains(format));
    let wanted = PixFormat::new(WIDTH, HEIGHT, wanted.ok_or(CameraError::NoFormat)?);
    let camera = device.video_capture(wanted).map_err(CameraError::Broken)?;
    // A driver may choose another format than the one that it was asked for.
    if READABLE.contains(&camera.format().pixel_format()) {
        Ok(camera)
    } else {
        Err(CameraError::NoFormat)
    }
}

/// The next frame that the driver does not itself call damaged.
fn next_frame(stream: &mut ReadStream) -> io::Result<Vec<u8>> {
    loop {
        let frame = stream.dequeue(|buffer| Ok((!buffer.is_error()).then(|| buffer.to_vec())))?;
        if let Some(bytes) = frame {
            return Ok(bytes);
        }
    }
}
