//! A network that its package contains as ONNX, and the passes that make it faster without changing
//! its outputs.
//!
//! A file is read strictly: an operator, an attribute or a tensor that is not known here is an
//! error, because fields that [`onnx`](super::onnx) lacks are lost. The version of the operator set
//! stays as it is: the engine reads 9 to 13, and the operators that a pass adds mean the same in all
//! of them.

use super::{
    ConvertError,
    onnx::{Attribute, GraphProto, Model, Node, TensorProto},
};
use prost::Message;
use std::{collections::HashSet, ops::RangeInclusive};

/// Versions of the operator set.
const OPERATOR_SETS: RangeInclusive<i64> = 9..=13;

/// Operators that are kept as they are, and `PRelu`, which is rewritten.
const OPERATORS: [&str; 18] = [
    "Add",
    "BatchNormalization",
    "Concat",
    "Constant",
    "Conv",
    "Flatten",
    "Gather",
    "Gemm",
    "GlobalAveragePool",
    "MatMul",
    "Max",
    "Mul",
    PRELU,
    "Relu",
    "Reshape",
    "Shape",
    "Sigmoid",
    "Unsqueeze",
];

const PRELU: &str = "PRelu";

/// Weights nearer to zero than this do not change an output, whatever they are multiplied by.
const SMALLEST_WEIGHT: f32 = 1e-20;

/// A network with one input.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Network {
    model: Model,
    graph: GraphProto,
}

impl Network {
    /// Reads an ONNX file. Weights that an old exporter lists as inputs as well are removed from
    /// the inputs.
    pub(super) fn read(onnx: &[u8]) -> Result<Network, ConvertError> {
        let mut model = Model::decode(onnx)
            .map_err(|error| ConvertError::new(format!("cannot parse the network: {error}")))?;
        let mut graph = model.graph.take().unwrap_or_default();
        if !model.operator_set().is_some_and(|version| OPERATOR_SETS.contains(&version)) {
            return Err(ConvertError::new("not an operator set of version 9 to 13".to_owned()));
        }
        if let Some(node) = graph.nodes.iter().find(|node| !is_known(node)) {
            return Err(ConvertError::new(format!("the unknown operator {}", node.operator)));
        }
        if let Some(tensor) = graph.initializers.iter().find(|tensor| !tensor.is_raw()) {
            return Err(ConvertError::new(format!("{} has no raw values", tensor.name)));
        }
        let weights: HashSet<String> =
            graph.initializers.iter().map(|tensor| tensor.name.clone()).collect();
        graph.inputs.retain(|input| !weights.contains(&input.name));
        match graph.inputs.len() {
            1 => Ok(Network { model, graph }),
            count => Err(ConvertError::new(format!("{count} inputs, expected one"))),
        }
    }

    /// Sets weights below 1e-20 to zero. Most of them are denormal numbers, which make a processor
    /// many times slower.
    pub(super) fn without_tiny_weights(mut self) -> Network {
        for tensor in &mut self.graph.initializers {
            let Some(mut values) = tensor.float_values() else { continue };
            let tiny = |value: &&mut f32| value.abs() < SMALLEST_WEIGHT;
            values.iter_mut().filter(tiny).for_each(|value| *value = 0.0);
            tensor.set_floats(&values);
        }
        self
    }

    /// Replaces every `PRelu` by operators that the engine runs in half the time.
    ///
    /// With a slope `a` for each channel, `PRelu(x)` is `x` where `x` is positive and `a·x` where it
    /// is not. That is `max(x, a·x)` if every slope is at most 1, and `a·x + (1 − a)·relu(x)`
    /// otherwise.
    pub(super) fn without_prelu(mut self) -> Result<Network, ConvertError> {
        for (index, node) in std::mem::take(&mut self.graph.nodes).into_iter().enumerate() {
            if node.operator == PRELU {
                self.rewrite(&node, index)?;
            } else {
                self.graph.nodes.push(node);
            }
        }
        Ok(self)
    }

