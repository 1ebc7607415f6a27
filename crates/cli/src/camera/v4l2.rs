//! The camera driver for Linux (V4L2). The only file that uses the `linuxvideo` crate.

use super::{CameraError, Frame};
use linuxvideo::{
    BufType, Device, VideoCaptureDevice,
    format::{PixFormat, PixelFormat},
    stream::ReadStream,
};
use std::{io, path::Path};
use tokio::sync::mpsc::Sender;

/// Requested size. The driver chooses the nearest one that it supports.
const WIDTH: u32 = 1280;
const HEIGHT: u32 = 720;

/// Supported formats, best first. JPEGs are small enough for a smooth stream over any USB.
const READABLE: [PixelFormat; 3] = [PixelFormat::MJPG, PixelFormat::JPEG, PixelFormat::YUYV];

/// Checks that the camera can be opened and has a format that can be read.
pub(super) fn check(device: &Path) -> Result<(), CameraError> {
    open(device).map(drop)
}

/// Sends frames until the receiver is dropped or the camera fails. A failure is sent last.
pub(super) fn film(device: &Path, frames: &Sender<Result<Frame, CameraError>>) {
    if let Err(error) = send_frames(device, frames) {
        // Fails only if the receiver was dropped, which needs no report.
        let _dropped = frames.blocking_send(Err(error));
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
    // A driver may choose another format than the requested one.
    if READABLE.contains(&camera.format().pixel_format()) {
        Ok(camera)
    } else {
        Err(CameraError::NoFormat)
    }
}

/// Returns the next frame that the driver does not report as damaged.
fn next_frame(stream: &mut ReadStream) -> io::Result<Vec<u8>> {
    loop {
        let frame = stream.dequeue(|buffer| Ok((!buffer.is_error()).then(|| buffer.to_vec())))?;
        if let Some(bytes) = frame {
            return Ok(bytes);
        }
    }
}
