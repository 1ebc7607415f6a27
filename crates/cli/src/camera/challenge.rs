//! Films the answer to a face challenge: says each step, shows how much the picture has changed, and
//! keeps the two frames of a step that differ most from the face at rest.
//!
//! It does not find the face; the server does.

use super::{CameraError, Frame, TIMEOUT, WARM_UP, mjpeg, yuyv};
use crate::{failure::Failure, picture};
use fourauth_protocol::{
    challenge::{ChallengeStep, FRAMES_PER_STEP},
    picture::Picture,
};
use image::{RgbImage, imageops};
use std::{io::Write, time::Duration};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

/// Time in which the person looks into the camera before the first step, and between two steps.
const AT_REST: Duration = Duration::from_millis(1500);

/// Time to read a step. Frames of it are not kept.
const READING: Duration = Duration::from_millis(800);

/// Time to do a step.
const DOING: Duration = Duration::from_millis(2500);

/// Length of the bar, in characters.
const BAR: usize = 24;

/// The mean change of brightness that fills the bar, in grey levels. A turned head changes 15 to 30.
const FULL: f32 = 20.0;

/// Sides of the picture in which changes are measured.
const THUMB: (u32, u32) = (32, 24);

/// A frame, and how much it differs from the face at rest.
type Candidate = (f32, RgbImage);

/// Films the face at rest and then each step.
pub(crate) async fn film(
    frames: &mut mpsc::Receiver<Result<Frame, CameraError>>,
    steps: &[ChallengeStep],
    notes: &mut dyn Write,
) -> Result<Vec<Picture>, Failure> {
    let rest = "Look into the camera.";
    let first = last_within(frames, WARM_UP + AT_REST, |_| Ok(()), (rest, notes)).await?;
    let at_rest = thumb(&first);
    let mut pictures = vec![encoded(&first)?];
    for step in steps {
        let words = told(step)?;
        let change = |frame: &RgbImage| difference(&at_rest, &thumb(frame));
        let mut best: Vec<Candidate> = Vec::new();
        let told_until = Instant::now() + READING;
        let keep = |frame: &RgbImage| {
            let changed = change(frame);
            if Instant::now() >= told_until {
                remember(&mut best, (changed, frame.clone()));
            }
            Ok(())
        };
        let filmed = last_within(frames, READING + DOING, keep, (words, notes)).await?;
        // A slow camera may have sent no frame after the time to read.
        best.resize_with(FRAMES_PER_STEP, || (0.0, filmed.clone()));
        for (_, frame) in &best {
            pictures.push(encoded(frame)?);
        }
        last_within(frames, AT_REST, |_| Ok(()), (rest, notes)).await?;
    }
    writeln!(notes)?;
    Ok(pictures)
}

/// Keeps the two frames with the largest change, in the order in which they came.
fn remember(best: &mut Vec<Candidate>, candidate: Candidate) {
    best.push(candidate);
    if best.len() > FRAMES_PER_STEP {
        let least = (0..best.len()).min_by(|a, b| best[*a].0.total_cmp(&best[*b].0));
        best.remove(least.unwrap_or(0));
    }
}

/// Shows `words` and a bar for `time`, hands each frame to `see`, and returns the last one.
async fn last_within(
    frames: &mut mpsc::Receiver<Result<Frame, CameraError>>,
    time: Duration,
    mut see: impl FnMut(&RgbImage) -> Result<(), Failure>,
    (words, notes): (&str, &mut dyn Write),
) -> Result<RgbImage, Failure> {
    let begun = Instant::now();
    let (mut first, mut last): (Option<Vec<u8>>, Option<RgbImage>) = (None, None);
    while begun.elapsed() < time || last.is_none() {
        let frame = timeout_at(begun + TIMEOUT, frames.recv()).await;
        let frame = frame.ok().flatten().ok_or(CameraError::Blank)??;
        let Some(frame) = pixels(frame) else { continue };
        let now = thumb(&frame);
        let change = difference(first.get_or_insert_with(|| now.clone()), &now);
        write!(notes, "\r{words:<34} {}", bar(change))?;
        notes.flush()?;
        see(&frame)?;
        last = Some(frame);
    }
    last.ok_or_else(|| CameraError::Blank.into())
}

