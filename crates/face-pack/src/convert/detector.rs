//! BlazeFace of `@vladmandic/human`: a TensorFlow.js graph model, converted node by node.
//!
//! It was trained on pictures of 256 × 256, and works on smaller ones with the same weights: only
//! the number of anchors depends on the side. Only the ten kinds of node in this graph are
//! supported. Outputs are scores and boxes at two strides.

use super::{
    ConvertError,
    graph::{Graph, Padding, Pool, Value},
    tensor::Tensor,
    tfjs::{Group, Weights, weights},
};
use serde::Deserialize;
use std::collections::HashMap;

/// Outputs: the name in ONNX, and the node of the TensorFlow graph.
const OUTPUTS: [(&str, &str); 4] = [
    ("scores16", "Identity"),
    ("boxes16", "Identity_2"),
    ("scores32", "Identity_1"),
    ("boxes32", "Identity_3"),
];

/// Side of the pictures that the graph describes, in pixels.
const DESCRIBED_SIDE: usize = 256;

/// Converts the network to ONNX, from its graph and its weight file, for pictures of this side.
pub(super) fn detector(model: &[u8], shard: &[u8], side: usize) -> Result<Vec<u8>, ConvertError> {
    let model: Model = serde_json::from_slice(model)
        .map_err(|error| ConvertError::new(format!("cannot parse the graph: {error}")))?;
    let weights = weights(&model.weights_manifest, shard)?;
    let nodes = model.topology.nodes.iter().map(|node| (node.name.as_str(), node)).collect();
    let (mut graph, input) = Graph::new("detector", side);
    let picture = graph.normalised(&input, [127.5; 3], 1.0 / 127.5);

    let mut net = Net { graph, nodes, weights, picture, side, known: HashMap::new() };
    let mut outputs = Vec::with_capacity(OUTPUTS.len());
    for (name, node) in OUTPUTS {
        outputs.push((name, net.value(node, MAX_DEPTH)?));
    }
    Ok(net.graph.finish(&outputs))
}

/// Upper bound of the length of a chain of nodes; the longest in this graph has about 110.
const MAX_DEPTH: usize = 400;

#[derive(Debug, Deserialize)]
struct Model {
    #[serde(rename = "modelTopology")]
    topology: Topology,
    #[serde(rename = "weightsManifest")]
    weights_manifest: Vec<Group>,
}

#[derive(Debug, Deserialize)]
struct Topology {
    #[serde(rename = "node")]
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    name: String,
    op: String,
    #[serde(rename = "input", default)]
    inputs: Vec<String>,
    #[serde(rename = "attr", default)]
    attributes: HashMap<String, Attribute>,
}

#[derive(Debug, Default, Deserialize)]
struct Attribute {
    #[serde(default)]
    list: List,
    /// A string in base64.
    s: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct List {
    /// Integers, as decimal strings.
    #[serde(default)]
    i: Vec<String>,
    /// Strings in base64.
    #[serde(default)]
    s: Vec<String>,
}

impl Node {
    fn input(&self, index: usize) -> Result<&str, ConvertError> {
        let name = self.inputs.get(index).map(String::as_str);
        name.ok_or_else(|| ConvertError::new(format!("{} has no input {index}", self.name)))
    }

    /// The height and width of four sizes (batch, height, width, channels), which must be equal.
    fn side(&self, attribute: &str) -> Result<usize, ConvertError> {
        let sizes = self.attributes.get(attribute).map(|found| found.list.i.as_slice());
        match sizes {
            Some([_, high, wide, _]) if high == wide => high.parse().ok(),
            _ => None,
        }
        .ok_or_else(|| ConvertError::new(format!("bad attribute {} of {}", attribute, self.name)))
    }

    fn padding(&self) -> Result<Padding, ConvertError> {
        match self.attributes.get("padding").and_then(|found| found.s.as_deref()) {
            Some("U0FNRQ==") => Ok(Padding::Same),
            Some("VkFMSUQ=") => Ok(Padding::Valid),
            other => Err(ConvertError::new(format!("padding {other:?} of {}", self.name))),
        }
    }

