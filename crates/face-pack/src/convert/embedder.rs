//! dlib's face recognition network (a residual network of 29 convolutions), from
//! `@vladmandic/face-api`.
//!
//! Input: 150 × 150. Output: 128 values, not normalised. Every `scale` layer is folded into the
//! convolution before it.
//! <https://github.com/davisking/dlib-models#dlib_face_recognition_resnet_model_v1datbz2>

use super::{
    ConvertError,
    graph::{Graph, Padding, Pool, Value},
    tfjs::Weights,
};

/// Means of the red, green and blue training pixels.
const MEAN: [f32; 3] = [122.782, 117.001, 104.298];

/// Blocks after the first layer, in order. Those with `down` in their name halve the picture.
const BLOCKS: [&str; 14] = [
    "conv32_1",
    "conv32_2",
    "conv32_3",
    "conv64_down",
    "conv64_1",
    "conv64_2",
    "conv64_3",
    "conv128_down",
    "conv128_1",
    "conv128_2",
    "conv256_down",
    "conv256_1",
    "conv256_2",
    "conv256_down_out",
];

/// Converts the network to ONNX.
pub(super) fn embedder(weights: &Weights) -> Result<Vec<u8>, ConvertError> {
    let (graph, input) = Graph::new("embedder", 150);
    let mut net = Net { graph, weights };
    let mut x = net.graph.normalised(&input, MEAN, 1.0 / 255.0);
    x = net.conv(&x, "conv32_down", 2, Padding::Valid)?;
    x = net.graph.relu(&x);
    x = net.graph.pool(&x, Pool::Max, 3, 2, Padding::Valid)?;
    for block in BLOCKS {
        x = if block.contains("down") {
            net.halving_block(&x, block)?
        } else {
            net.block(&x, block)?
        };
    }
    let means = net.graph.channel_means(&x)?;
    let embedding = net.graph.dense(&means, weights.named("fc")?, None)?;
    Ok(net.graph.finish(&[("embedding", embedding)]))
}

struct Net<'a> {
    graph: Graph,
    weights: &'a Weights,
}

impl Net<'_> {
    /// A residual block: `relu(x + conv(relu(conv(x))))`.
    fn block(&mut self, x: &Value, name: &str) -> Result<Value, ConvertError> {
        let inner = self.conv(x, &format!("{name}/conv1"), 1, Padding::Same)?;
        let inner = self.graph.relu(&inner);
        let inner = self.conv(&inner, &format!("{name}/conv2"), 1, Padding::Same)?;
        let sum = self.graph.add(&inner, x)?;
        Ok(self.graph.relu(&sum))
    }

    /// A residual block at half the size. The smaller of the two branches is padded with zeros: the
    /// pooled branch in channels, the convolved branch by a row and a column at odd sizes.
    fn halving_block(&mut self, x: &Value, name: &str) -> Result<Value, ConvertError> {
        let inner = self.conv(x, &format!("{name}/conv1"), 2, Padding::Valid)?;
        let inner = self.graph.relu(&inner);
        let inner = self.conv(&inner, &format!("{name}/conv2"), 1, Padding::Same)?;
        let pooled = self.graph.pool(x, Pool::Average, 2, 2, Padding::Valid)?;

        let ([channels, ..], [_, height, width]) = (inner.planes()?, pooled.planes()?);
        let inner = self.graph.zero_padded(&inner, [channels, height, width])?;
        let pooled = self.graph.zero_padded(&pooled, [channels, height, width])?;
        let sum = self.graph.add(&pooled, &inner)?;
        Ok(self.graph.relu(&sum))
    }

    /// A convolution, including the scale layer that follows it.
    fn conv(
        &mut self,
        x: &Value,
        name: &str,
        stride: usize,
        padding: Padding,
    ) -> Result<Value, ConvertError> {
        let named = |part: &str| self.weights.named(&format!("{name}/{part}"));
        let scale = named("scale/weights")?;
        let filter = named("conv/filters")?.scaled_by(scale)?;
        let bias = named("conv/bias")?.scaled_by(scale)?.plus(named("scale/biases")?)?;
        self.graph.conv(x, &filter, Some(&bias), stride, padding)
    }
}
