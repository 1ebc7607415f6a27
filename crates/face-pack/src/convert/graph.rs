//! Builds one ONNX graph layer by layer, and tracks the shapes.
//!
//! Filters have TensorFlow's order (height, width, in, out). Activations are NCHW with a batch of
//! one.

use super::{
    ConvertError,
    onnx::{Attribute, GraphProto, Model, Node, TensorProto, ValueInfo, dims},
    tensor::Tensor,
};
use prost::Message;

/// The output of a layer: its name in the graph and its shape.
#[derive(Debug, Clone)]
pub(super) struct Value {
    name: String,
    shape: Vec<usize>,
}

impl Value {
    pub(super) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Channels, height and width.
    pub(super) fn planes(&self) -> Result<[usize; 3], ConvertError> {
        match self.shape[..] {
            [1, channels, height, width] => Ok([channels, height, width]),
            _ => Err(ConvertError::new(format!("{:?} is not a picture", self.shape))),
        }
    }
}

/// TensorFlow's two modes of padding a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Padding {
    /// No padding: the window stays inside.
    Valid,
    /// Enough padding for `size / stride` outputs, rounded up; an odd row goes to the end.
    Same,
}

/// The value that a pooling layer computes from a window.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pool {
    Max,
    Average,
}

/// A graph under construction.
#[derive(Debug)]
pub(super) struct Graph {
    proto: GraphProto,
}

impl Graph {
    /// Creates a graph with one square picture as input: RGB planes, 0 to 255.
    pub(super) fn new(name: &str, side: usize) -> (Graph, Value) {
        let input = Value { name: "input".to_owned(), shape: vec![1, 3, side, side] };
        let inputs = vec![ValueInfo::new(&input.name, &input.shape)];
        (
            Graph { proto: GraphProto { name: name.to_owned(), inputs, ..GraphProto::default() } },
            input,
        )
    }

    /// Serialises the graph with these outputs, in this order.
    pub(super) fn finish(mut self, outputs: &[(&str, Value)]) -> Vec<u8> {
        for (name, value) in outputs {
            self.proto.nodes.push(Node {
                inputs: vec![value.name.clone()],
                outputs: vec![(*name).to_owned()],
                name: format!("out_{name}"),
                operator: "Identity".to_owned(),
                ..Node::default()
            });
            self.proto.outputs.push(ValueInfo::new(name, &value.shape));
        }
        Model::new(self.proto).encode_to_vec()
    }

    /// `(picture - mean) × scale`, with one mean per channel.
    pub(super) fn normalised(&mut self, picture: &Value, mean: [f32; 3], scale: f32) -> Value {
        let mean = self.floats(&[1, 3, 1, 1], &mean);
        let scale = self.floats(&[1, 1, 1, 1], &[scale]);
        let shape = picture.shape.clone();
        let centred = self.layer("Sub", &[&picture.name, &mean], shape.clone(), Vec::new());
        self.layer("Mul", &[&centred.name, &scale], shape, Vec::new())
    }

    /// A convolution with a filter of shape (height, width, in, out).
    pub(super) fn conv(
        &mut self,
        from: &Value,
        filter: &Tensor,
        bias: Option<&Tensor>,
        stride: usize,
        padding: Padding,
    ) -> Result<Value, ConvertError> {
        let kernel = filter.permuted([3, 2, 0, 1])?;
        self.windowed_conv(from, &kernel, bias, Window { stride, padding }, 1)
    }

    /// A depthwise convolution with a filter of shape (height, width, channels, 1), without bias.
    pub(super) fn depthwise(
        &mut self,
        from: &Value,
        filter: &Tensor,
        stride: usize,
        padding: Padding,
    ) -> Result<Value, ConvertError> {
        let kernel = filter.permuted([2, 3, 0, 1])?;
        let [channels, _, _] = from.planes()?;
        self.windowed_conv(from, &kernel, None, Window { stride, padding }, channels)
    }

