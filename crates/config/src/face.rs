//! `[face]`

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Faces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaceConfig {
    /// The folder that holds model packs, one folder each. Default: `<data_dir>/models`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packs_dir: Option<PathBuf>,
    /// The pack in use. Templates of one pack cannot be compared with pictures seen by another.
    pub pack: String,
    /// Whether the default pack is installed at start if it is not there.
    pub install: bool,
    /// Whether the picture of an enrolment is kept, sealed, beside its template, of people who have
    /// agreed to a notice. Matching never needs it.
    pub keep_image: bool,
}

impl Default for FaceConfig {
    fn default() -> Self {
        Self { packs_dir: None, pack: "blaze-dlib".into(), install: true, keep_image: false }
    }
}
