//! What is wrong with a manifest that has the right form.

use super::{Detector, DetectorKind, Embedder, FORMAT, Landmarks, Liveness, Manifest};
use crate::{Alignment, DIMENSIONS, Threshold};

/// Upper bound of former ids of a pack.
const MAX_FORMER_IDS: usize = 16;

/// Upper bound of networks that judge liveness.
const MAX_LIVENESS_NETWORKS: usize = 4;

/// The first flaw of a manifest.
pub(super) fn of(manifest: &Manifest) -> Option<String> {
    let Manifest { detector, landmarks, embedder, liveness, .. } = manifest;
    let flaw = of_names(manifest)
        .or_else(|| of_detector(detector, landmarks))
        .or_else(|| of_embedder(embedder, landmarks))
        .or_else(|| manifest.pictures.flaw())
        .or_else(|| manifest.quality.flaw())
        .or_else(|| liveness.as_ref().and_then(of_liveness))
        .or_else(|| of_calibration(manifest));
    flaw.map(str::to_owned).or_else(|| of_twins(manifest.thresholds.points()))
}

fn of_names(manifest: &Manifest) -> Option<&'static str> {
    if manifest.format != FORMAT {
        Some("unknown format version: format must be 1 or 2")
    } else if !plain(&manifest.name) || manifest.files().any(|file| !plain(&file.name)) {
        Some("names consist of a-z, 0-9, '-', '_' and '.', and begin with a letter or digit")
    } else if [&manifest.licence, &manifest.source].iter().any(|text| !one_line(text)) {
        Some("licence and source must be lines of text without control characters")
    } else {
        None
    }
}

fn of_detector(detector: &Detector, landmarks: &Landmarks) -> Option<&'static str> {
    if !(detector.score > 0.0 && detector.score < 1.0) {
        Some("detector.score must lie between 0 and 1")
    } else if !(64..=1024).contains(&detector.side)
        || !detector.side.is_multiple_of(DetectorKind::STRIDE)
    {
        Some("detector.side must be a multiple of 32 from 64 to 1024")
    } else if *landmarks == Landmarks::None && !detector.kind.finds_five_points() {
        Some("landmarks.kind \"none\" needs a detector.kind of \"yunet\" or \"scrfd\"")
    } else {
        None
    }
}

fn of_embedder(embedder: &Embedder, landmarks: &Landmarks) -> Option<&'static str> {
    let Embedder { dimensions, mean, scale, alignment, .. } = embedder;
    let numbers = mean.iter().chain([scale]);
    if !DIMENSIONS.contains(&usize::from(*dimensions)) {
        Some("embedder.dimensions must be 64 to 512")
    } else if !(32..=512).contains(&alignment.side()) {
        Some("embedder.alignment: side must be 32 to 512 pixels")
    } else if matches!(alignment, Alignment::DlibChip { padding, .. } if !(0.0..=1.0).contains(padding))
    {
        Some("embedder.alignment: padding must lie between 0 and 1")
    } else if alignment.needs_all_landmarks() && *landmarks == Landmarks::None {
        Some("embedder.alignment of kind \"dlib-chip\" needs another landmarks.kind than \"none\"")
    } else if !numbers.into_iter().all(|number| number.is_finite()) || *scale == 0.0 {
        Some("embedder.mean and embedder.scale must be finite numbers, and the scale must not be 0")
    } else {
        None
    }
}

fn of_liveness(liveness: &Liveness) -> Option<&'static str> {
    let networks = &liveness.networks;
    if !(liveness.threshold > 0.0 && liveness.threshold < 1.0) {
        Some("liveness.threshold must lie between 0 and 1")
    } else if !(1..=MAX_LIVENESS_NETWORKS).contains(&networks.len()) {
        Some("liveness.networks must have 1 to 4 entries")
    } else if !networks.iter().all(|network| (32..=512).contains(&network.side)) {
        Some("liveness.networks: side must be 32 to 512 pixels")
    } else if !networks.iter().all(|network| (1.0..=8.0).contains(&network.scale)) {
        Some("liveness.networks: scale must be 1 to 8")
    } else if !networks
        .iter()
        .all(|network| network.classes >= 2 && network.live_class < network.classes)
    {
        Some("liveness.networks: classes must be at least 2, and live_class less than classes")
    } else {
        None
    }
}

fn of_calibration(manifest: &Manifest) -> Option<&'static str> {
    if !manifest.thresholds.reach_every_count() {
        Some(
            "[[thresholds]]: one must be for at least 5 enrolled and 5 probe pictures; measure it, \
             or copy that of the default pack if these are its networks",
        )
    } else if manifest.former_ids.len() > MAX_FORMER_IDS {
        Some("former_ids must have at most 16 ids")
    } else {
        manifest.thresholds.flaw(manifest.embedder.dimensions, &manifest.pictures)
    }
}

/// Two thresholds for the same numbers of pictures: one of them would never apply.
fn of_twins(points: &[Threshold]) -> Option<String> {
    let numbers = |point: &Threshold| (point.enrolled, point.probes);
    let twin = points.iter().enumerate().find_map(|(place, point)| {
        let first = points[..place].iter().position(|other| numbers(other) == numbers(point))?;
        Some((first, place, point))
    });
    let (first, second, Threshold { enrolled, probes, .. }) = twin?;
    Some(format!(
        "the [[thresholds]] number {} and number {} are both for enrolled = {enrolled} and probes = \
         {probes}: remove one of them",
        first + 1,
        second + 1
    ))
}

/// True if a terminal shows the text as one line, in the order in which it is written.
fn one_line(text: &str) -> bool {
    let changes_lines =
        |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !text.chars().any(changes_lines)
}

/// True if a name is not a path and not a hidden file.
fn plain(name: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
    (1..=64).contains(&name.len())
        && name.bytes().all(allowed)
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
}
