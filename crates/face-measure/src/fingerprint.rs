//! Identifies everything that the result of a picture depends on.

use fourauth_face::{
    Digest,
    manifest::Manifest,
    pack::{Pack, manifest_text},
};
use std::io;

/// Parts of `pack.toml` that change no result of a single picture.
const WITHOUT_EFFECT: [&str; 6] =
    ["name", "licence", "source", "former_ids", "thresholds", "pictures"];

/// The SHA-256 of the pack's id, its settings and the version of this program. Thresholds are not part
/// of it: another calibration needs no new examination.
///
/// # Errors
///
/// If `pack.toml` can no longer be read.
pub fn fingerprint(pack: &Pack) -> io::Result<Digest> {
    let text = manifest_text(pack.folder()).map_err(io::Error::other)?;
    let manifest = Manifest::parse_unchecked(&text).map_err(io::Error::other)?;
    let mut settings = serde_json::to_value(&manifest)?;
    if let Some(fields) = settings.as_object_mut() {
        fields.retain(|name, _| !WITHOUT_EFFECT.contains(&name.as_str()));
    }
    let version = env!("CARGO_PKG_VERSION");
    Ok(Digest::of(format!("{version} {} {settings}", pack.id()).as_bytes()))
}