/// What a person is asked to do. A preview may be mirrored, so the words name the side of the person.
pub(crate) fn told(step: &ChallengeStep) -> Result<&'static str, Failure> {
    match step {
        ChallengeStep::Left => Ok("Turn your head to YOUR left."),
        ChallengeStep::Right => Ok("Turn your head to YOUR right."),
        ChallengeStep::Mouth => Ok("Open your mouth wide."),
        _ => Err(Failure::Usage(
            "the server asks for a step that this version of fourauth does not know".to_owned(),
        )),
    }
}

fn pixels(frame: Frame) -> Option<RgbImage> {
    match frame {
        // USB sometimes loses bytes, so a frame that cannot be decoded is skipped.
        Frame::Jpeg(bytes) => image::load_from_memory(&mjpeg::with_tables(bytes))
            .ok()
            .map(image::DynamicImage::into_rgb8),
        Frame::Yuyv { width, height, stride, bytes } => yuyv::to_rgb(width, height, stride, &bytes),
    }
}

fn encoded(frame: &RgbImage) -> Result<Picture, Failure> {
    picture::encode_frame(frame).map_err(|_| CameraError::Blank.into())
}

/// The brightness of a small copy.
fn thumb(frame: &RgbImage) -> Vec<u8> {
    let small = imageops::thumbnail(frame, THUMB.0, THUMB.1);
    imageops::grayscale(&small).into_raw()
}

/// The mean difference of brightness, in grey levels.
fn difference(one: &[u8], other: &[u8]) -> f32 {
    let changes = one.iter().zip(other).map(|(a, b)| f32::from(a.abs_diff(*b)));
    let (sum, count) = changes.fold((0.0, 0.0_f32), |(sum, count), it| (sum + it, count + 1.0));
    sum / count.max(1.0)
}

fn bar(change: f32) -> String {
    let filled = (1..=BAR).filter(|mark| change * 24.0 >= FULL * exact(*mark)).count();
    format!("[{:<width$}]", "#".repeat(filled), width = BAR)
}

fn exact(mark: usize) -> f32 {
    u16::try_from(mark).map_or(f32::MAX, f32::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(level: u8) -> Frame {
        Frame::Yuyv { width: 2, height: 1, stride: 4, bytes: vec![level, 128, level, 128] }
    }

    /// A camera with 10 frames per second: at rest, then brighter in each step.
    fn filming() -> mpsc::Receiver<Result<Frame, CameraError>> {
        let (sender, frames) = mpsc::channel(1);
        tokio::spawn(async move {
            let mut shutter = tokio::time::interval(Duration::from_millis(100));
            let begun = Instant::now();
            loop {
                shutter.tick().await;
                let level = if begun.elapsed() < WARM_UP + AT_REST { 40 } else { 200 };
                if sender.send(Ok(grey(level))).await.is_err() {
                    return;
                }
            }
        });
        frames
    }

    #[tokio::test(start_paused = true)]
    async fn a_challenge_has_a_frame_at_rest_and_two_of_each_step() {
        let steps = [ChallengeStep::Left, ChallengeStep::Mouth, ChallengeStep::Right];
        let (mut notes, begun) = (Vec::new(), Instant::now());
        let pictures = film(&mut filming(), &steps, &mut notes).await.unwrap();
        assert_eq!(pictures.len(), 7);
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        let notes = String::from_utf8(notes).unwrap();
        for words in ["Look into the camera.", "YOUR left", "Open your mouth", "YOUR right"] {
            assert!(notes.contains(words), "{notes}");
        }
    }

    #[test]
    fn the_two_frames_with_the_largest_change_are_kept_in_order() {
        let mut best = Vec::new();
        for change in [1.0, 9.0, 2.0, 7.0, 3.0] {
            remember(&mut best, (change, RgbImage::new(1, 1)));
        }
        let kept: Vec<f32> = best.into_iter().map(|(change, _)| change).collect();
        assert_eq!(kept, [9.0, 7.0]);
    }

    #[test]
    fn the_bar_grows_with_the_change() {
        assert_eq!(bar(0.0).matches('#').count(), 0);
        assert_eq!(bar(FULL / 2.0).matches('#').count(), BAR / 2);
        assert_eq!(bar(99.0).matches('#').count(), BAR);
    }
}
