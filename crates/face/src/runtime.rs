//! The interface to the inference engine: ONNX bytes in, numbers out. No other module uses tract.
//!
//! A [`Net`] is loaded once and shared by all threads. A call runs on the calling thread.

use std::{
    fmt::{self, Display},
    panic::catch_unwind,
    sync::Arc,
};
use tract_onnx::prelude::{
    Datum, Framework, InferenceFact, InferenceModelExt, IntoRunnable, Tensor, TractResult,
    TypedFact, TypedModel, TypedRunnableModel, tvec,
};

/// Upper bound of one tensor of a network, in bytes. 64 channels at half of the largest side of a
/// detector, 1024 pixels, take 67 MB.
const MAX_TENSOR: usize = 256 << 20;

/// A network that cannot be loaded or run, with the message of the engine.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NetError(String);

impl NetError {
    /// A network with this fault.
    pub(crate) fn new(fault: &str) -> NetError {
        NetError(fault.to_owned())
    }

    fn of_engine(error: impl Display) -> NetError {
        NetError(format!("{error:#}"))
    }
}

/// The shape of a network: planes of a square picture in, rows of numbers out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Number of planes: 3 for colours, 1 for grey.
    pub(crate) planes: usize,
    /// Side of each plane, in pixels.
    pub(crate) side: usize,
    /// Number of values of each output.
    pub(crate) outputs: Vec<usize>,
}

impl Shape {
    /// A network for a picture in colours.
    pub(crate) fn colours(side: usize, outputs: Vec<usize>) -> Shape {
        Shape { planes: 3, side, outputs }
    }

    /// Number of values of the input.
    pub(crate) fn input(&self) -> usize {
        self.planes * self.side * self.side
    }
}

/// One loaded network.
pub(crate) struct Net {
    plan: Arc<TypedRunnableModel>,
    shape: Shape,
}

impl Net {
    /// Loads a network of this shape.
    pub(crate) fn load(onnx: &[u8], shape: Shape) -> Result<Net, NetError> {
        // The engine panics about some files, such as one that asks for more memory than there is.
        // What it has built by then is dropped.
        catch_unwind(|| Net::planned(onnx, shape)).unwrap_or_else(|_| {
            Err(NetError::new("the inference engine failed; its message is above"))
        })
    }

    fn planned(onnx: &[u8], shape: Shape) -> Result<Net, NetError> {
        let model = typed(onnx, &shape).map_err(NetError::of_engine)?;
        if let Some(node) = model
            .nodes()
            .iter()
            .find(|node| node.outputs.iter().any(|output| !is_bounded(&output.fact)))
        {
            return Err(NetError(format!("{:?} needs more than 256 MiB", node.name)));
        }
        let plan = model.into_optimized().and_then(IntoRunnable::into_runnable);
        let plan = plan.map_err(NetError::of_engine)?;
        let net = Net { plan, shape };
        // Declared shapes may be wrong or missing, so one run on black input checks the real ones.
        net.run(&vec![0.0; net.shape.input()])?;
        Ok(net)
    }

    /// Side of the square input, in pixels.
    pub(crate) fn side(&self) -> usize {
        self.shape.side
    }

    /// Runs the network on the values of its planes, plane by plane, rows from the top. All returned
    /// numbers are finite.
    pub(crate) fn run(&self, planes: &[f32]) -> Result<Vec<Vec<f32>>, NetError> {
        let outputs = self.outputs(planes).map_err(NetError::of_engine)?;
        let sizes: Vec<usize> = outputs.iter().map(Vec::len).collect();
        if sizes != self.shape.outputs {
            let expected = &self.shape.outputs;
            return Err(NetError(format!("{sizes:?} output values, expected {expected:?}")));
        }
        if outputs.iter().flatten().all(|value| value.is_finite()) {
            return Ok(outputs);
        }
        Err(NetError("an output is not a finite number".to_owned()))
    }

    fn outputs(&self, planes: &[f32]) -> TractResult<Vec<Vec<f32>>> {
        let input = Tensor::from_shape(&dimensions(&self.shape), planes)?;
        let outputs = self.plan.run(tvec!(input.into()))?;
        outputs
            .iter()
            .map(|output| Ok(output.try_as_plain_ram()?.as_slice::<f32>()?.to_vec()))
            .collect()
    }
}

fn typed(onnx: &[u8], shape: &Shape) -> TractResult<TypedModel> {
    let model = tract_onnx::onnx().model_for_read(&mut &*onnx)?;
    // Many networks leave the number of pictures or the side open.
    let input = InferenceFact::dt_shape(f32::datum_type(), dimensions(shape));
    model.with_input_fact(0, input)?.into_typed()
}

/// False if a tensor has more than [`MAX_TENSOR`] bytes. The size of some is known only when they are
/// computed.
fn is_bounded(fact: &TypedFact) -> bool {
    let Some(dimensions) = fact.shape.as_concrete() else { return true };
    let size = dimensions
        .iter()
        .try_fold(fact.datum_type.size_of(), |size, dimension| size.checked_mul(*dimension));
    size.is_some_and(|size| size <= MAX_TENSOR)
}

/// One picture, its planes, rows and columns.
fn dimensions(shape: &Shape) -> [usize; 4] {
    [1, shape.planes, shape.side, shape.side]
}

impl fmt::Debug for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Net").field("shape", &self.shape).finish_non_exhaustive()
    }
}