    fn windowed_conv(
        &mut self,
        from: &Value,
        kernel: &Tensor,
        bias: Option<&Tensor>,
        window: Window,
        groups: usize,
    ) -> Result<Value, ConvertError> {
        let [out, inner, high, wide] = kernel.dims::<4>()?;
        let [channels, height, width] = from.planes()?;
        if inner * groups != channels || bias.is_some_and(|bias| bias.shape() != [out]) {
            return Err(ConvertError::new(format!(
                "filter {:?} on {:?}",
                kernel.shape(),
                from.shape
            )));
        }
        let (rows, columns) = (window.over(height, high)?, window.over(width, wide)?);

        let weights = self.floats(kernel.shape(), kernel.values());
        let bias = bias.map(|bias| self.floats(bias.shape(), bias.values()));
        let inputs: Vec<&str> =
            [&from.name, &weights].into_iter().chain(&bias).map(String::as_str).collect();
        let mut attributes = window.attributes([high, wide], &rows, &columns);
        attributes.push(Attribute::int("group", dims(&[groups])[0]));
        Ok(self.layer("Conv", &inputs, vec![1, out, rows.outputs, columns.outputs], attributes))
    }

    /// Pools over square windows. Padding does not count towards an average.
    pub(super) fn pool(
        &mut self,
        from: &Value,
        pool: Pool,
        side: usize,
        stride: usize,
        padding: Padding,
    ) -> Result<Value, ConvertError> {
        let window = Window { stride, padding };
        let [channels, height, width] = from.planes()?;
        let (rows, columns) = (window.over(height, side)?, window.over(width, side)?);
        let operator = match pool {
            Pool::Max => "MaxPool",
            Pool::Average => "AveragePool",
        };
        let shape = vec![1, channels, rows.outputs, columns.outputs];
        let attributes = window.attributes([side, side], &rows, &columns);
        Ok(self.layer(operator, &[&from.name], shape, attributes))
    }

    pub(super) fn relu(&mut self, from: &Value) -> Value {
        self.layer("Relu", &[&from.name], from.shape.clone(), Vec::new())
    }

    pub(super) fn add(&mut self, a: &Value, b: &Value) -> Result<Value, ConvertError> {
        if a.shape != b.shape {
            return Err(ConvertError::new(format!("{:?} added to {:?}", a.shape, b.shape)));
        }
        Ok(self.layer("Add", &[&a.name, &b.name], a.shape.clone(), Vec::new()))
    }

    /// Extends the value to this shape with zeros at the end.
    pub(super) fn zero_padded(
        &mut self,
        from: &Value,
        planes: [usize; 3],
    ) -> Result<Value, ConvertError> {
        let [channels, height, width] = from.planes()?;
        let grow = |to: usize, from: usize| {
            to.checked_sub(from)
                .ok_or_else(|| ConvertError::new(format!("padding {from} down to {to}")))
        };
        let end = [grow(planes[0], channels)?, grow(planes[1], height)?, grow(planes[2], width)?];
        if end == [0; 3] {
            return Ok(from.clone());
        }
        let pads = self.ints(&dims(&[0, 0, 0, 0, 0, end[0], end[1], end[2]]));
        let shape = vec![1, planes[0], planes[1], planes[2]];
        Ok(self.layer(
            "Pad",
            &[&from.name, &pads],
            shape,
            vec![Attribute::text("mode", "constant")],
        ))
    }

    /// The means of the channels, as one row.
    pub(super) fn channel_means(&mut self, from: &Value) -> Result<Value, ConvertError> {
        let [channels, _, _] = from.planes()?;
        let means =
            self.layer("GlobalAveragePool", &[&from.name], vec![1, channels, 1, 1], Vec::new());
        Ok(self.flattened(&means))
    }

    /// All values in one row.
    pub(super) fn flattened(&mut self, from: &Value) -> Value {
        let count = from.shape.iter().product();
        self.layer("Flatten", &[&from.name], vec![1, count], vec![Attribute::int("axis", 1)])
    }

