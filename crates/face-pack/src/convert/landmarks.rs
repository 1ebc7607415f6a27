//! The 68-point landmark network of `@vladmandic/face-api`: four dense blocks of separable
//! convolutions.
//!
//! Input: 112 × 112. Output: 68 × (x, y), as fractions of the input square.

use super::{
    ConvertError,
    graph::{Graph, Padding, Pool, Value},
    tfjs::Weights,
};

/// Means of the red, green and blue training pixels.
const MEAN: [f32; 3] = [122.782, 117.001, 104.298];

/// Converts the network to ONNX.
pub(super) fn landmarks(weights: &Weights) -> Result<Vec<u8>, ConvertError> {
    let (graph, input) = Graph::new("landmarks", 112);
    let mut net = Net { graph, weights };
    let picture = net.graph.normalised(&input, MEAN, 1.0 / 255.0);

    let first = net.first_layer(&picture)?;
    let mut x = net.dense_block(&first, "dense0")?;
    for block in ["dense1", "dense2", "dense3"] {
        let first = net.separable(&x, &format!("{block}/conv0"), 2)?;
        x = net.dense_block(&first, block)?;
    }
    let pooled = net.graph.pool(&x, Pool::Average, 7, 2, Padding::Valid)?;
    let row = net.graph.flattened(&pooled);
    let points =
        net.graph.dense(&row, weights.named("fc/weights")?, Some(weights.named("fc/bias")?))?;
    Ok(net.graph.finish(&[("landmarks", points)]))
}

struct Net<'a> {
    graph: Graph,
    weights: &'a Weights,
}

impl Net<'_> {
    /// The first layer, which is the only full convolution.
    fn first_layer(&mut self, picture: &Value) -> Result<Value, ConvertError> {
        let filter = self.weights.named("dense0/conv0/filters")?;
        let bias = self.weights.named("dense0/conv0/bias")?;
        self.graph.conv(picture, filter, Some(bias), 2, Padding::Same)
    }

    /// Three layers after `first`. The input of each is the sum of all layers before it.
    fn dense_block(&mut self, first: &Value, name: &str) -> Result<Value, ConvertError> {
        let first = self.graph.relu(first);
        let second = self.separable(&first, &format!("{name}/conv1"), 1)?;
        let mut sum = self.graph.add(&first, &second)?;
        for layer in ["conv2", "conv3"] {
            let active = self.graph.relu(&sum);
            let next = self.separable(&active, &format!("{name}/{layer}"), 1)?;
            sum = self.graph.add(&sum, &next)?;
        }
        Ok(self.graph.relu(&sum))
    }

    /// A depthwise and a pointwise convolution.
    fn separable(&mut self, x: &Value, name: &str, stride: usize) -> Result<Value, ConvertError> {
        let named = |part: &str| self.weights.named(&format!("{name}/{part}"));
        let (depth, point, bias) =
            (named("depthwise_filter")?, named("pointwise_filter")?, named("bias")?);
        let spread = self.graph.depthwise(x, depth, stride, Padding::Same)?;
        self.graph.conv(&spread, point, Some(bias), 1, Padding::Valid)
    }
}