    fn rewrite(&mut self, prelu: &Node, index: usize) -> Result<(), ConvertError> {
        let ([x, slope], [y]) = (&prelu.inputs[..], &prelu.outputs[..]) else {
            return Err(ConvertError::new(format!("{} has other inputs", prelu.name)));
        };
        let (channels, slopes) = self.slopes(slope)?;
        let scaled = format!("scaled{index}");
        self.push("Mul", &[x, slope], &scaled);
        if slopes.iter().all(|&slope| slope <= 1.0) {
            self.push("Max", &[x, &scaled], y);
            return Ok(());
        }
        let complement = format!("complement{index}");
        let values: Vec<f32> = slopes.iter().map(|slope| 1.0 - slope).collect();
        let tensor = TensorProto::floats(complement.clone(), &[1, channels, 1, 1], &values);
        self.graph.initializers.push(tensor);
        let (positive, rest) = (format!("positive{index}"), format!("rest{index}"));
        self.push("Relu", &[x], &positive);
        self.push("Mul", &[&positive, &complement], &rest);
        self.push("Add", &[&scaled, &rest], y);
        Ok(())
    }

    /// The slopes of all channels, which must be weights. They get the shape of a picture, because
    /// only `PRelu` would read a shape of three dimensions as one slope for each channel.
    fn slopes(&mut self, name: &str) -> Result<(usize, Vec<f32>), ConvertError> {
        let tensor = self.graph.initializers.iter_mut().find(|tensor| tensor.name == name);
        let tensor = tensor
            .ok_or_else(|| ConvertError::new(format!("the slopes {name} are not weights")))?;
        let values = tensor.float_values().unwrap_or_default();
        let ([channels, 1, 1] | [1, channels, 1, 1]) = tensor.dims[..] else {
            return Err(ConvertError::new(format!("the slopes {name} are not of channels")));
        };
        tensor.dims = vec![1, channels, 1, 1];
        Ok((values.len(), values))
    }

    fn push(&mut self, operator: &str, inputs: &[&str], output: &str) {
        self.graph.nodes.push(Node {
            inputs: inputs.iter().map(|&name| name.to_owned()).collect(),
            outputs: vec![output.to_owned()],
            name: output.to_owned(),
            operator: operator.to_owned(),
            ..Node::default()
        });
    }

    /// The network as an ONNX file.
    pub(super) fn written(mut self) -> Vec<u8> {
        self.model.graph = Some(self.graph);
        self.model.encode_to_vec()
    }
}

