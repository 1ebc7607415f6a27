//! The ONNX protobuf messages that a network needs, written by hand to avoid code generation.
//!
//! Field numbers are those of onnx.proto3 (ONNX 1.14, IR version 8, operator set 13). Fields that
//! no network here uses are left out: they are absent in what is written and dropped from what is
//! read.
//!
//! <https://github.com/onnx/onnx/blob/v1.14.0/onnx/onnx.proto3>

use prost::Message;

/// `ModelProto.ir_version`.
const IR_VERSION: i64 = 8;

/// `ModelProto.producer_name`. It is part of the file, and so of its hash and of the pack's id: with
/// another one, no stored template belongs to a newly installed pack.
const PRODUCER: &str = "fourauth-face";

/// Version of the default operator set.
const OPERATOR_SET: i64 = 13;

/// `TensorProto.DataType.FLOAT`.
const FLOAT: i32 = 1;

/// `TensorProto.DataType.INT64`.
const INT64: i32 = 7;

#[derive(Clone, PartialEq, Message)]
pub(super) struct Model {
    #[prost(int64, tag = "1")]
    ir_version: i64,
    #[prost(string, tag = "2")]
    producer_name: String,
    #[prost(message, optional, tag = "7")]
    pub(super) graph: Option<GraphProto>,
    #[prost(message, repeated, tag = "8")]
    operator_sets: Vec<OperatorSet>,
}

impl Model {
    pub(super) fn new(graph: GraphProto) -> Model {
        let operator_sets = vec![OperatorSet { domain: String::new(), version: OPERATOR_SET }];
        let producer_name = PRODUCER.to_owned();
        Model { ir_version: IR_VERSION, producer_name, graph: Some(graph), operator_sets }
    }

    /// The version of the default operator set, if the network uses no other set.
    pub(super) fn operator_set(&self) -> Option<i64> {
        match self.operator_sets.as_slice() {
            [set] if set.domain.is_empty() => Some(set.version),
            _ => None,
        }
    }
}

