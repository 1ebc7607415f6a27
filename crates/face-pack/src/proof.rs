//! Self-test of a converted network: runs it on a fixed pattern and compares the output with
//! recorded values.
//!
//! The expected values are from ONNX Runtime 1.31, with an independent conversion of the same
//! weights.

use crate::{InstallError, unproved};
use fourauth_face::{
    manifest::DetectorKind,
    self_test::{self, Role},
};

/// Largest accepted difference, as a fraction of the output's root mean square.
const TOLERANCE: f32 = 2e-3;

/// The expected outputs of one network for the pattern.
pub(crate) struct Proof {
    network: &'static str,
    role: Role,
    expected: &'static [Expected],
}

/// One output: the root mean square of all values, and the values at the start of each quarter.
struct Expected {
    rms: f32,
    quarters: [f32; 4],
}

pub(crate) const DETECTOR: Proof = Proof {
    network: "detector",
    role: Role::Detector { kind: DetectorKind::BlazeFace, side: 256 },
    expected: &[
        Expected { rms: 88.364_33, quarters: [-16.801_884, -3.187_587, -3.417_902, -13.598_623] },
        Expected { rms: 14.153_217, quarters: [-3.172_21, -2.246_026, -3.006_242, -4.100_907] },
        Expected { rms: 14.597_878, quarters: [-4.522_97, -4.577_165, -4.888_022, -4.178_477] },
        Expected { rms: 37.853_31, quarters: [11.708_257, -1.552_703, 0.418_119, -7.653_861] },
    ],
};

pub(crate) const LANDMARKS: Proof = Proof {
    network: "landmarks",
    role: Role::FaceApiLandmarks,
    expected: &[Expected {
        rms: 0.528_389,
        quarters: [0.419_465, 0.415_490, 0.577_392, 0.599_154],
    }],
};

pub(crate) const EMBEDDER: Proof = Proof {
    network: "embedder",
    role: Role::Embedder { side: 150, dimensions: 128 },
    expected: &[Expected {
        rms: 0.117_341,
        quarters: [-0.075_195, -0.177_769, 0.202_027, -0.114_935],
    }],
};

impl Proof {
    /// Loads the network, runs it once and compares its outputs.
    pub(crate) fn hold(&self, onnx: &[u8]) -> Result<(), InstallError> {
        let outputs = self_test::outputs(onnx, self.role).map_err(unproved(self.network))?;
        let worst =
            outputs.iter().zip(self.expected).map(|(output, expected)| expected.off(output));
        let worst = worst.fold(0.0, f32::max);
        if worst <= TOLERANCE {
            return Ok(());
        }
        Err(InstallError::Proof {
            network: self.network,
            reason: format!("differs by {worst:.4} of the root mean square"),
        })
    }
}

impl Expected {
    /// The largest difference, as a fraction of the root mean square.
    fn off(&self, output: &[f32]) -> f32 {
        let quarter = (output.len() / 4).max(1);
        let probes = output
            .iter()
            .step_by(quarter)
            .zip(self.quarters)
            .map(|(found, wanted)| (found - wanted).abs());
        let count = output.iter().fold(0.0_f32, |count, _| count + 1.0);
        let rms = (output.iter().map(|value| value * value).sum::<f32>() / count).sqrt();
        probes.fold((rms - self.rms).abs(), f32::max) / self.rms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_a_network_fails() {
        let error = DETECTOR.hold(b"not ONNX").unwrap_err();
        assert!(matches!(error, InstallError::Proof { network: "detector", .. }));
    }
}