fn is_known(node: &Node) -> bool {
    node.domain.is_empty()
        && OPERATORS.contains(&node.operator.as_str())
        && node.attributes.iter().all(Attribute::is_whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::onnx::ValueInfo;
    use proptest::prelude::*;
    use std::collections::HashMap;

    /// A network of one operator with these weights, on a picture of two channels and two pixels.
    fn one(operator: &str, weights: &[f32]) -> Vec<u8> {
        let node = Node {
            inputs: vec!["input".to_owned(), "weights".to_owned()],
            outputs: vec!["output".to_owned()],
            operator: operator.to_owned(),
            ..Node::default()
        };
        let tensor = TensorProto::floats("weights".to_owned(), &[weights.len(), 1, 1], weights);
        let graph = GraphProto {
            nodes: vec![node],
            initializers: vec![tensor],
            inputs: vec![ValueInfo::new("input", &[1, 2, 1, 2]), ValueInfo::new("weights", &[2])],
            outputs: vec![ValueInfo::new("output", &[1, 2, 1, 2])],
            ..GraphProto::default()
        };
        Model::new(graph).encode_to_vec()
    }

    fn operators(network: &Network) -> Vec<&str> {
        network.graph.nodes.iter().map(|node| node.operator.as_str()).collect()
    }

    /// Computes a network of the operators that replace `PRelu`, on two pixels for each channel.
    fn computed(network: &Network, input: [f32; 4]) -> Vec<f32> {
        let mut values = HashMap::from([("input", input.to_vec())]);
        for tensor in &network.graph.initializers {
            assert_eq!(tensor.dims, [1, 2, 1, 1]);
            let each = tensor.float_values().unwrap();
            values.insert(&tensor.name, vec![each[0], each[0], each[1], each[1]]);
        }
        for node in &network.graph.nodes {
            let inputs: Vec<&[f32]> =
                node.inputs.iter().map(|name| values[name.as_str()].as_slice()).collect();
            let both = |function: fn(f32, f32) -> f32| {
                inputs[0].iter().zip(inputs[1]).map(|(&a, &b)| function(a, b)).collect()
            };
            let output = match node.operator.as_str() {
                "Mul" => both(|a, b| a * b),
                "Add" => both(|a, b| a + b),
                "Max" => both(f32::max),
                "Relu" => inputs[0].iter().map(|value| value.max(0.0)).collect(),
                other => panic!("{other}"),
            };
            values.insert(&node.outputs[0], output);
        }
        values["output"].clone()
    }

    fn wanted(input: [f32; 4], slopes: [f32; 2]) -> Vec<f32> {
        let slopes = [slopes[0], slopes[0], slopes[1], slopes[1]];
        let prelu = |(x, slope): (f32, f32)| if x > 0.0 { x } else { slope * x };
        input.into_iter().zip(slopes).map(prelu).collect()
    }

    proptest! {
        #[test]
        fn prelu_with_slopes_up_to_one_becomes_an_equal_maximum(
            input in prop::array::uniform4(-1e3_f32..1e3), slopes in prop::array::uniform2(-3.0_f32..=1.0)
        ) {
            let network = Network::read(&one(PRELU, &slopes)).unwrap().without_prelu().unwrap();
            prop_assert_eq!(operators(&network), ["Mul", "Max"]);
            prop_assert_eq!(computed(&network, input), wanted(input, slopes));
        }

        #[test]
        fn prelu_with_a_steeper_slope_becomes_an_equal_sum(
            input in prop::array::uniform4(-1e3_f32..1e3), other in -3.0_f32..3.0, steep in 1.001_f32..3.0
        ) {
            let slopes = [other, steep];
            let network = Network::read(&one(PRELU, &slopes)).unwrap().without_prelu().unwrap();
            prop_assert_eq!(operators(&network), ["Mul", "Relu", "Mul", "Add"]);
            for (found, wanted) in computed(&network, input).iter().zip(wanted(input, slopes)) {
                prop_assert!((found - wanted).abs() <= 1e-6 * wanted.abs().max(1.0), "{found} {wanted}");
            }
        }
    }

    #[test]
    fn only_weights_below_1e_20_become_zero() {
        let weights = [1e-39, -9e-21, 1.1e-20, -0.5];
        let network = Network::read(&one("Mul", &weights)).unwrap().without_tiny_weights();
        let kept = network.graph.initializers[0].float_values().unwrap();
        assert_eq!(kept, [0.0, 0.0, 1.1e-20, -0.5]);
    }

    #[test]
    fn weights_are_not_listed_as_inputs() {
        let network = Network::read(&one("Mul", &[1.0, 2.0])).unwrap();
        let inputs: Vec<&str> =
            network.graph.inputs.iter().map(|input| input.name.as_str()).collect();
        assert_eq!(inputs, ["input"]);
        assert_eq!(Network::read(&network.clone().written()).unwrap(), network);
    }

    #[test]
    fn an_unknown_operator_attribute_or_tensor_is_refused() {
        assert!(Network::read(&one("Mul", &[1.0, 2.0])).is_ok());
        assert!(Network::read(&one("LSTM", &[1.0, 2.0])).is_err());
        assert!(Network::read(b"not ONNX").is_err());

        let changed = |change: fn(&mut GraphProto)| {
            let mut model = Model::decode(&one("Mul", &[1.0, 2.0])[..]).unwrap();
            change(model.graph.as_mut().unwrap());
            Network::read(&model.encode_to_vec())
        };
        assert!(changed(|_| ()).is_ok());
        assert!(changed(|graph| graph.nodes[0].domain = "com.microsoft".to_owned()).is_err());
        assert!(changed(|graph| graph.nodes[0].attributes = vec![Attribute::default()]).is_err());
        assert!(changed(|graph| graph.initializers[0].dims = vec![3]).is_err());
        assert!(changed(|graph| graph.initializers.clear()).is_err());
    }
}
