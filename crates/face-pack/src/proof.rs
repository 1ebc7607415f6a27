//! Self-test of a converted network: runs it on a fixed pattern and compares the output with
//! recorded values.
//!
//! The expected values are from ONNX Runtime: 1.31 for `blaze-dlib` and 1.32 for `blaze-fr`. It ran
//! an independent conversion of the same weights, or the ONNX file as it is in its package.

use crate::{InstallError, unproved};
use fourauth_face::{
    manifest::DetectorKind,
    self_test::{self, Role},
};

/// Largest accepted difference, as a fraction of the output's root mean square.
const TOLERANCE: f32 = 2e-3;

/// The expected outputs of one network for the pattern.
pub(crate) struct Proof {
    role: Role,
    expected: &'static [Expected],
}

/// One output: the root mean square of all values, and the values at the start of each quarter.
struct Expected {
    rms: f32,
    quarters: [f32; 4],
}

pub(crate) const DETECTOR_256: Proof = Proof {
    role: Role::Detector { kind: DetectorKind::BlazeFace, side: 256 },
    expected: &[
        Expected { rms: 88.364_33, quarters: [-16.801_884, -3.187_587, -3.417_902, -13.598_623] },
        Expected { rms: 14.153_217, quarters: [-3.172_21, -2.246_026, -3.006_242, -4.100_907] },
        Expected { rms: 14.597_878, quarters: [-4.522_97, -4.577_165, -4.888_022, -4.178_477] },
        Expected { rms: 37.853_31, quarters: [11.708_257, -1.552_703, 0.418_119, -7.653_861] },
    ],
};

pub(crate) const FACE_API_LANDMARKS: Proof = Proof {
    role: Role::FaceApiLandmarks,
    expected: &[Expected {
        rms: 0.528_389,
        quarters: [0.419_465, 0.415_490, 0.577_392, 0.599_154],
    }],
};

pub(crate) const DLIB_EMBEDDER: Proof = Proof {
    role: Role::Embedder { side: 150, dimensions: 128 },
    expected: &[Expected {
        rms: 0.117_341,
        quarters: [-0.075_195, -0.177_769, 0.202_027, -0.114_935],
    }],
};

pub(crate) const DETECTOR_128: Proof = Proof {
    role: Role::Detector { kind: DetectorKind::BlazeFace, side: 128 },
    expected: &[
        Expected { rms: 31.174_134, quarters: [-17.443_779, -4.278_913, -3.543_293, -3.923_14] },
        Expected { rms: 15.556_392, quarters: [-3.118_902, -2.677_842, -2.172_735, 0.539_547] },
        Expected { rms: 11.726_875, quarters: [-4.686_778, -3.994_651, -3.860_743, -4.384_629] },
        Expected { rms: 37.274_161, quarters: [12.666_018, 3.840_049, -4.446_305, -0.499_271] },
    ],
};

pub(crate) const GREY_LANDMARKS: Proof = Proof {
    role: Role::GreyLandmarks,
    expected: &[Expected {
        rms: 1.490_545,
        quarters: [0.463_292, -0.562_335, -0.442_39, 0.050_871],
    }],
};

pub(crate) const FR_EMBEDDER: Proof = Proof {
    role: Role::Embedder { side: 112, dimensions: 512 },
    expected: &[Expected {
        rms: 376.627_4,
        quarters: [67.372_246, 398.374, 198.436_6, -184.301_88],
    }],
};

/// Three values, so the fourth is not compared.
pub(crate) const FR_LIVENESS: Proof = Proof {
    role: Role::Liveness { side: 128, classes: 3 },
    expected: &[Expected { rms: 4.300_047, quarters: [5.902_195, -4.219_462, -1.682_691, 0.0] }],
};

impl Proof {
    /// Loads the network, runs it once and compares its outputs.
    pub(crate) fn hold(&self, network: &'static str, onnx: &[u8]) -> Result<(), InstallError> {
        let outputs = self_test::outputs(onnx, self.role).map_err(unproved(network))?;
        let worst =
            outputs.iter().zip(self.expected).map(|(output, expected)| expected.off(output));
        let worst = worst.fold(0.0, f32::max);
        if worst <= TOLERANCE {
            return Ok(());
        }
        Err(InstallError::Proof {
            network,
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
        let error = DETECTOR_256.hold("detector", b"not ONNX").unwrap_err();
        assert!(matches!(error, InstallError::Proof { network: "detector", .. }));
    }
}