    /// One row times a matrix of shape (in, out), plus a bias.
    pub(super) fn dense(
        &mut self,
        row: &Value,
        matrix: &Tensor,
        bias: Option<&Tensor>,
    ) -> Result<Value, ConvertError> {
        let [inner, out] = matrix.dims::<2>()?;
        if row.shape != [1, inner] || bias.is_some_and(|bias| bias.shape() != [out]) {
            return Err(ConvertError::new(format!("{:?} times {:?}", row.shape, matrix.shape())));
        }
        let weights = self.floats(matrix.shape(), matrix.values());
        let product = self.layer("MatMul", &[&row.name, &weights], vec![1, out], Vec::new());
        let Some(bias) = bias else { return Ok(product) };
        let bias = self.floats(&[1, out], bias.values());
        Ok(self.layer("Add", &[&product.name, &bias], vec![1, out], Vec::new()))
    }

    /// TensorFlow's reshape, where channels are last: transposes, and then reshapes to `columns`.
    pub(super) fn table(&mut self, from: &Value, columns: usize) -> Result<Value, ConvertError> {
        let [channels, height, width] = from.planes()?;
        let count = channels * height * width;
        if columns == 0 || !count.is_multiple_of(columns) {
            return Err(ConvertError::new(format!("{:?} in {columns} columns", from.shape)));
        }
        let order = vec![Attribute::ints("perm", vec![0, 2, 3, 1])];
        let last = self.layer("Transpose", &[&from.name], vec![1, height, width, channels], order);
        let shape = vec![1, count / columns, columns];
        let target = self.ints(&dims(&shape));
        Ok(self.layer("Reshape", &[&last.name, &target], shape, Vec::new()))
    }

    fn layer(
        &mut self,
        operator: &str,
        from: &[&str],
        shape: Vec<usize>,
        attributes: Vec<Attribute>,
    ) -> Value {
        let name = format!("t{}_{operator}", self.proto.nodes.len());
        self.proto.nodes.push(Node {
            inputs: from.iter().map(|&name| name.to_owned()).collect(),
            outputs: vec![name.clone()],
            name: name.clone(),
            operator: operator.to_owned(),
            attributes,
            ..Node::default()
        });
        Value { name, shape }
    }

    fn floats(&mut self, shape: &[usize], values: &[f32]) -> String {
        let name = format!("w{}", self.proto.initializers.len());
        self.proto.initializers.push(TensorProto::floats(name.clone(), shape, values));
        name
    }

    fn ints(&mut self, values: &[i64]) -> String {
        let name = format!("w{}", self.proto.initializers.len());
        self.proto.initializers.push(TensorProto::ints(name.clone(), values));
        name
    }
}

/// The stride and padding of a window.
#[derive(Debug, Clone, Copy)]
struct Window {
    stride: usize,
    padding: Padding,
}

/// A window along one axis: zeros before and after, and the number of outputs.
struct Span {
    before: usize,
    after: usize,
    outputs: usize,
}

impl Window {
    /// TensorFlow's rule (`tf.nn`, "Notes on padding"), for a window of `side` over `length`
    /// values.
    fn over(self, length: usize, side: usize) -> Result<Span, ConvertError> {
        if self.stride == 0 || side == 0 || (self.padding == Padding::Valid && side > length) {
            return Err(ConvertError::new(format!("a window of {side} over {length}")));
        }
        Ok(match self.padding {
            Padding::Valid => {
                Span { before: 0, after: 0, outputs: (length - side) / self.stride + 1 }
            }
            Padding::Same => {
                let outputs = length.div_ceil(self.stride);
                let total = ((outputs.max(1) - 1) * self.stride + side).saturating_sub(length);
                Span { before: total / 2, after: total - total / 2, outputs }
            }
        })
    }

    fn attributes(self, kernel: [usize; 2], rows: &Span, columns: &Span) -> Vec<Attribute> {
        vec![
            Attribute::ints("kernel_shape", dims(&kernel)),
            Attribute::ints("strides", dims(&[self.stride; 2])),
            Attribute::ints(
                "pads",
                dims(&[rows.before, columns.before, rows.after, columns.after]),
            ),
        ]
    }
}