    /// True if a relu is fused into this convolution. A bias always is.
    fn fused_relu(&self) -> Result<bool, ConvertError> {
        let fused = self.attributes.get("fused_ops").map(|found| found.list.s.as_slice());
        match fused.unwrap_or_default() {
            [bias] if bias == BIAS_ADD => Ok(false),
            [bias, relu] if bias == BIAS_ADD && relu == RELU => Ok(true),
            other => Err(ConvertError::new(format!("{} has the fused ops {other:?}", self.name))),
        }
    }
}

/// `BiasAdd` in base64.
const BIAS_ADD: &str = "Qmlhc0FkZA==";

/// `Relu` in base64.
const RELU: &str = "UmVsdQ==";

struct Net<'a> {
    graph: Graph,
    nodes: HashMap<&'a str, &'a Node>,
    weights: Weights,
    picture: Value,
    side: usize,
    known: HashMap<&'a str, Value>,
}

impl<'a> Net<'a> {
    /// The value of the node `name`, which is added to the graph at the first call.
    fn value(&mut self, name: &str, depth: usize) -> Result<Value, ConvertError> {
        if let Some(known) = self.known.get(name) {
            return Ok(known.clone());
        }
        let node: &'a Node =
            self.nodes.get(name).ok_or_else(|| ConvertError::new(format!("no node {name}")))?;
        let depth =
            depth.checked_sub(1).ok_or_else(|| ConvertError::new("nodes in a loop".to_owned()))?;
        let value = self.computed(node, depth)?;
        self.known.insert(&node.name, value.clone());
        Ok(value)
    }

    fn computed(&mut self, node: &Node, depth: usize) -> Result<Value, ConvertError> {
        if node.op == "Placeholder" {
            return Ok(self.picture.clone());
        }
        let from = self.value(node.input(0)?, depth)?;
        match node.op.as_str() {
            "Identity" => Ok(from),
            "Relu" => Ok(self.graph.relu(&from)),
            "AddV2" => {
                let other = self.value(node.input(1)?, depth)?;
                self.graph.add(&from, &other)
            }
            "MaxPool" => {
                let (side, stride) = (node.side("ksize")?, node.side("strides")?);
                self.graph.pool(&from, Pool::Max, side, stride, node.padding()?)
            }
            "DepthwiseConv2dNative" => {
                let filter = self.weights.named(node.input(1)?)?;
                self.graph.depthwise(&from, filter, node.side("strides")?, node.padding()?)
            }
            "_FusedConv2D" => self.convolved(node, &from),
            "Pad" => self.padded(node, &from),
            "Reshape" => self.reshaped(node, &from),
            other => Err(ConvertError::new(format!("{} has the operation {other}", node.name))),
        }
    }

    fn convolved(&mut self, node: &Node, from: &Value) -> Result<Value, ConvertError> {
        let filter = self.weights.named(node.input(1)?)?;
        let bias = self.weights.named(node.input(2)?)?;
        let value =
            self.graph.conv(from, filter, Some(bias), node.side("strides")?, node.padding()?)?;
        Ok(if node.fused_relu()? { self.graph.relu(&value) } else { value })
    }

    /// Pads the channels at their end: `[[0, 0], [0, 0], [0, 0], [0, n]]`.
    fn padded(&mut self, node: &Node, from: &Value) -> Result<Value, ConvertError> {
        let pads = integers(self.weights.named(node.input(1)?)?)?;
        let [channels, height, width] = from.planes()?;
        match pads[..] {
            [0, 0, 0, 0, 0, 0, 0, more] => {
                self.graph.zero_padded(from, [channels + more, height, width])
            }
            _ => Err(ConvertError::new(format!("{} pads by {pads:?}", node.name))),
        }
    }

    /// A table with one row for each anchor. Their number grows with the area of the picture.
    fn reshaped(&mut self, node: &Node, from: &Value) -> Result<Value, ConvertError> {
        let shape = integers(self.weights.named(node.input(1)?)?)?;
        let table = self.graph.table(from, shape.last().copied().unwrap_or(0))?;
        match (table.shape(), &shape[..]) {
            (&[1, rows, columns], &[1, described_rows, described_columns])
                if columns == described_columns
                    && rows * DESCRIBED_SIDE * DESCRIBED_SIDE
                        == described_rows * self.side * self.side =>
            {
                Ok(table)
            }
            _ => Err(ConvertError::new(format!("{} is reshaped to {shape:?}", node.name))),
        }
    }
}

/// The values of a tensor of integers that are not negative.
fn integers(tensor: &Tensor) -> Result<Vec<usize>, ConvertError> {
    tensor.values().iter().map(|&value| whole(value)).collect()
}

fn whole(value: f32) -> Result<usize, ConvertError> {
    let text = format!("{value:.0}");
    text.parse().map_err(|_| ConvertError::new(format!("{value} is not a size")))
}
