//! Reads weights in the format of TensorFlow.js: a manifest, and a file with the tensors back to
//! back.
//!
//! Affine quantisation is reversed, `q × scale + min` (tfjs-core `io_utils.ts`, `decodeWeights`).
//! Only the features that the default networks use are supported: one shard, `float32`, `int32`,
//! and `uint8` quantisation.

use super::{ConvertError, tensor::Tensor};
use serde::Deserialize;
use std::collections::HashMap;

/// Named tensors of one network.
#[derive(Debug)]
pub(super) struct Weights(HashMap<String, Tensor>);

impl Weights {
    /// The tensor `name`.
    pub(super) fn named(&self, name: &str) -> Result<&Tensor, ConvertError> {
        self.0.get(name).ok_or_else(|| ConvertError::new(format!("no tensor {name}")))
    }
}

/// One entry of a `weightsManifest`: tensors and the files that hold them.
#[derive(Debug, Deserialize)]
pub(super) struct Group {
    weights: Vec<Entry>,
    paths: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    name: String,
    shape: Vec<usize>,
    dtype: Kind,
    quantization: Option<Quantisation>,
}

#[derive(Debug, Deserialize)]
struct Quantisation {
    dtype: Kind,
    scale: f32,
    min: f32,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Float32,
    Int32,
    Uint8,
}

/// Reads the tensors that `groups` describe from `shard`.
pub(super) fn weights(groups: &[Group], shard: &[u8]) -> Result<Weights, ConvertError> {
    let [Group { weights, paths }] = groups else {
        return Err(ConvertError::new("weights in more than one group".to_owned()));
    };
    if paths.len() != 1 {
        return Err(ConvertError::new(format!("weights in {} files", paths.len())));
    }
    let mut rest = shard;
    let mut named = HashMap::with_capacity(weights.len());
    for entry in weights {
        named.insert(entry.name.clone(), entry.take(&mut rest)?);
    }
    if rest.is_empty() {
        return Ok(Weights(named));
    }
    Err(ConvertError::new(format!("{} bytes after the last tensor", rest.len())))
}

impl Entry {
    /// Cuts this tensor's bytes off the front of `rest`.
    fn take(&self, rest: &mut &[u8]) -> Result<Tensor, ConvertError> {
        let stored = self.quantization.as_ref().map_or(self.dtype, |quantised| quantised.dtype);
        let width = match stored {
            Kind::Uint8 => 1,
            Kind::Float32 | Kind::Int32 => 4,
        };
        let count: usize = self.shape.iter().product();
        let (bytes, after) = count
            .checked_mul(width)
            .and_then(|length| rest.split_at_checked(length))
            .ok_or_else(|| ConvertError::new(format!("the file ends inside {}", self.name)))?;
        *rest = after;
        Tensor::new(self.shape.clone(), self.values(stored, bytes)?)
    }

    fn values(&self, stored: Kind, bytes: &[u8]) -> Result<Vec<f32>, ConvertError> {
        let (words, _) = bytes.as_chunks::<4>();
        match (stored, &self.quantization) {
            (Kind::Float32, None) => {
                Ok(words.iter().map(|&word| f32::from_le_bytes(word)).collect())
            }
            (Kind::Int32, None) => {
                words.iter().map(|&word| self.small(i32::from_le_bytes(word))).collect()
            }
            (Kind::Uint8, Some(Quantisation { scale, min, .. })) => {
                Ok(bytes.iter().map(|&q| f32::from(q) * scale + min).collect())
            }
            _ => Err(ConvertError::new(format!("{} is stored as {stored:?}", self.name))),
        }
    }

    /// Converts an integer. Integers are shapes and paddings, far below the maximum of 2^15.
    fn small(&self, value: i32) -> Result<f32, ConvertError> {
        i16::try_from(value)
            .map(f32::from)
            .map_err(|_| ConvertError::new(format!("{value} in {} is out of range", self.name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(text: &str) -> Vec<Group> {
        serde_json::from_str(text).unwrap()
    }

    const TWO: &str = r#"[{"paths": ["a.bin"], "weights": [
        {"name": "q", "shape": [2], "dtype": "float32", "quantization": {"dtype": "uint8", "scale": 0.5, "min": -1.0}},
        {"name": "f", "shape": [], "dtype": "float32"}]}]"#;

    #[test]
    fn quantised_values_are_scale_times_q_plus_min() {
        let bytes = [0, 255, 0, 0, 128, 63];
        let weights = weights(&groups(TWO), &bytes).unwrap();
        assert_eq!(weights.named("q").unwrap().values(), [-1.0, 126.5]);
        assert_eq!(weights.named("f").unwrap().values(), [1.0]);
    }

    #[test]
    fn a_file_of_the_wrong_length_is_refused() {
        assert!(weights(&groups(TWO), &[0; 5]).is_err());
        assert!(weights(&groups(TWO), &[0; 7]).is_err());
    }
}
