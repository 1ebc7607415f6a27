//! The interface to the inference engine: ONNX bytes in, numbers out. No other module uses tract.
//!
//! A [`Net`] is loaded once and shared by all threads. A call runs on the calling thread.

use std::{fmt, sync::Arc};
use tract_onnx::prelude::{
    Datum, Framework, InferenceFact, InferenceModelExt, IntoRunnable, Tensor, TractResult,
    TypedRunnableModel, tvec,
};

/// A network that cannot be loaded or run, with the message of the engine.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NetError(String);

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
        let plan = planned(onnx, &shape).map_err(|error| NetError(format!("{error:#}")))?;
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
        let outputs = self.outputs(planes).map_err(|error| NetError(format!("{error:#}")))?;
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

fn planned(onnx: &[u8], shape: &Shape) -> TractResult<Arc<TypedRunnableModel>> {
    let model = tract_onnx::onnx().model_for_read(&mut &*onnx)?;
    // Many networks leave the number of pictures or the side open.
    let input = InferenceFact::dt_shape(f32::datum_type(), dimensions(shape));
    model.with_input_fact(0, input)?.into_optimized()?.into_runnable()
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
