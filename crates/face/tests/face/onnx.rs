//! Writes the ONNX file of a network with constant outputs, byte by byte (protocol buffers; field
//! numbers of onnx.proto3, operator set 13).

/// A network for pictures of `side` pixels. Its outputs are these values whatever it sees.
pub(crate) fn constant_network(side: u64, outputs: &[Vec<f32>]) -> Vec<u8> {
    let mut graph = Vec::new();
    // Nothing of the picture is left: its mean times zero.
    node(&mut graph, "ReduceMean", &["input"], "mean");
    node(&mut graph, "Mul", &["mean", "nothing"], "zero");
    tensor(&mut graph, "nothing", &[0.0]);
    for (index, values) in outputs.iter().enumerate() {
        let (given, output) = (format!("given{index}"), format!("output{index}"));
        node(&mut graph, "Add", &["zero", &given], &output);
        tensor(&mut graph, &given, values);
    }
    let lengths: Vec<u64> = outputs.iter().map(|values| values.len() as u64).collect();
    whole(side, &graph, &lengths)
}

/// A network for pictures of `side` pixels that repeats its mean into a tensor of `rows` rows, or a
/// constant if it does not depend on the picture, and then adds the rows.
pub(crate) fn giant_network(side: u64, values: u64, rows: u64, depends: bool) -> Vec<u8> {
    let mut graph = Vec::new();
    node(&mut graph, "ReduceMean", &["input"], "mean");
    node(&mut graph, "Expand", &[if depends { "mean" } else { "one" }, "size"], "giant");
    node(&mut graph, "ReduceMax", &["giant"], "most");
    node(&mut graph, "Add", &["most", "mean"], "both");
    node(&mut graph, "Add", &["both", "row"], "output0");
    tensor(&mut graph, "one", &[1.0]);
    tensor(&mut graph, "row", &vec![0.0; usize::try_from(values).unwrap()]);
    let sizes = [1, 1, rows, values].map(u64::to_le_bytes).concat();
    raw_tensor(&mut graph, "size", 7, 4, &sizes);
    whole(side, &graph, &[values])
}

/// A model with this graph, without its description, and with outputs of so many values.
fn whole(side: u64, nodes: &[u8], outputs: &[u64]) -> Vec<u8> {
    let mut graph = nodes.to_vec();
    bytes(&mut graph, 2, b"test");
    value(&mut graph, 11, "input", &[1, 3, side, side]);
    for (index, values) in outputs.iter().enumerate() {
        value(&mut graph, 12, &format!("output{index}"), &[1, 1, 1, *values]);
    }
    let mut model = Vec::new();
    number(&mut model, 1, 8);
    bytes(&mut model, 7, &graph);
    let mut operators = Vec::new();
    number(&mut operators, 2, 13);
    bytes(&mut model, 8, &operators);
    model
}

fn node(graph: &mut Vec<u8>, operator: &str, inputs: &[&str], output: &str) {
    let mut node = Vec::new();
    for input in inputs {
        bytes(&mut node, 1, input.as_bytes());
    }
    bytes(&mut node, 2, output.as_bytes());
    bytes(&mut node, 4, operator.as_bytes());
    bytes(graph, 1, &node);
}

/// A constant of one row.
fn tensor(graph: &mut Vec<u8>, name: &str, values: &[f32]) {
    const FLOAT: u64 = 1;
    let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    raw_tensor(graph, name, FLOAT, values.len() as u64, &raw);
}

/// A constant of one row of a kind of number.
fn raw_tensor(graph: &mut Vec<u8>, name: &str, kind: u64, length: u64, raw: &[u8]) {
    let mut tensor = Vec::new();
    number(&mut tensor, 1, length);
    number(&mut tensor, 2, kind);
    bytes(&mut tensor, 8, name.as_bytes());
    bytes(&mut tensor, 9, raw);
    bytes(graph, 5, &tensor);
}

fn value(graph: &mut Vec<u8>, field: u64, name: &str, dimensions: &[u64]) {
    let mut shape = Vec::new();
    for &size in dimensions {
        let mut dimension = Vec::new();
        number(&mut dimension, 1, size);
        bytes(&mut shape, 1, &dimension);
    }
    let mut tensor = Vec::new();
    number(&mut tensor, 1, 1);
    bytes(&mut tensor, 2, &shape);
    let mut kind = Vec::new();
    bytes(&mut kind, 1, &tensor);
    let mut value = Vec::new();
    bytes(&mut value, 1, name.as_bytes());
    bytes(&mut value, 2, &kind);
    bytes(graph, field, &value);
}

fn number(message: &mut Vec<u8>, field: u64, number: u64) {
    varint(message, field << 3);
    varint(message, number);
}

fn bytes(message: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    varint(message, field << 3 | 2);
    varint(message, bytes.len() as u64);
    message.extend_from_slice(bytes);
}

fn varint(message: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        message.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    message.push(number.to_le_bytes()[0]);
}
