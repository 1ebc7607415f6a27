//! `[face]`

use fourauth_auth::profile::Profile;
use fourauth_face::Digest;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Face recognition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaceConfig {
    /// The folder that holds the model packs, each in its own folder. Default: `<data_dir>/models`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packs_dir: Option<PathBuf>,
    /// The pack in use. Templates of different packs cannot be compared.
    pub pack: String,
    /// True if the pack in use is installed at start when it is missing and can be built.
    pub install: bool,
    /// True if a picture must show a live face, as far as the pack can judge it. Without it, fewer wrong
    /// faces are accepted in a row.
    pub liveness: bool,
    /// True if the picture of an enrolment is stored, encrypted, in addition to its template, for
    /// users that agreed to a notice. Matching does not need it.
    pub keep_image: bool,
    /// Which commands need a face challenge. Default: `recovery` under the profile `secure`, `always`
    /// under `strict`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub challenge: Option<ChallengeConfig>,
    /// The library of ONNX Runtime that runs the networks, for a program with the feature
    /// `onnx-runtime`. Without it, or if it cannot be loaded, tract runs them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub onnx_runtime: Option<PathBuf>,
    /// The SHA-256 of that library. A file with another one is not loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub onnx_runtime_sha256: Option<Digest>,
}

/// Which commands need a face challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChallengeConfig {
    /// No command.
    Off,
    /// The recoveries that take a face.
    Recovery,
    /// The recoveries, and every login that takes a face.
    Always,
}

impl ChallengeConfig {
    /// What holds under `profile` if the operator has set nothing.
    #[must_use]
    pub const fn of(profile: Profile) -> Self {
        match profile {
            Profile::Secure => Self::Recovery,
            Profile::Strict => Self::Always,
        }
    }
}

impl Default for FaceConfig {
    fn default() -> Self {
        Self {
            packs_dir: None,
            pack: "blaze-fr".into(),
            install: true,
            liveness: true,
            keep_image: false,
            challenge: None,
            onnx_runtime: None,
            onnx_runtime_sha256: None,
        }
    }
}