#[derive(Clone, PartialEq, Message)]
struct OperatorSet {
    #[prost(string, tag = "1")]
    domain: String,
    #[prost(int64, tag = "2")]
    version: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct GraphProto {
    #[prost(message, repeated, tag = "1")]
    pub(super) nodes: Vec<Node>,
    #[prost(string, tag = "2")]
    pub(super) name: String,
    #[prost(message, repeated, tag = "5")]
    pub(super) initializers: Vec<TensorProto>,
    #[prost(message, repeated, tag = "11")]
    pub(super) inputs: Vec<ValueInfo>,
    #[prost(message, repeated, tag = "12")]
    pub(super) outputs: Vec<ValueInfo>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Node {
    #[prost(string, repeated, tag = "1")]
    pub(super) inputs: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub(super) outputs: Vec<String>,
    #[prost(string, tag = "3")]
    pub(super) name: String,
    #[prost(string, tag = "4")]
    pub(super) operator: String,
    #[prost(message, repeated, tag = "5")]
    pub(super) attributes: Vec<Attribute>,
    #[prost(string, tag = "7")]
    pub(super) domain: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Attribute {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(float, tag = "2")]
    float: f32,
    #[prost(int64, tag = "3")]
    int: i64,
    #[prost(bytes = "vec", tag = "4")]
    text: Vec<u8>,
    #[prost(message, optional, tag = "5")]
    tensor: Option<TensorProto>,
    #[prost(int64, repeated, tag = "8")]
    ints: Vec<i64>,
    #[prost(int32, tag = "20")]
    kind: i32,
}

impl Attribute {
    /// An attribute of `AttributeType.INT`.
    pub(super) fn int(name: &str, int: i64) -> Attribute {
        Attribute { name: name.to_owned(), int, kind: 2, ..Attribute::default() }
    }

    /// An attribute of `AttributeType.STRING`.
    pub(super) fn text(name: &str, text: &str) -> Attribute {
        let text = text.as_bytes().to_vec();
        Attribute { name: name.to_owned(), text, kind: 3, ..Attribute::default() }
    }

    /// An attribute of `AttributeType.INTS`.
    pub(super) fn ints(name: &str, ints: Vec<i64>) -> Attribute {
        Attribute { name: name.to_owned(), ints, kind: 7, ..Attribute::default() }
    }

    /// True if all of the attribute was read: its type is `FLOAT`, `INT`, `STRING`, `INTS`, or
    /// `TENSOR` with raw values.
    pub(super) fn is_whole(&self) -> bool {
        match self.kind {
            1 | 2 | 3 | 7 => true,
            4 => self.tensor.as_ref().is_some_and(TensorProto::is_raw),
            _ => false,
        }
    }
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorProto {
    #[prost(int64, repeated, tag = "1")]
    pub(super) dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(string, tag = "8")]
    pub(super) name: String,
    #[prost(bytes = "vec", tag = "9")]
    raw_data: Vec<u8>,
}

impl TensorProto {
    pub(super) fn floats(name: String, shape: &[usize], values: &[f32]) -> TensorProto {
        let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        TensorProto { dims: dims(shape), data_type: FLOAT, name, raw_data }
    }

    pub(super) fn ints(name: String, values: &[i64]) -> TensorProto {
        let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        TensorProto { dims: dims(&[values.len()]), data_type: INT64, name, raw_data }
    }

    /// True if the values are floats or integers of 64 bits, and all in `raw_data`. ONNX has other
    /// fields for them, which are not read.
    pub(super) fn is_raw(&self) -> bool {
        let size = match self.data_type {
            FLOAT => 4,
            INT64 => 8,
            _ => return false,
        };
        let mut sizes = self.dims.iter().map(|&dim| usize::try_from(dim).ok());
        let bytes = sizes.try_fold(size, |bytes: usize, dim| bytes.checked_mul(dim?));
        bytes == Some(self.raw_data.len())
    }

    /// The values, if they are floats.
    pub(super) fn float_values(&self) -> Option<Vec<f32>> {
        let (values, _) = self.raw_data.as_chunks::<4>();
        let values = values.iter().map(|&bytes| f32::from_le_bytes(bytes));
        (self.data_type == FLOAT).then(|| values.collect())
    }

    /// Replaces the values by as many others.
    pub(super) fn set_floats(&mut self, values: &[f32]) {
        self.raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    }
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ValueInfo {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(message, optional, tag = "2")]
    kind: Option<TypeProto>,
}

impl ValueInfo {
    /// Declares a float tensor that is an input or output of the graph.
    pub(super) fn new(name: &str, shape: &[usize]) -> ValueInfo {
        let dims = dims(shape).into_iter().map(|value| Dimension { value }).collect();
        let tensor = TensorType { element: FLOAT, shape: Some(Shape { dims }) };
        ValueInfo { name: name.to_owned(), kind: Some(TypeProto { tensor: Some(tensor) }) }
    }
}

#[derive(Clone, PartialEq, Message)]
struct TypeProto {
    #[prost(message, optional, tag = "1")]
    tensor: Option<TensorType>,
}

#[derive(Clone, PartialEq, Message)]
struct TensorType {
    #[prost(int32, tag = "1")]
    element: i32,
    #[prost(message, optional, tag = "2")]
    shape: Option<Shape>,
}

#[derive(Clone, PartialEq, Message)]
struct Shape {
    #[prost(message, repeated, tag = "1")]
    dims: Vec<Dimension>,
}

#[derive(Clone, PartialEq, Message)]
struct Dimension {
    #[prost(int64, tag = "1")]
    value: i64,
}

/// A shape in the form of ONNX. No tensor here comes near `i64::MAX` elements.
pub(super) fn dims(shape: &[usize]) -> Vec<i64> {
    shape.iter().map(|&size| i64::try_from(size).unwrap_or(i64::MAX)).collect()
}
